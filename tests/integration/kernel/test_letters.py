"""Dead letters are replayed and dropped through the log: in its order, once, and whoever dies loses nothing."""

import base64
import json
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from shared.events import PersonErased
from shared.handler import Result
from shared.keys import partition_of
from tests.support.world import TIME, World, seats, until

REPLAYED, DROPPED = "lernbus.dead-letter.replayed.v1", "lernbus.dead-letter.dropped.v1"


async def letters(world: World, **query: Any) -> list[dict[str, Any]]:
    """The letters in the database, in the order of their records."""
    return await world.database["dead_letters"].find(query).sort([("partition", 1), ("offset", 1)]).to_list()


async def say(world: World, kind: str, some: Sequence[dict[str, Any]], value: bytes | None = None, **more: Any) -> None:
    """Append a control event for each of these letters to its partition."""
    records: list[tuple[int, bytes | None, bytes | None, list[Any]]] = []
    for letter in some:
        place = {name: letter[name] for name in ("topic", "partition", "offset")}
        edited = {} if value is None else {"value": base64.b64encode(value).decode()}
        head = {"specversion": "1.0", "id": "c", "source": "test", "type": kind, "time": TIME}
        event = {**head, "data": {"service": world.unique, **place, **edited, **more}}
        records.append((letter["partition"], b"letter", json.dumps(event).encode(), []))
    await world.put(records)


async def moody(world: World, keys: Sequence[str], later: int = 5) -> None:
    """A bug for each key, and later records behind it; some keys are of offerings that come later."""
    await world.produce(world.event("scheduled", key, capacity=3) for key in keys)
    await world.produce(world.event("requested", key, person_id="moody") for key in keys)
    await world.produce(world.event("requested", key, person_id=f"p{n}") for n in range(later) for key in keys)
    await world.produce(world.event("requested", f"{key}-late", person_id="early") for key in keys)


async def applied(world: World, *, cured: bool = True) -> None:
    async with world.service(cured=cured):
        await world.until_idle()


async def test_bugs_are_replayed_once_they_are_mended_and_what_waited_follows(world: World) -> None:
    """Once is enough, and twice changes nothing."""
    await moody(world, [f"k{n}" for n in range(6)])
    await applied(world, cured=False)
    assert await world.database["held"].count_documents({}) == 36
    opened = await letters(world, status="open")
    assert len(opened) == 6
    await say(world, REPLAYED, opened)
    await say(world, REPLAYED, opened[:3])
    await say(world, DROPPED, opened)
    await say(world, REPLAYED, opened, service="another")
    await applied(world)
    assert await world.audit() == 0
    assert [one["last"]["outcome"] for one in await letters(world, status="replayed")] == ["applied"] * 6
    assert await world.database["held"].count_documents({}) == 6, "those whose offering has not come"


async def test_a_replay_in_vain_leaves_the_letter_open_and_the_rest_behind_it(world: World) -> None:
    await moody(world, ["k1", "k2"])
    await applied(world, cured=False)
    await say(world, REPLAYED, await letters(world))
    async with world.service():  # not cured; the audit's fold would be, so it is asked at the end
        await world.until_idle()
    assert [(one["status"], one["reason"], one["replays"], one["blocks"]) for one in await letters(world)] == [
        ("open", "bug", 1, True)
    ] * 2
    assert await world.database["held"].count_documents({}) == 12
    assert sum(one["tally"].get("dead_lettered", 0) for one in (await world.positions()).values()) == 2


async def test_dropped_letters_let_go_what_waited(world: World) -> None:
    """Also the one whose record would have made the entity: the others wait for that then."""
    await moody(world, ["k1", "k2", "k3"])
    await world.produce([world.event("requested", "k1", person_id="refused")])
    await applied(world, cured=False)
    await say(world, DROPPED, await letters(world))
    await applied(world)
    assert await world.audit() == 0, "a second one, which was held, is a letter now"
    assert [one["status"] for one in await letters(world, reason="bug")] == ["dropped"] * 3
    assert [one["status"] for one in await letters(world, reason="refused")] == ["open"]


async def test_an_edited_record_takes_the_place_of_the_original_and_passes_the_same_checks(world: World) -> None:
    await world.produce(world.event("scheduled", key, capacity=1) for key in ("k1", "k2"))
    await world.produce(world.event("requested", key, person_id="bug") for key in ("k1", "k2"))
    await world.produce(world.event("requested", key, person_id="p") for key in ("k1", "k2"))
    await world.produce([world.event("scheduled", "k3", capacity="many")])
    await applied(world)
    one, two = [await letters(world, key=key) for key in ("k1", "k2")]
    three = await letters(world, key="k3")
    await say(world, REPLAYED, one, one[0]["value"].replace(b'"bug"', b'"somebody"'))
    await say(world, REPLAYED, two, two[0]["value"].replace(b'"k2"', b'"k1"'))
    await say(world, REPLAYED, three, b"{ not json")
    await say(world, REPLAYED, three, three[0]["value"].replace(b'"many"', b"3"))
    await applied(world)
    assert await world.audit() == 0
    assert [(one["key"], one["status"], one["reason"]) for one in await letters(world, status="open")] == [
        ("k2", "open", "wrong_key")
    ], "it goes on blocking its key"
    assert (await world.database["offerings"].find_one({"_id": "k1"}) or {})["confirmed"] == ["somebody"]


async def test_a_replayed_record_may_itself_have_a_large_effect_or_make_the_entity(world: World) -> None:
    """Steps of a replay, and what waited for its offering."""
    await world.produce([world.event("scheduled", "k1", capacity=0)])
    await world.produce(world.event("requested", "k1", person_id=f"p{n}") for n in range(95))
    key, value = world.event("raised", "k1", capacity="x")
    await world.produce([(key, value), world.event("scheduled", "k2", capacity="x")])
    await world.produce(world.event("requested", "k2", person_id=f"p{n}") for n in range(30))
    await applied(world)
    for letter in await letters(world):
        await say(world, REPLAYED, [letter], letter["value"].replace(b'"x"', b"80"))
    await applied(world)
    assert await world.audit() == 0
    assert len((await world.database["offerings"].find_one({"_id": "k1"}) or {})["confirmed"]) == 80
    assert len((await world.database["offerings"].find_one({"_id": "k2"}) or {})["confirmed"]) == 30


@pytest.mark.parametrize("trouble", ["bug", "huge", "unloadable", "unwritable", "deafening"])
async def test_what_fails_again_in_whatever_way_harms_no_neighbour(world: World, trouble: str) -> None:
    keys = [f"k{n}" for n in range(9)]
    await world.produce([world.event("scheduled", "bad", capacity=1)])
    await applied(world)
    await moody(world, keys, later=2)
    await world.produce([world.event("requested", "bad", person_id=trouble)])
    await world.produce([world.event("requested", "bad", person_id="p")])
    await applied(world, cured=False)
    opened = await letters(world)
    await say(world, REPLAYED, opened)
    await world.produce(world.requests(6, 60))
    await applied(world)
    assert await world.audit() == 0
    assert [(one["key"], one["replays"]) for one in await letters(world, status="open")] == [("bad", 1)]


async def test_more_letters_than_fit_into_one_batch(world: World) -> None:
    """30 letters of 400,000 bytes, replayed at once."""
    await world.produce(world.event("scheduled", f"k{n}", capacity=3) for n in range(30))
    for n in range(30):
        await world.produce([world.event("requested", f"k{n}", person_id="moody", ballast="x" * 400_000)])
    await applied(world, cured=False)
    await say(world, REPLAYED, await letters(world))
    await applied(world)
    assert await world.audit() == 0
    assert len(await letters(world, status="replayed")) == 30


async def killed(world: World, point: str, nth: int = 1) -> None:
    with world.worker(f"{point}:{signal.SIGKILL}:{nth}", cured=True, instance="one") as process:
        await until(lambda: process.poll() is not None, 60, world._where)
        assert process.returncode == -signal.SIGKILL


async def test_kill_9_at_every_point_of_a_replay(world: World) -> None:
    """Before and after the commit, half published, between its steps: always the same end."""
    points = ["transaction", "committed", "half", "recovered", "published", "step", "emptied"]
    for life in range(len(points)):
        await moody(world, [f"life{life}k{n}" for n in range(9)])
    await applied(world, cured=False)
    opened = await letters(world)
    for life, point in enumerate(points):
        some = [one for one in opened if one["key"].startswith(f"life{life}k")]
        await say(world, DROPPED, some[:2])
        await say(world, REPLAYED, some)
        await killed(world, point)
    with world.worker(cured=True, instance="one"):
        await world.until_idle()
    assert await world.audit() > 0, "what was half published must have been published again"
    assert await letters(world, status="open") == []


async def test_a_letter_of_another_partition_is_not_touched(world: World) -> None:
    """Its key has another writer."""
    await moody(world, ["k1"])
    await applied(world, cured=False)
    [letter] = await letters(world)
    event = {
        "service": world.unique,
        "topic": world.topic,
        "partition": letter["partition"],
        "offset": letter["offset"],
    }
    head = {"specversion": "1.0", "id": "c", "source": "test", "type": REPLAYED, "time": TIME, "data": event}
    elsewhere = (partition_of(b"k1", 3) + 1) % 3
    await world.put([(elsewhere, None, json.dumps(head).encode(), [])])
    await applied(world)
    assert (await letters(world))[0]["status"] == "open"


async def test_an_erasure_takes_the_content_of_the_persons_letters_at_once(world: World) -> None:
    """A person's record that somebody has put onto a wrong topic is a letter with a name and an address in it."""
    service = world.build()
    handler = seats(service)
    handler.topics = {world.topic: {**handler.topics[world.topic], "lms.person.erased.v1": PersonErased}}
    apply = handler.apply
    handler.apply = lambda state, item: (  # type: ignore[method-assign]
        Result() if isinstance(item.event.data, PersonErased) else apply(state, item)
    )
    misplaced = json.dumps({"type": "lms.person.changed.v1", "data": {"email": "p1@stadt.example"}}).encode()
    where = partition_of(b"p1", 3)
    await world.put([(where, b"p1", misplaced, [("note", b"p1@stadt.example")])] * 2)
    await world.produce([world.event("unheard_of", "o1")])
    async with service.running():
        await world.until_idle()
        first = (await letters(world, key="p1"))[0]
        await say(world, REPLAYED, [first], first["value"])
        await world.until_idle()
        assert b"p1@stadt.example" in (await letters(world, key="p1"))[0]["edited"]
        await world.put([(where, b"p1", None, [])])
        await world.until_idle()
        for one in await letters(world, key="p1"):
            assert "stadt.example" not in str(one)
            assert (one["status"], one["value"], one["headers"], one["withheld"]) == ("open", None, [], True)
        await say(world, REPLAYED, await letters(world, key="p1"))
        await say(world, DROPPED, (await letters(world, key="p1"))[:1])
        await world.until_idle()
    assert [one["status"] for one in await letters(world, key="p1")] == ["dropped", "open"]
    assert [one["value"] is not None for one in await letters(world, key="o1")] == [True]
