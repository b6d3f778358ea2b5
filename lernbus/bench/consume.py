"""Events per second that are read: stats with its facts and counters, and loops over the same records that do less.

`stats`: the real service until its last transaction. `parsed`: reads and parses, and keeps nothing. `inserted`: reads,
parses and inserts each event's data as a document, without a transaction, a fence or a version.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import msgspec
from aiokafka.structs import ConsumerRecord
from msgspec.structs import replace

from lernbus.bench.reader import BenchError
from lernbus.bench.service import ready, work_off
from lernbus.bench.world import World
from lernbus.bench.year import items
from shared.cloudevents import encode, parse
from shared.events import ENROLMENT_EVENTS, OUTCOMES, Booking
from shared.publisher import Out
from shared.runtime import connect

IN: Final = "bench.told"
Figures = Mapping[str, float]


class Consuming:
    """Every booking is told twice, when it is made and when it is over, with its attendance: `size.told` events."""

    def __init__(self, world: World) -> None:
        self._world, self._count = world, world.size.told // 2
        self._reader = world.reader(IN)
        self._collection = world.database["told"]
        self.variants: Sequence[Callable[[int], Awaitable[Figures]]] = (self.stats, self.parsed, self.inserted)

    async def prepare(self) -> None:
        """The topic of the loops, and stats has read what was told before."""
        await self._world.place.create([IN], self._world.settings.partitions)
        async with ready(self._world.stats()) as service:
            await work_off(service, self._world.filling, [])

    async def stats(self, number: int) -> Figures:
        """The service."""
        outs = _told(ENROLMENT_EVENTS, number, self._count)
        service = self._world.stats()
        database = connect(service.settings)
        before = await database["facts"].estimated_document_count()
        async with ready(service):
            seconds = await work_off(service, self._world.filling, outs)
        if await database["facts"].estimated_document_count() - before != self._count:
            raise BenchError("stats has not as many facts as there were bookings")
        await database.client.close()
        return {"stats": len(outs) / seconds}

    async def parsed(self, number: int) -> Figures:
        """Consume and parse."""
        return {"parsed": await self._loop(number, _nothing)}

    async def inserted(self, number: int) -> Figures:
        """Consume, parse, insert."""
        return {"inserted": await self._loop(number, self._insert)}

    async def _insert(self, bookings: list[Any]) -> None:
        await self._collection.insert_many([msgspec.to_builtins(one) for one in bookings])

    async def _loop(self, number: int, keep: Callable[[list[Any]], Awaitable[None]]) -> float:
        outs, done = _told(IN, number, self._count), 0
        await self._world.filling.publish(outs)
        async with self._reader.opened():
            await asyncio.sleep(0.5)  # the consumer of a service has fetched its first records by then, too
            begin = perf_counter()
            while done < len(outs):
                if records := await self._reader.batch():
                    await keep(_parsed(records))
                    done += len(records)
            return done / (perf_counter() - begin)


def _parsed(records: Sequence[ConsumerRecord]) -> list[Any]:
    return [parse(record.value, OUTCOMES).data for record in records]


async def _nothing(_bookings: list[Any]) -> None:
    pass


def _told(topic: str, number: int, count: int) -> list[Out]:
    """A year of its own for each round, as records: offerings and all that is not a booking only once."""
    year = 2010 + number
    last = [one for one in items(year, count) if isinstance(one.event.data, Booking)]
    first = [replace(one, event=replace(one.event, data=_as_made(one.event.data))) for one in last]
    return [Out(topic, one.partition, one.key.encode(), encode(one.event)) for one in (*first, *last)]


def _as_made(booking: Booking) -> Booking:
    """Before anybody came or cancelled."""
    return replace(booking, status="confirmed", attendance=[], completed_at=None, ended_at=None, version=1)
