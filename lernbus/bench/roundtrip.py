"""Latency at a steady rate: from the push of a record to its outcome, and to the counter that knows of it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from lernbus.bench.figures import first_reached
from lernbus.bench.reader import Reader, outcome_of
from lernbus.bench.service import until
from shared.events import ENROLMENT_EVENTS
from shared.publisher import Out, Publisher
from shared.runtime import Service


@dataclass(frozen=True)
class Arrival:
    """An outcome: when it was seen, and where it stands."""

    moment: float
    partition: int
    offset: int


@dataclass(frozen=True)
class Commits:
    """When a service had read up to where, by partition of enrolment's outcomes."""

    service: Service
    seen: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(lambda: [(0, 0.0)]))

    def note(self) -> None:
        """For `Kernel.on_commit`: what a transaction wrote is visible now."""
        now = perf_counter()
        for tp, position in self.service.kernel.owned.items():
            following = position.next or 0
            if tp.topic == ENROLMENT_EVENTS and following > self.seen[tp.partition][-1][0]:
                self.seen[tp.partition].append((following, now))

    def reached(self, arrival: Arrival) -> bool:
        """Whether the service has read this outcome."""
        return self.seen[arrival.partition][-1][0] > arrival.offset

    def moment(self, arrival: Arrival) -> float:
        """When the service had read this outcome."""
        return first_reached(self.seen[arrival.partition], arrival.offset)


async def round_trip(
    name: str, publisher: Publisher, reader: Reader, outs: Sequence[Out], rate: int
) -> tuple[dict[str, float], dict[str, Arrival]]:
    """Push the requests `name`-0 ... at `rate` a second; when each was due, and its outcome, by the request's id."""
    arrivals: dict[str, Arrival] = {}
    async with reader.opened(), beside(_watch(reader, arrivals)):
        due = await _push(name, publisher, outs, rate)
        await until(lambda: due.keys() <= arrivals.keys(), f"{name}: not every outcome has come")
    return due, arrivals


async def _push(name: str, publisher: Publisher, outs: Sequence[Out], rate: int) -> dict[str, float]:
    """The moments at which they were due, so that a generator that comes too late does not flatter."""
    begin = perf_counter() + 0.1
    due = {f"{name}-{number}": begin + number / rate for number in range(len(outs))}
    async with asyncio.TaskGroup() as sending:
        for out, moment in zip(outs, due.values(), strict=True):
            await asyncio.sleep(max(moment - perf_counter(), 0))
            sending.create_task(publisher.publish([out]))
    return due


async def _watch(reader: Reader, arrivals: dict[str, Arrival]) -> None:
    while True:
        records = await reader.batch()
        now = perf_counter()
        for record in records:
            arrivals.setdefault(outcome_of(record.value).data.cause, Arrival(now, record.partition, record.offset))


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block; its failure is the block's."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()
