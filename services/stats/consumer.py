"""stats as the consumer kernel sees it: every outcome replaces what was known, and the counters take the difference."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from services.stats import rows
from services.stats.batches import Batch
from services.stats.events import TOPICS
from services.stats.state import State
from services.stats.store import Store
from shared.cloudevents import Catalogue
from shared.handler import Item, Result, WriteOne, Writes


class StatsHandler:
    """Reads enrolment's outcomes and publishes nothing."""

    group = "stats"
    topics: Mapping[str, Catalogue] = TOPICS
    private: Collection[str] = ()
    output: str | None = None

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, items: Sequence[Item]) -> Batch:
        """The entities that these items are about, in every generation that they may be folded into."""
        batch = Batch(await self._store.generations())
        for generation in batch.begun_by(items):
            await self._store.at(generation).make()
        wanted = batch.wanted(items)
        states = await asyncio.gather(*(self._store.at(one).load(some) for one, some in wanted.items()))
        batch.states = dict[int, State](zip(wanted, states, strict=True))
        return batch

    def apply(self, state: Batch, item: Item) -> Result:
        """Take the entity over, unless this version or a newer one is known."""
        return state.apply(item)

    def writes(self, state: Batch) -> Writes:
        """Facts, labels, counters and how far we are, in each generation."""
        writes: dict[str, Sequence[WriteOne]] = {}
        for generation, one in state.states.items():
            writes |= self._store.at(generation).writes(one)
        if state.generations.changed:
            writes["generations"] = [state.generations.write()]
        if state.since:
            writes["progress"] = rows.of_progress(state.as_of, state.since)
        return writes
