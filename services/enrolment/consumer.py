"""Enrolment as the consumer kernel sees it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.enrolment import history, records
from services.enrolment.domain import decide
from services.enrolment.events import LOG
from services.enrolment.state import State
from services.enrolment.store import Store
from shared.cloudevents import Catalogue
from shared.events import ENROLMENT_EVENTS, LMS_EVENTS, LMS_PEOPLE, PEOPLE
from shared.handler import Item, Result, Writes


class Enrolment:
    """Decides about every event of the LMS; of people it keeps attributes only."""

    group: str = "enrolment"
    topics: Mapping[str, Catalogue] = {LMS_EVENTS: LOG, LMS_PEOPLE: PEOPLE}
    private: Collection[str] = frozenset({LMS_PEOPLE})
    output: str | None = ENROLMENT_EVENTS

    def __init__(self, store: Store) -> None:
        self._store: Final = store

    async def load(self, items: Sequence[Item]) -> State:
        """Read what the items touch."""
        return await self._store.load(items)

    def apply(self, state: State, item: Item) -> Result:
        """Decide about one event."""
        if item.topic == LMS_PEOPLE:
            decision = records.person_changed(state, item.event.data, item.offset)
        else:
            before = history.known(state, item.event)
            decision = decide(state, item.event, item.step)
            history.note(state, item, before, decision)
        return Result(decision.outcome, decision.events, decision.more)

    def writes(self, state: State) -> Writes:
        """All that has changed."""
        return self._store.writes(state)
