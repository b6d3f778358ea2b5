"""stats as the consumer kernel sees it: every outcome replaces what was known, and the counters take the difference."""

from collections.abc import Collection, Mapping, Sequence

from services.stats.counters import differences
from services.stats.domain import changed
from services.stats.events import TOPICS
from services.stats.store import State, Store, place_of
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
        data, time = item.event.data, item.event.time
        place = place_of(data)
        old = state.entities.get(place)
        if old is not None and old.version >= data.version:
            return Result("repeated")
        new = state.entities[place] = changed(old, data, time, item.partition)
        state.changed.add(place)
        for trace, by in differences(old, new, self._store.zone).items():
            state.counters[trace] += by
        state.as_of[item.partition] = max(time, state.as_of.get(item.partition, time))
        state.since[item.partition] = min(time, state.since.get(item.partition, time))
        return Result()

    def writes(self, state: State) -> Writes:
        """Facts, labels, counters and how far we are."""
        return self._store.writes(state)
