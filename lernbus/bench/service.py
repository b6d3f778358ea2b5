"""The services that are measured, as they are started everywhere else."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter

from aiokafka.structs import TopicPartition

from lernbus.bench.reader import WAIT_SECONDS, BenchError, Outcome
from shared.publisher import Out, Publisher
from shared.runtime import Service

POLL_SECONDS = 0.005


@contextlib.asynccontextmanager
async def ready(service: Service) -> AsyncIterator[Service]:
    """Run a service; the block begins when it owns its partitions."""
    async with service.running():
        await until(lambda: service.kernel.ready, f"{service.name} is not ready")
        yield service


async def work_off(service: Service, publisher: Publisher, outs: Sequence[Out]) -> float:
    """Put records on the log while the kernel waits, then let it go; seconds until the last outcome is acknowledged."""
    kernel = service.kernel
    async with kernel.lock:
        ends = following(outs, await publisher.publish(outs))
        await asyncio.sleep(0.5)  # its consumer has fetched the first records by then
        begin = perf_counter()
    await until(lambda: reached(service, ends), f"{service.name} does not get on")
    async with kernel.lock:  # it is held until the batch's events are published
        return perf_counter() - begin


def following(outs: Sequence[Out], offsets: Sequence[int]) -> dict[TopicPartition, int]:
    """Where the reader of these records stands when it has read them."""
    return {TopicPartition(out.topic, out.partition): at + 1 for out, at in zip(outs, offsets, strict=True)}


def reached(service: Service, ends: dict[TopicPartition, int]) -> bool:
    """Whether the service has applied everything before these offsets."""
    owned = service.kernel.owned
    return all(tp in owned and (owned[tp].next or 0) >= end for tp, end in ends.items())


async def until(condition: Callable[[], bool], complaint: str) -> None:
    """Wait, but not for ever."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():  # noqa: ASYNC110 (an event for each would cost what is measured)
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise BenchError(complaint) from error


def check(found: Sequence[Outcome], name: str, count: int, confirmed: int) -> None:
    """Raise BenchError unless each of the requests `name`-0 ... has one outcome, and as many a seat as there are."""
    if {one.data.cause for one in found} != {f"{name}-{number}" for number in range(count)}:
        raise BenchError(f"{name}: not every request has its outcome")
    kinds = Counter(one.type for one in found)
    right = {"enrolment.booking.confirmed.v1": confirmed, "enrolment.booking.waitlisted.v1": count - confirmed}
    if kinds != Counter(right):
        raise BenchError(f"{name}: the outcomes are {dict(kinds)}")
