"""Bookings per second: enrolment, the bare loop, the textbook; and on a crowded offering and a fresh one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from lernbus.bench import bare, textbook
from lernbus.bench.bare import Bare
from lernbus.bench.load import names, offerings, requests
from lernbus.bench.reader import outcomes
from lernbus.bench.service import check, ready, work_off
from lernbus.bench.textbook import Textbook
from lernbus.bench.world import World
from shared.events import ENROLMENT_EVENTS, LMS_EVENTS
from shared.publisher import Out

CAPACITY: Final = 20
"""Seats of an offering: of thirty people who ask, ten wait."""


class Throughput:
    """The variants, each of which takes requests that stand on its topic when the time begins."""

    def __init__(self, world: World) -> None:
        self._world, self._size, self._partitions = world, world.size, world.settings.partitions
        self._told = world.reader(ENROLMENT_EVENTS)
        self._bare = Bare(world.database, world.reader(bare.IN), world.steady.publish)
        self._bare_told = world.reader(bare.OUT)
        self.variants: Sequence[Callable[[int], Awaitable[Mapping[str, float]]]] = (
            self.enrolment,
            self.bare_loop,
            self.bare_send,
            self.textbook,
            self.crowded,
            self.fresh,
        )

    async def prepare(self) -> None:
        """Skip what was told before, and fill the crowded offering: half of its people wait."""
        await asyncio.gather(self._told.skip(), self._bare_told.skip(), self._bare.skip())
        size = self._size
        await self._enrol("crowd", ["crowded"], size.crowd, size.crowd // 2)

    async def enrolment(self, number: int) -> Mapping[str, float]:
        """The service, on new offerings."""
        name, size = f"enrolment{number}", self._size
        return {"enrolment": await self._enrol(name, names(name, size.offerings), size.bookings, CAPACITY)}

    async def fresh(self, number: int) -> Mapping[str, float]:
        """The service, on one new offering without a seat: all wait, as on the crowded one."""
        name = f"fresh{number}"
        return {"fresh": await self._enrol(name, [name], self._size.queue, 0)}

    async def crowded(self, number: int) -> Mapping[str, float]:
        """The service, on the one offering that has had many bookings."""
        name, count = f"crowded{number}", self._size.queue
        outs = requests(LMS_EVENTS, name, ["crowded"], count, self._partitions)
        return {"crowded": await self._work_off(name, [], outs, 0)}

    async def bare_loop(self, number: int) -> Mapping[str, float]:
        """The bare loop, on the same requests."""
        return {"bare": await self._bare_rate(f"bare{number}")}

    async def bare_send(self, number: int) -> Mapping[str, float]:
        """The bare loop that sends event by event."""
        async with bare.sending(self._world.settings) as self._bare.publish:
            rate = await self._bare_rate(f"send{number}")
        self._bare.publish = self._world.steady.publish
        return {"bare_send": rate}

    async def _bare_rate(self, name: str) -> float:
        size = self._size
        outs = requests(bare.IN, name, names(name, size.offerings), size.bookings, self._partitions)
        await self._world.filling.publish(outs)
        seconds = await self._bare.loop(len(outs))
        check(await outcomes(self._bare_told, name, len(outs)), name, len(outs), len(outs))
        return len(outs) / seconds

    async def textbook(self, number: int) -> Mapping[str, float]:
        """The textbook, on fewer of them."""
        name, size = f"textbook{number}", self._size
        ids = names(name, min(size.offerings, size.textbook))
        outs = requests(textbook.IN, name, ids, size.textbook, self._partitions)
        seconds = await Textbook(self._world.place, self._world.database).run(self._world.filling, ids, CAPACITY, outs)
        return {"textbook": len(outs) / seconds}

    async def _enrol(self, name: str, ids: Sequence[str], count: int, capacity: int) -> float:
        outs = requests(LMS_EVENTS, name, ids, count, self._partitions)
        confirmed = sum(min(len(range(at, count, len(ids))), capacity) for at in range(len(ids)))
        return await self._work_off(name, offerings(ids, capacity, self._partitions), outs, confirmed)

    async def _work_off(self, name: str, before: Sequence[Out], outs: Sequence[Out], confirmed: int) -> float:
        async with ready(self._world.enrolment()) as service:
            if before:
                await work_off(service, self._world.filling, before)
            seconds = await work_off(service, self._world.filling, outs)
        check(await outcomes(self._told, name, len(outs)), name, len(outs), confirmed)
        return len(outs) / seconds
