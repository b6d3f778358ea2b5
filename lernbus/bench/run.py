"""The whole benchmark: in each round all variants one after the other, the next round in the other direction."""

import gc
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from lernbus.bench.consume import Consuming
from lernbus.bench.figures import Rounds
from lernbus.bench.latency import Latency
from lernbus.bench.mail import Mails
from lernbus.bench.queue import Queue
from lernbus.bench.report import Report
from lernbus.bench.throughput import Throughput
from lernbus.bench.world import Size, world

Variant = Callable[[int], Awaitable[Mapping[str, float]]]
"""The number of the round -> what was measured in it."""


async def measure(size: Size, say: Callable[[str], None]) -> tuple[str, Rounds]:
    """What it ran on, and the figures of each round. Raises BenchError where the results are wrong."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    say("starting the servers")
    async with world(size) as here:
        for group in (
            Latency(here),
            Throughput(here),
            Queue(here),
            Mails(here),
            Consuming(here),
            Report(here.place, size.year),
        ):  # latency first, while stats has little to catch up with
            say("preparing")
            await group.prepare()
            for number in range(size.rounds):
                for variant in group.variants if number % 2 == 0 else reversed(group.variants):
                    say(f"round {number + 1} of {size.rounds}: {variant.__name__.replace('_', ' ')}")
                    gc.collect()
                    for name, figure in (await variant(number)).items():
                        found[name].append(figure)
        return here.place.name, found
