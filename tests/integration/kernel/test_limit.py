"""So many dead letters that something is wrong: the partition stops, and an operator lets it go on."""

from collections.abc import Sequence

from aiokafka.structs import TopicPartition

from shared.errors import TooManyDeadLetters
from shared.keys import partition_of
from tests.support.world import World, until


def names(partition: int, number: int, letter: str = "x") -> Sequence[str]:
    """Keys of one partition."""
    every = (f"{letter}{n}" for n in range(20 * number))
    return [name for name in every if partition_of(name.encode(), 3) == partition][:number]


async def refused(world: World, keys: Sequence[str]) -> None:
    await world.produce(world.event("requested", key, person_id="refused") for key in keys)


async def stopped_at(world: World, offset: int) -> None:
    """Partition 0 stops at this offset, says so, and its neighbours go on; a restart changes nothing."""
    for _ in range(2):
        async with world.service() as service:
            await until(lambda: service.kernel.stopped)
            await world.produce(world.event("requested", f"o{n}", person_id=f"n{n}") for n in range(12))
            await world.until_idle(but=[0])
            assert not service.kernel.ready
            assert [type(why) for why in service.kernel.stopped.values()] == [TooManyDeadLetters]
            assert f"{world.topic}/0: " in str(service.kernel.stopped[TopicPartition(world.topic, 0)])
        assert (await world.positions())[0]["next"] == offset


async def test_fifty_in_a_row_over_a_restart_and_of_any_kind(world: World) -> None:
    """Bugs and what senders did wrong alike; what the fiftieth was is kept, and nothing behind it is read."""
    keys = names(0, 60)
    await world.produce(world.requests(12, 120))
    await world.produce(world.event("scheduled", key, capacity=1) for key in keys)
    before = world.produced[0]
    await world.produce(world.event("requested", key, person_id="bug") for key in keys[:20])
    await refused(world, keys[20:30])
    async with world.service():
        await world.until_idle()
    await refused(world, keys[30:])
    await stopped_at(world, before + 50)


async def test_an_operator_lets_it_go_on_and_counting_starts_anew(world: World) -> None:
    """Whichever replica owns the partition sees it: here neither asks the one that is running."""
    keys = names(0, 120)
    await world.produce(world.event("scheduled", key, capacity=1) for key in keys)
    before = world.produced[0]
    await refused(world, keys)
    partition = TopicPartition(world.topic, 0)
    async with world.service() as service:
        for stop in (50, 100):
            await until(lambda: service.kernel.stopped)
            assert (await world.positions())[0]["next"] == before + stop
            other = world.build()
            assert await other.kernel.positions.resume(partition)
            assert not await other.kernel.positions.resume(partition), "once is enough"
            await until(lambda: not service.kernel.stopped)
            await other.database.client.close()
        await world.until_idle()
        assert service.kernel.ready
    await world.audit()


async def test_it_is_lifted_while_nobody_runs(world: World) -> None:
    keys = names(0, 60)
    await world.produce(world.event("scheduled", key, capacity=1) for key in keys)
    await refused(world, keys)
    async with world.service() as service:
        await until(lambda: service.kernel.stopped)
    await service.kernel.positions.__class__(world.database["positions"], world.unique).resume(
        TopicPartition(world.topic, 0)
    )
    async with world.service() as service:
        await world.until_idle()
        assert not service.kernel.stopped
    await world.audit()


async def test_a_fifth_of_the_last_200_stops_and_a_little_less_does_not(world: World) -> None:
    key = names(0, 1)[0]
    await world.produce([world.event("scheduled", key, capacity=1_000)])
    people = ["p", "p", "p", "p", "p", "refused"] * 70 + ["p", "p", "p", "refused"] * 60
    await world.produce(world.event("requested", key, person_id=person) for person in people)
    async with world.service() as service:
        await until(lambda: service.kernel.stopped)
    place = (await world.positions())[0]
    taken = ["p", *people][: place["next"]]
    assert taken[-200:].count("refused") == 40
    assert taken[-201:-1].count("refused") == 39
    assert place["tally"]["dead_lettered"] == taken.count("refused")
