"""Records that cannot be applied, for whatever reason, harm no neighbour; what has to wait waits in order."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import TopicPartition

from shared import limit
from shared.keys import partition_of
from shared.publisher import Out
from tests.support.world import World, until

Records = list[tuple[bytes | None, bytes | None, list[Any]]]


async def put_all(world: World, records: Records) -> None:
    """Put records with headers where they belong by their key."""
    placed = [(partition_of(key or b"", world.partitions), key, value, headers) for key, value, headers in records]
    await world.put(placed)


async def until_outcomes(world: World) -> None:
    async with world.service():
        await world.until_idle()


def bad_records(world: World) -> Iterator[tuple[bytes | None, bytes | None, list[Any]]]:
    yield b"o1", b"{not json", []
    yield b"o1", b"\xff\xfe\x00", []
    yield b"o1", b'{"x":' + b"[" * 100_000, []
    yield b"o1", None, []
    yield None, None, [("h", b"v")]
    yield *world.event("unheard_of", "o1"), []
    yield *world.event("scheduled", "o1", capacity="many"), []
    yield *world.event("requested", "o1", person_id="refused"), [("trace", b"\xff\xfe"), ("nothing", None)]
    yield *world.event("requested", "b1", person_id="bug"), []
    yield *world.event("requested", "b2", person_id="huge"), []
    yield *world.event("requested", "b3", person_id="unloadable"), []
    yield *world.event("requested", "b4", person_id="unwritable"), []
    yield *world.event("requested", "b5", person_id="deafening"), []


async def test_bad_records_of_every_kind_among_500(world: World) -> None:
    await world.produce(world.event("scheduled", f"b{n}", capacity=5) for n in range(1, 6))
    async with world.service():
        await world.until_idle()
    good: Records = [(*one, [("strange", b"\xff"), ("null", None)]) for one in world.requests(10, 420)]
    bad: Records = list(bad_records(world))
    later: Records = [(*world.event("requested", f"b{n}", person_id="later"), []) for n in range(1, 6)]
    await put_all(world, good[:200] + bad + good[200:] + later)
    await until_outcomes(world)
    assert await world.audit() == 0
    assert await world.database["held"].count_documents({}) == 5, "later records of the bugs' keys wait"
    logs = [dict(record.headers) for record in await world.read(world.dead_letters)]
    assert len(logs) == 13
    assert all(headers["lernbus-detail"] != b"a secret name" for headers in logs)


async def test_a_wrong_key_and_a_wrong_partition(world: World) -> None:
    await world.produce(world.requests(3, 30))
    right = partition_of(b"o1", world.partitions)
    key, value = world.event("requested", "o1", person_id="x")
    await world.put([(partition_of(b"o2", world.partitions), b"o2", value, []), ((right + 1) % 3, key, value, [])])
    await until_outcomes(world)
    letters = [dict(record.headers) for record in await world.read(world.dead_letters)]
    assert [one["lernbus-reason"] for one in letters] == [b"wrong_key"] * 2
    assert {one["lernbus-field"] for one in letters} == {b"key", b"partition"}
    assert await world.database["offerings"].count_documents({"$or": [{"waiting": "x"}, {"confirmed": "x"}]}) == 0


async def test_a_batch_with_more_bugs_than_it_has_time_for_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is found by applying the batch again; what one try has found the next one knows."""
    monkeypatch.setattr(limit, "IN_A_ROW", 1_000)
    monkeypatch.setattr(limit, "SHARE", 1_000)
    names = [f"x{n}" for n in range(60)]
    await world.produce(world.event("scheduled", name, capacity=1) for name in names)
    await world.produce(world.event("requested", name, person_id="bug") for name in names)
    service = world.build()
    plan, calls = service.kernel._plan, count(1)

    async def out_of_time(*given: Any) -> Any:  # noqa: ANN401 - as the plan
        if next(calls) % 20 == 0:
            raise TimeoutError
        return await plan(*given)

    monkeypatch.setattr(service.kernel, "_plan", out_of_time)
    async with service.running():
        await world.until_idle()
    await world.audit()


@pytest.mark.parametrize("trouble", ["", "refused", "bug", "huge", "unloadable", "unwritable"])
async def test_2500_events_held_until_their_offering_arrives(world: World, trouble: str) -> None:
    """They are let go in order and in steps; what cannot be applied among them is found, and a bug holds the rest."""
    people = [f"p{n}" for n in range(2_500)]
    if trouble:
        people[1_700] = trouble
    await world.produce(world.event("requested", "late", person_id=person) for person in people)
    await world.produce(world.requests(3, 30))
    commits = 0

    def committed() -> None:
        nonlocal commits
        commits += 1

    async with world.service() as service:
        await world.until_idle()
        assert sum(one["tally"].get("held", 0) for one in (await world.positions()).values()) == 2_500
        service.kernel.on_commit = committed
        await world.produce([world.event("scheduled", "late", capacity=1_200)])
        await world.produce([world.event("requested", "late", person_id="last")])
        await world.until_idle()
    assert commits >= 4, "in steps"
    assert await world.audit() == 0


async def test_one_bug_counts_once_however_often_the_batch_is_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage while a bad record is in the batch must not stop the partition."""
    monkeypatch.setattr(limit, "IN_A_ROW", 2)
    await world.produce([world.event("scheduled", "o1", capacity=1), world.event("requested", "o1", person_id="bug")])
    service = world.build()
    write, tries = service.kernel.positions.write, 0

    async def failing(*args: Any) -> None:
        nonlocal tries
        if (tries := tries + 1) <= 3:
            raise ConnectionError
        await write(*args)

    service.kernel.positions.write = failing  # type: ignore[method-assign, assignment]
    async with service.running():
        await world.until_idle()
    assert tries > 3
    await world.audit()


async def test_more_output_than_fits_into_one_batch(world: World) -> None:
    """120 events of 100,000 bytes: several transactions, several record batches, in order."""
    await world.produce([world.event("scheduled", "o1", capacity=200)])
    await world.produce(world.event("requested", "o1", person_id="loud") for _ in range(120))
    largest = 0
    service = world.build()
    publish = service.publisher.publish

    async def measured(outs: Sequence[Out]) -> list[int]:
        nonlocal largest
        largest = max(largest, sum(len(out.value or b"") for out in outs))
        return await publish(outs)

    service.publisher.publish = measured  # type: ignore[method-assign]
    async with service.running():
        await world.until_idle()
    assert await world.audit() == 0
    assert 3_000_000 < largest < 5_000_000


async def test_repeats_of_whole_records_are_recognised(world: World) -> None:
    """The same offering scheduled again changes nothing; the fence never shows a record twice."""
    await world.produce(world.requests(5, 50))
    await world.produce(world.event("scheduled", f"o{n}", capacity=9) for n in range(5))
    for _ in range(3):  # restarts read from the beginning, as nothing was committed to Kafka in time
        await until_outcomes(world)
    assert await world.audit() == 0
    assert sum(one["tally"].get("repeated", 0) for one in (await world.positions()).values()) == 5


def mark(identity: str) -> bytes:
    head = {"specversion": "1.0", "id": identity, "source": "t", "type": "lernbus.mark.v1"}
    return json.dumps({**head, "time": "2024-11-04T09:30:00Z", "data": {"mark_id": identity}}).encode()


async def test_marks_are_kept_and_passed_on_to_the_same_partition(world: World) -> None:
    await world.produce(world.requests(5, 50))
    await world.put([(n, None, mark(f"{turn}/{n}"), []) for turn in "ab" for n in range(3)])
    async with world.service():
        await world.until_idle()
    for n, place in (await world.positions()).items():
        assert (place["mark"]["id"], place["mark"]["offset"]) == (f"b/{n}", world.produced[n] - 1)
    out = [record for record in await world.read(world.output) if b"lernbus.mark.v1" in record.value]
    passed = [(record.partition, json.loads(record.value)["data"]) for record in out]
    assert sorted((n, data["mark_id"]) for n, data in passed) == [(n, f"{turn}/{n}") for n in range(3) for turn in "ab"]
    assert all(data["offset"] < world.produced[n] for n, data in passed)
    await world.audit()


async def test_an_older_mark_that_is_published_again_does_not_take_a_reader_back(world: World) -> None:
    def passed_on(offset: int) -> bytes:
        event = json.loads(mark(f"m{offset}"))
        return json.dumps({**event, "data": {"mark_id": f"m{offset}", "offset": offset}}).encode()

    await world.put([(0, None, passed_on(offset), []) for offset in (3, 9, 3)])
    async with world.service():
        await world.until_idle()
    assert (await world.positions())[0]["mark"]["offset"] == 9


async def test_empty_partitions_are_owned_and_a_stop_is_awaited(world: World) -> None:
    """Ready without a single record; a stop under load ends within seconds and leaves nothing half done."""
    async with world.service() as service:
        await until(lambda: service.kernel.ready, 15)
        assert service.kernel.owned.keys() == {TopicPartition(world.topic, n) for n in range(3)}
        await world.produce(world.requests(40, 4_000))
        await world.until_applied(500)
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 8
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert [task for task in others if "pymongo" not in repr(task)] == []
    async with world.service():
        await world.until_idle()
    await world.audit()


async def test_a_stop_in_the_middle_of_many_steps_does_not_wait_for_all_of_them(world: World) -> None:
    await world.produce([world.event("scheduled", "o1", capacity=0)])
    await world.produce(world.event("requested", "o1", person_id=f"p{n}") for n in range(1_500))
    async with world.service() as service:
        await world.until_idle()
        stepping = asyncio.Event()
        service.kernel.on_commit = stepping.set
        await world.produce([world.event("raised", "o1", capacity=1_500)])  # 150 steps
        await stepping.wait()
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 4
    assert (await world.positions())[partition_of(b"o1", 3)]["step"] > 0, "or this proves nothing"
    async with world.service():
        await world.until_idle()
    await world.audit()


async def test_a_header_name_that_is_no_text_makes_the_service_not_ready_and_loses_nothing(world: World) -> None:
    """aiokafka cannot decode such a record. Its partition waits for an operator; what was fetched with it is kept."""
    await world.produce(world.requests(12, 60))
    await put_undecodable(world)
    async with world.service() as service:
        await until(lambda: service.kernel.failures["poll"] > 0)
        assert not service.kernel.ready
        await world.until_idle(but=[0])


async def put_undecodable(world: World) -> None:
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.bootstrap) as producer:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 100_000)
        batch.append(key=b"o1", value=b"x", timestamp=None, headers=[(Undecodable("name"), b"v")])
        await (await producer.send_batch(batch, world.topic, partition=0))


class Undecodable(str):
    """A header name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


async def test_a_batch_fetched_before_the_last_seek_makes_no_hole(world: World) -> None:
    """A tick may seek back while a later batch is already in hand."""
    await world.produce(world.requests(3, 300))
    service = world.build()
    run, held_back = service.kernel.run, 0

    async def dropping(records: Sequence[Any]) -> None:
        """The first batches come to nothing, as while the consumer is not known; then recovery overtakes the next."""
        nonlocal held_back
        if (held_back := held_back + 1) <= 3:
            return
        if held_back == 4:
            await service.kernel.tick()
        await run(records)

    service.kernel.run = dropping  # type: ignore[method-assign]
    service.kernel.wake.set = lambda: None  # type: ignore[method-assign]
    async with service.running():
        for _ in range(6):
            await world.produce(world.requests(3, 60))
            await asyncio.sleep(0.3)
        await world.until_idle(20)
    await world.audit()
