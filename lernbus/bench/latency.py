"""Latency at a steady rate: the services, and a bare round trip with one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from lernbus.bench import bare
from lernbus.bench.bare import Bare
from lernbus.bench.figures import percentile
from lernbus.bench.load import names, offerings, requests
from lernbus.bench.roundtrip import Commits, beside, round_trip
from lernbus.bench.service import ready, until, work_off
from lernbus.bench.world import World
from shared.events import ENROLMENT_EVENTS, LMS_EVENTS

CAPACITY = 10


class Latency:
    """The two variants, with the same requests."""

    def __init__(self, world: World) -> None:
        self._world, self._size, self._partitions = world, world.size, world.settings.partitions
        self._told, self._bare_told = world.reader(ENROLMENT_EVENTS), world.reader(bare.OUT)
        self._bare = Bare(world.database, world.reader(bare.IN), world.steady.publish)
        self._ids = names("latency", world.size.offerings)
        self.variants: Sequence[Callable[[int], Awaitable[Mapping[str, float]]]] = (self.round_trip, self.services)

    async def prepare(self) -> None:
        """The offerings that are booked."""
        await self._world.database.create_collection("bookings")
        async with ready(self._world.enrolment()) as service:
            await work_off(service, self._world.filling, offerings(self._ids, CAPACITY, self._partitions))

    async def round_trip(self, number: int) -> Mapping[str, float]:
        """The bare one."""
        name, size = f"round_trip{number}", self._size
        outs = requests(bare.IN, name, self._ids, size.pushed, self._partitions)
        async with beside(self._bare.with_transactions()):
            due, arrivals = await round_trip(name, self._world.steady, self._bare_told, outs, size.rate)
        return _percentiles("round_trip", [arrivals[one].moment - due[one] for one in due])

    async def services(self, number: int) -> Mapping[str, float]:
        """Enrolment and stats."""
        name, size = f"services{number}", self._size
        outs = requests(LMS_EVENTS, name, self._ids, size.pushed, self._partitions)
        enrolment, stats = self._world.enrolment(), self._world.stats()
        commits = Commits(stats)
        stats.kernel.on_commit = commits.note
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(ready(service)) for service in (enrolment, stats)))
            due, arrivals = await round_trip(name, self._world.steady, self._told, outs, size.rate)
            await until(lambda: all(map(commits.reached, arrivals.values())), "stats does not get on")
        return {
            **_percentiles("outcome", [arrivals[one].moment - due[one] for one in due]),
            **_percentiles("counter", [commits.moment(arrivals[one]) - due[one] for one in due]),
        }


def _percentiles(name: str, seconds: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p50": 1_000 * percentile(seconds, 0.5), f"{name}_p99": 1_000 * percentile(seconds, 0.99)}
