"""Health by progress with real servers: standstill, absent neighbours, rebalances. Budgets are shortened."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from pymongo import AsyncMongoClient

from shared import pings, watch
from shared.errors import LogCut
from shared.health import Verdict
from shared.runtime import Service
from shared.settings import Budgets
from tests.support.proxy import proxy
from tests.support.world import World, until

SHORT = Budgets(
    batch=0.5,
    transaction_lifetime=1,
    database=2,
    revocation=3,
    stop=4,
    rebalance=5,
    container_stop=6,
    stall=8,
    restart=16,
)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.5)
    monkeypatch.setattr(watch, "AGAIN", 0.2)


class Watched:
    """Every verdict of a service, with its time."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[float, Verdict]] = []

    @contextlib.asynccontextmanager
    async def of(self, service: Service) -> AsyncIterator[None]:
        async def write() -> None:
            while True:
                self.verdicts.append((time.monotonic(), service.watch.verdict()))
                await asyncio.sleep(0.05)

        task = asyncio.create_task(write())
        yield
        task.cancel()

    @property
    def statuses(self) -> set[str]:
        return {verdict.status for _, verdict in self.verdicts}

    def longest(self) -> float:
        """The longest time without readiness after it was ready first."""
        first = next(at for at, verdict in self.verdicts if verdict.status == "ready")
        longest, ready = 0.0, first
        for at, verdict in self.verdicts:
            ready = at if verdict.status == "ready" else ready
            longest = max(longest, at - ready)
        return longest


def status(service: Service) -> str:
    return service.watch.verdict().status


async def hangs(*_: Any) -> None:
    await asyncio.sleep(3_600)


async def test_ready_only_after_the_first_poll(world: World) -> None:
    service = world.build()
    assert status(service) == "starting"
    async with service.running():
        await until(lambda: status(service) == "ready", 20, every=0.01)
        assert service.kernel.progress.polls


async def test_a_standstill_makes_unready_and_then_ends_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database client that hangs for ever although the database is there. Nothing to do: nothing is wrong."""
    async with world.service(budgets=SHORT) as service:
        await until(lambda: status(service) == "ready", 40)
        monkeypatch.setattr(service.kernel.handler, "load", hangs)
        await asyncio.sleep(SHORT.stall + 1)
        assert status(service) == "ready"
        begun = time.monotonic()
        await world.produce(world.requests(3, 30))
        await until(lambda: status(service) == "stalled", 30)
        assert time.monotonic() - begun >= SHORT.stall - 1
        assert not service.watch.dead.is_set()
        await asyncio.wait_for(service.watch.dead.wait(), 30)
        assert time.monotonic() - begun >= SHORT.restart - 1


async def test_whoever_goes_on_in_time_is_ready_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.service(budgets=SHORT) as service:
        await until(lambda: status(service) == "ready", 40)
        load = service.kernel.handler.load
        monkeypatch.setattr(service.kernel.handler, "load", hangs)
        await world.produce(world.requests(3, 30))
        await until(lambda: status(service) == "stalled", 30)
        monkeypatch.setattr(service.kernel.handler, "load", load)
        await world.until_idle()
        await until(lambda: status(service) == "ready", 10)
        assert not service.watch.dead.is_set()
    await world.audit()


async def test_an_absent_neighbour_makes_unready_and_ends_nobody(world: World) -> None:
    """Longer than the process may stand still, with lag; also where nothing was to be done."""
    await world.side_by_side(["MongoDB-refused", "MongoDB-mute", "Kafka-refused", "Kafka-mute"], loses)


async def loses(world: World, word: str) -> None:
    who, _, how = word.partition("-")
    place = world.mongo.partition("127.0.0.1:")[2].partition("/")[0] if who == "MongoDB" else world.kafka.bootstrap
    async with proxy(int(place.rpartition(":")[2])) as between:
        here = f"127.0.0.1:{between.port}"
        uri = f"mongodb://{here}/?directConnection=true"
        more: dict[str, Any] = {"mongo": uri} if who == "MongoDB" else {"kafka": here}
        async with world.service(budgets=SHORT, **more) as service:
            await until(lambda: status(service) == "ready", 40)
            between.silent = how == "mute"
            if how == "refused":
                between.cut()
            await until(lambda: service.watch.verdict() == Verdict("away", f"{who} cannot be reached"), 30)
            await world.produce(world.requests(3, 30))
            begun = time.monotonic()
            while time.monotonic() - begun < SHORT.restart + 2:
                assert status(service) == "away"
                await asyncio.sleep(0.1)
            between.up, between.silent = True, False
            await world.until_idle()
            await until(lambda: status(service) == "ready", 40)
            assert not service.watch.dead.is_set()
    await world.audit()


async def test_a_stopped_partition_makes_unready_and_ends_nobody(world: World) -> None:
    async with world.service(budgets=SHORT) as service:
        await until(lambda: status(service) == "ready", 40)
        await world.produce(world.requests(3, 30))
        await world.until_idle()
        tp = min(service.kernel.owned)
        service.kernel._stop(tp, LogCut("cut"))
        await world.produce(world.requests(12, 30))
        await asyncio.sleep(SHORT.restart + 2)
        assert service.watch.verdict() == Verdict("stopped", "cut")
        await world.until_idle(but=[tp.partition])


@pytest.mark.parametrize("behind", [0, 1])
async def test_what_nobody_is_given_at_the_end_of_the_log_is_no_lag(
    world: World, behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker of a transaction: the consumer stands behind it, we before it. If it does not, something hangs."""
    async with world.service(budgets=SHORT) as service:
        await until(lambda: status(service) == "ready", 40)
        consumer = service.kernel.consumer
        assert consumer is not None
        highwater, position = consumer.highwater, consumer.position

        async def place(tp: TopicPartition) -> int:
            return int(await position(tp)) + 1 - behind

        monkeypatch.setattr(consumer, "highwater", lambda tp: (highwater(tp) or 0) + 1)
        monkeypatch.setattr(consumer, "position", place)
        await asyncio.sleep(SHORT.stall + 4)
        assert status(service) == ("stalled" if behind else "ready")


async def rebalances(world: World, times: int) -> None:
    """Another member joins and leaves under traffic. Never a word of a standstill; ready again within the budget."""
    watched = Watched()
    async with world.service() as service:
        await until(lambda: status(service) == "ready", 40)
        async with watched.of(service):
            first = service.kernel.era
            for turn in range(times):
                await world.produce(world.requests(6, 120, capacity=turn))
                era = service.kernel.era
                async with world.service():
                    await until(lambda era=era: service.kernel.era > era, 30)  # type: ignore[misc]
                    await asyncio.sleep(0.5)
                await until(lambda: status(service) == "ready", 30)
            await world.until_idle()
            await until(lambda: status(service) == "ready", 30)
        assert service.kernel.era - first >= 2 * times
        assert not service.watch.dead.is_set()
    assert watched.statuses <= {"ready", "moving", "failing"}
    assert "moving" in watched.statuses
    assert watched.longest() < Budgets().rebalance
    await world.audit()


async def test_five_rebalances_are_no_false_alarm(world: World) -> None:
    await rebalances(world, 5)


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
async def test_a_hundred_rebalances_are_no_false_alarm(world: World) -> None:
    await rebalances(world, 100)


async def test_a_ping_tells_a_port_that_listens_from_a_server_that_answers(world: World) -> None:
    there = world.kafka.bootstrap
    assert await pings.kafka(world.settings(), None)
    assert await pings.mongodb(world.database.client)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        assert not await pings.kafka(world.settings(kafka=place), None)
        assert await pings.kafka(world.settings(kafka=f"{place},{there}"), None)
        uri = f"mongodb://{place}/?directConnection=true"
        async with AsyncMongoClient[dict[str, Any]](uri, connect=False) as client:
            assert not await pings.mongodb(client)
