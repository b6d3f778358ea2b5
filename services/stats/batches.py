"""What a batch touches, in every generation that it may be folded into (generations.py). Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.stats.domain import Payload
from services.stats.generations import Generations
from services.stats.state import State
from shared.events import RESTATED, RESTATEMENT, RESTATING, Booking
from shared.handler import Item, Result

MARKS = (RESTATING, RESTATED)


@dataclass(slots=True)
class Batch:
    """A state for each generation; `as_of` and `since`: the newest and the oldest time read, by partition."""

    generations: Generations
    states: dict[int, State] = field(default_factory=dict)
    as_of: dict[int, datetime] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)

    def begun_by(self, items: Sequence[Item]) -> set[int]:
        """The generations that these items begin, unless they are known to be over."""
        begun = {item.event.data.generation for item in items if item.event.type == RESTATING}
        return {one for one in begun if one > self.generations.reading}

    def wanted(self, items: Sequence[Item]) -> dict[int, Sequence[Item]]:
        """Generation -> the items that may be folded into it: into what is read, nothing that is only said again."""
        beside = {one for item in items for one in self.generations.beside(item.partition)} | self.begun_by(items)
        happened = [item for item in items if item.event.type not in RESTATEMENT]
        return {self.generations.reading: happened, **dict.fromkeys(beside, items)}

    def apply(self, item: Item) -> Result:
        """Fold an outcome into the generations of its partition, or take note of a mark."""
        kind = item.event.type
        if kind in MARKS:
            return Result() if self._mark(item) else Result("repeated")
        wanted = self.generations.beside(item.partition)
        if kind not in RESTATEMENT:
            wanted = [self.generations.reading, *wanted]
        if "applied" not in {self.states[one].apply(item).outcome for one in wanted}:
            return Result("repeated")
        self._note(item)
        return Result()

    def _mark(self, item: Item) -> bool:
        partition, generation = item.partition, item.event.data.generation
        if item.event.type == RESTATING:
            return self.generations.begin(partition, generation)
        return self.generations.end(partition, generation)

    def _note(self, item: Item) -> None:
        """The time of an event is when somebody acted; of what is said again, a booking itself tells that."""
        data, partition = item.event.data, item.partition
        times = [item.event.time] if item.event.type not in RESTATEMENT else [*_acts(data)]
        if times:
            self.since[partition] = min(*times, self.since.get(partition, times[0]))
            self.as_of[partition] = max(*times, self.as_of.get(partition, times[0]))


def _acts(data: Payload) -> Iterator[datetime]:
    if isinstance(data, Booking):
        own = (data.requested_at, data.waiting_since, data.waiting_until, data.seated_at, data.ended_at)
        yield from (moment for moment in own if moment is not None)
        yield from (one.recorded_at for one in data.attendance)
        yield from (one.at for one in data.assigned)
