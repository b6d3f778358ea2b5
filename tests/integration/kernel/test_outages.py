"""Neighbours that are away, and members that come and go: everything waits, and goes on by itself."""

import asyncio
import gc
import signal
import time

import aiokafka.conn
import pytest
from aiokafka import AIOKafkaConsumer

from shared import runtime
from shared.closing import close_consumer
from shared.errors import Unpublished
from shared.publisher import Out, Publisher
from shared.settings import Budgets
from tests.support.proxy import proxy
from tests.support.servers import Kafka
from tests.support.world import World, until

HASTY = Budgets(batch=0.5, transaction_lifetime=1, database=2, revocation=3)


async def test_mongod_away_for_ten_seconds(world: World) -> None:
    """Refused or mute: not ready meanwhile, and nothing is lost or dead-lettered."""
    await world.side_by_side(["refused", "mute"], loses_mongod)


async def loses_mongod(world: World, how: str) -> None:
    port = int(world.mongo.partition("127.0.0.1:")[2].partition("/")[0])
    async with proxy(port) as between:
        world.mongo = f"mongodb://127.0.0.1:{between.port}/?directConnection=true"
        async with world.service() as service:
            await world.produce(world.requests(6, 600))
            await world.until_applied(100)
            if how == "mute":
                between.silent = True
            else:
                between.cut()
            await world.produce(world.requests(6, 600))
            begun = time.monotonic()
            await until(lambda: not service.kernel.ready, 14)
            await asyncio.sleep(max(0.0, 10 - (time.monotonic() - begun)))
            between.up, between.silent = True, False
            await world.until_idle(40)
            await until(lambda: service.kernel.ready, 10)
    await world.audit()


async def test_the_broker_is_killed_and_comes_back(apache: Kafka, world: World) -> None:
    """Twice: in the middle of traffic. Nobody restarts the service."""
    async with world.service() as service:
        await world.produce(world.requests(20, 4_000))
        await world.until_applied(600)
        await asyncio.to_thread(apache.kill)
        await asyncio.sleep(2)
        await asyncio.to_thread(apache.start)
        await world.until_idle(90)
        await world.produce(world.requests(20, 200))
        await world.until_idle(60)
        await until(lambda: service.kernel.ready, 30)
    await world.audit()


async def test_the_broker_is_away_for_longer_than_a_request_may_take(apache: Kafka, world: World) -> None:
    """Frozen with events to be published. The idempotent producer of before the outage must not be used again."""
    service = world.build(budgets=HASTY)
    service.publisher = service.kernel.publisher = Publisher(
        world.kafka.bootstrap, enable_idempotence=True, request_timeout_ms=2_000
    )
    async with service.running():
        await world.produce(world.requests(20, 400))
        await world.until_idle()
        first = service.publisher._producer
        frozen = asyncio.Event()

        def freeze() -> None:
            apache.pause()
            frozen.set()

        service.kernel.on_commit = freeze
        producing = asyncio.create_task(world.produce(world.requests(20, 2_000)))  # it may freeze half-way
        await frozen.wait()
        service.kernel.on_commit = lambda: None
        await until(lambda: not service.kernel.ready, 15)
        await asyncio.sleep(2)
        await asyncio.to_thread(apache.unpause)
        await producing
        await world.until_idle(90)
        assert service.publisher._producer is not first
        await until(lambda: service.kernel.ready, 30)
    await world.audit()


@pytest.mark.nightly
@pytest.mark.timeout(600)
async def test_the_broker_is_away_for_a_minute(apache: Kafka, world: World) -> None:
    """The real settings: more than the 40 s after which a request is given up."""
    async with world.service() as service:
        await world.produce(world.requests(20, 4_000))
        await world.until_applied(600)
        await asyncio.to_thread(apache.kill)
        await asyncio.sleep(60)
        assert not service.kernel.ready
        await asyncio.to_thread(apache.start)
        await world.until_idle(120)
    await world.audit()


async def test_failed_publications_leave_no_task_behind(apache: Kafka, world: World) -> None:
    """Nothing of a producer that was given up goes on trying, or publishing, in the background."""
    publisher = Publisher(apache.bootstrap, enable_idempotence=True, request_timeout_ms=5_000)
    outs = [Out(world.output, n, b"k", b"v") for n in range(3)]
    before = asyncio.all_tasks()
    for _ in range(2):
        await publisher.publish(outs)
        try:
            await asyncio.to_thread(apache.pause)
            with pytest.raises((Unpublished, TimeoutError)):
                async with asyncio.timeout(1):
                    await publisher.publish(outs)
            assert publisher._producer is None
        finally:
            await asyncio.to_thread(apache.unpause)
    await asyncio.sleep(0.5)
    assert {task for task in asyncio.all_tasks() - before if "aiokafka" in repr(task)} == set()
    await asyncio.sleep(6)
    assert len(await world.read(world.output)) <= 12, "each record at most once a try"


async def test_a_service_that_stops_while_the_broker_is_frozen_leaves_nothing_open(
    apache: Kafka, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a task that goes on trying nor a connection, for the process may go on with a new consumer."""
    monkeypatch.setattr(aiokafka.conn.AIOKafkaConnection, "__del__", lambda _: None)  # of what is looked for
    before = asyncio.all_tasks()
    service = world.build(budgets=HASTY.model_copy(update={"stop": 4}))
    async with service.running():
        await world.produce(world.requests(6, 60))
        await world.until_idle()
        await asyncio.to_thread(apache.pause)
    try:
        left = {task for task in asyncio.all_tasks() - before if "aiokafka" in repr(task)}
        assert left == set()
        connections = [one for one in gc.get_objects() if type(one) is aiokafka.conn.AIOKafkaConnection]
        assert not [one for one in connections if one.connected()]
    finally:
        await asyncio.to_thread(apache.unpause)


async def test_a_connection_that_comes_after_the_end_is_closed(apache: Kafka) -> None:
    """Some task of the client may just be making one."""
    consumer = AIOKafkaConsumer(bootstrap_servers=apache.bootstrap)
    await consumer.start()
    await consumer.topics()
    await consumer.stop()
    await close_consumer(consumer)
    late = await consumer._client._get_conn(1)
    assert not late.connected()


async def test_members_join_leave_and_die(world: World) -> None:
    """Three ways of a rebalance under traffic; two share the partitions, and a clean leave takes seconds."""
    with world.worker() as first:
        await world.produce(world.requests(12, 600))
        await world.until_applied(100)
        with world.worker():
            for turn in range(5):
                await world.produce(world.requests(12, 120, capacity=turn))
                await asyncio.sleep(1)
            first.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            await until(lambda: first.poll() is not None, 20)
            assert time.monotonic() - begun < 6
            assert first.returncode == 0
            await world.produce(world.requests(12, 120))
            await world.until_idle()
        await world.produce(world.requests(12, 120))
        with world.worker():  # the one before it was killed
            await world.until_idle()
    await world.audit()


async def test_a_service_that_starts_before_the_broker_waits_for_it(world: World) -> None:
    async with proxy(int(world.kafka.bootstrap.partition(":")[2])) as between:
        service = world.build(kafka=f"127.0.0.1:{between.port}")
        between.up = False
        async with service.running():
            await world.produce(world.requests(3, 30))
            await asyncio.sleep(2)
            assert not service.kernel.ready
            between.up = True
            await world.until_idle()


@pytest.mark.parametrize("what", ["loop", "coordinator"])
async def test_a_consumer_that_died_inside_is_replaced(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream's loop may end and aiokafka's coordinator may die for good; neither may pass for a quiet topic."""
    monkeypatch.setattr(runtime, "POLL_FAILURES", 1)  # FastStream waits five seconds after each
    async with world.service() as service:
        await world.produce(world.requests(6, 60))
        await world.until_idle()
        dead = service.kernel.consumer
        if what == "loop":
            for task in asyncio.all_tasks():
                if "_run_consume_loop" in repr(task):
                    task.cancel()
        else:
            assert dead is not None
            dead._coordinator.ensure_coordinator_known = None
            dead._coordinator.request_rejoin()
        await until(lambda: service.kernel.consumer is not dead, 30)
        await world.produce(world.requests(6, 60))
        await world.until_idle(60)
        await until(lambda: service.kernel.ready, 20)
    await world.audit()
