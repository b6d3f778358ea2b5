"""stats as the consumer kernel sees it: every outcome replaces what was known, and the counters take the difference."""

from collections.abc import Collection, Mapping, Sequence

from services.stats.events import TOPICS
from services.stats.state import State
from services.stats.store import Store
from shared.cloudevents import Catalogue
from shared.handler import Item, Result, Writes


class StatsHandler:
    """Reads enrolment's outcomes and publishes nothing."""

    group = "stats"
    topics: Mapping[str, Catalogue] = TOPICS
    private: Collection[str] = ()
    output: str | None = None

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, items: Sequence[Item]) -> State:
        """The entities that these items are about."""
        return await self._store.load(items)

    def apply(self, state: State, item: Item) -> Result:
        """Take the entity over, unless this version or a newer one is known."""
        return state.apply(item)

    def writes(self, state: State) -> Writes:
        """Facts, labels, counters and how far we are."""
        return self._store.writes(state)
