"""A log that is not the one that was read stops its partition; nothing is skipped in silence."""

import asyncio
import os
import signal

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from tests.support.servers import Kafka, admin, recreate_topic
from tests.support.world import World, until


@pytest.mark.parametrize("longer", [False, True])
async def test_a_recreated_topic_stops_the_partitions(apache: Kafka, world: World, *, longer: bool) -> None:
    await world.produce(world.requests(6, 60))
    async with world.service():
        await world.until_idle()
    before = await world.positions()
    await recreate_topic(apache.bootstrap, world.topic, world.partitions)
    world.produced.clear()
    await world.produce(world.requests(6, 300 if longer else 12))
    touched = {n for n, end in world.produced.items() if end}
    async with world.service() as service:
        await until(lambda: {tp.partition for tp in service.kernel.stopped} == touched, 30)
        assert {type(why).__name__ for why in service.kernel.stopped.values()} == {"LogReplaced"}
        assert not service.kernel.ready
    after = await world.positions()
    assert [(one["next"], one["tally"]) for one in after.values()] == [
        (one["next"], one["tally"]) for one in before.values()
    ]


@pytest.mark.nightly  # the consumer looks for topics every 30 seconds
async def test_a_topic_recreated_under_a_running_consumer_is_noticed(apache: Kafka, world: World) -> None:
    await world.produce(world.requests(6, 60))
    async with world.service() as service:
        await world.until_idle()
        await recreate_topic(apache.bootstrap, world.topic, world.partitions)
        world.produced.clear()
        await world.produce(world.requests(6, 60))
        await until(lambda: service.kernel.stopped, 60)
        assert not service.kernel.ready


async def cut(world: World, partition: int, offset: int) -> None:
    async with admin(world.kafka.bootstrap) as client:
        await client.delete_records({TopicPartition(world.topic, partition): RecordsToDelete(before_offset=offset)})


async def test_a_log_cut_off_while_nobody_read_stops_its_partition_and_no_other(apache: Kafka, world: World) -> None:
    await world.produce(world.requests(12, 120))
    async with world.service():
        await world.until_idle()
    end = world.produced[1]
    await world.produce(world.requests(12, 120))
    await cut(world, 1, end + 3)
    async with world.service() as service:
        await world.until_idle(but=[1])
        await until(lambda: service.kernel.stopped)
        [(tp, why)] = service.kernel.stopped.items()
        assert (tp.partition, type(why).__name__) == (1, "LogCut")
        assert not service.kernel.ready
    assert (await world.positions())[1]["next"] == end
    assert apache.container is not None


async def test_a_log_cut_off_while_its_reader_was_frozen(apache: Kafka, world: World) -> None:
    """The reader stands at the end since its start, so it would believe any jump."""
    await world.produce(world.requests(12, 120))
    async with world.service():
        await world.until_idle()
    end = world.produced[1]
    with world.worker() as process:
        await asyncio.sleep(4)  # it has to own its partitions
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(1)  # its fetch under way is answered with nothing
        await world.produce(world.requests(12, 120))
        await cut(world, 1, end + 3)
        os.kill(process.pid, signal.SIGCONT)
        await world.until_idle(but=[1])
        await asyncio.sleep(2)
    place = (await world.positions())[1]
    assert (place["next"], place["tally"].get("absent", 0)) == (end, 0)
    assert apache.container is not None


async def test_a_cut_before_our_position_is_no_loss(apache: Kafka, world: World) -> None:
    await world.produce(world.requests(12, 120))
    async with world.service():
        await world.until_idle()
    await cut(world, 1, world.produced[1] - 2)
    await world.produce(world.requests(12, 60))
    async with world.service() as service:
        await world.until_idle()
        assert service.kernel.ready
    assert apache.container is not None
