"""Notifications as the consumer kernel sees it."""

from collections.abc import Collection, Mapping, Sequence

from services.notifications import documents, events
from services.notifications.domain import rules
from services.notifications.state import State
from services.notifications.store import Store
from shared.cloudevents import Catalogue
from shared.events import LMS_PEOPLE
from shared.handler import Item, Result, Writes


class Consumer:
    """The Handler: `lead_days` are the days before a session on which people are reminded."""

    group: str = "notifications"
    topics: Mapping[str, Catalogue] = events.TOPICS
    private: Collection[str] = frozenset({LMS_PEOPLE})
    output: str | None = None

    def __init__(self, store: Store, lead_days: Sequence[int]) -> None:
        self._store, self._rules = store, rules(lead_days)

    async def load(self, items: Sequence[Item]) -> State:
        """Read all that these items touch."""
        return await self._store.load(items)

    def apply(self, state: State, item: Item) -> Result:
        """Decide what an event changes and who is told."""
        outcome = self._rules[item.event.type](state, item)
        return Result(more=True) if outcome == "more" else Result(outcome)

    def writes(self, state: State) -> Writes:
        """All that has changed since `load`."""
        return documents.writes(state)
