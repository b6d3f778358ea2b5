import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from services.notifications import documents
from services.notifications.firing import Reminders
from services.notifications.lead_times import LeadTimes
from services.notifications.lists import read_mail
from services.notifications.state import STEP
from shared.events import Offering
from tests.support.notifications_world import NOW, PARTITION, START, World, booking, item, offering, person, session

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    return await World(database).prepared()


class Asked:
    """What would put marks on the log."""

    def __init__(self) -> None:
        self.partitions: list[list[int]] = []
        self.fired = 0

    async def append(self, partitions: Collection[int]) -> None:
        self.partitions.append(list(partitions))

    def wake(self) -> None:
        self.fired += 1


def reminders(world: World, asked: Asked | None = None) -> Reminders:
    asked = asked or Asked()
    return Reminders(world.database, world.clock, asked.append, asked.wake, world.settings(25))


async def at(world: World, moment: datetime) -> None:
    """Move the clock there, and let a mark come through afterwards."""
    world.clock.set(moment)
    await world.mark()


async def fire(world: World) -> int:
    steps, loop = 0, reminders(world)
    while done := await loop.remind_due():
        steps += done
    return steps


async def reminded(world: World) -> list[tuple[str, str]]:
    return [(one["person_id"], one["session_id"]) for one in await world.messages(kind="reminder")]


async def dues(world: World) -> list[tuple[str, int, datetime]]:
    found = world.database["due"].find().sort("at")
    return [(one["session_id"], one["days"], one["at"]) async for one in found]


async def test_the_confirmed_people_of_that_moment_are_reminded_seven_days_and_one_day_before(world: World) -> None:
    await world.feed(
        ("offering.scheduled", offering(1)),
        ("booking.confirmed", booking(2, "anna")),
        ("booking.confirmed", booking(3, "bela")),
        ("booking.waitlisted", booking(4, "cem", status="waiting")),
    )
    await at(world, START - 7 * DAY - MINUTE)
    assert await fire(world) == 0
    await at(world, START - 7 * DAY + MINUTE)
    assert await fire(world) == 1
    assert await reminded(world) == [("anna", "s1"), ("bela", "s1")]
    await world.feed(
        ("booking.cancelled", booking(5, "anna", status="cancelled", reason="withdrawn")),
        ("booking.promoted", booking(6, "cem")),
    )
    await at(world, START - DAY + MINUTE)
    assert await fire(world) == 1
    assert (await reminded(world))[2:] == [("bela", "s1"), ("cem", "s1")]
    assert await dues(world) == []


async def test_nothing_fires_before_the_log_is_read_up_to_the_due_moment(world: World) -> None:
    """A backlog must not lose readers: who was booked before the moment is reminded, however late we read it."""
    await world.feed(("offering.scheduled", offering(1)))
    await at(world, START - 7 * DAY - MINUTE)
    world.clock.set(START - 7 * DAY + MINUTE)
    asked = Asked()
    loop = reminders(world, asked)
    assert [await loop.remind_due() for _ in range(5)] == [0] * 5
    assert asked.partitions == [[PARTITION]]
    assert await loop.backlog() == 1
    await world.feed(("booking.confirmed", booking(2, "anna")))
    await world.mark()
    assert await loop.remind_due() == 1
    assert await reminded(world) == [("anna", "s1")]
    assert asked.fired == 1
    assert await loop.backlog() == 0


async def test_a_partition_that_is_not_read_on_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notifications.dues.LIMIT", 2)
    await world.feed(("offering.scheduled", offering(1, sessions=[session(f"s{n}") for n in range(5)])))
    await world.database["due"].update_many({}, {"$set": {"partition": PARTITION + 1}})
    await world.feed(("offering.scheduled", offering(1, "o2")), ("booking.confirmed", booking(2, offering_id="o2")))
    await at(world, START - 7 * DAY + MINUTE)
    asked = Asked()
    assert await reminders(world, asked).remind_due() == 1
    assert asked.partitions == [[PARTITION + 1]]
    assert len(await reminded(world)) == 1


async def test_a_mark_is_asked_for_at_most_once_a_second(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    world.clock.set(START - 7 * DAY)
    asked = Asked()
    loop = reminders(world, asked)
    for _ in range(6):
        await loop.remind_due()
        await asyncio.sleep(0.25)
    assert len(asked.partitions) == 2


async def test_of_several_due_at_once_only_the_shortest_goes_out(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - MINUTE)
    await fire(world)
    assert len(await reminded(world)) == 1
    assert await dues(world) == []


async def test_none_goes_out_after_the_start(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START)
    await fire(world)
    assert await reminded(world) == []
    assert await dues(world) == []


async def test_a_session_that_becomes_known_late_gets_what_is_left(world: World) -> None:
    world.clock.set(START - 3 * DAY)
    await world.feed(("offering.scheduled", offering(1, sessions=[session(), session("s2", START - 2.5 * DAY)])))
    assert await dues(world) == [("s1", 1, START - DAY)]


async def test_a_moved_session_moves_its_reminders(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - 7 * DAY + MINUTE)
    await fire(world)
    later = START + 14 * DAY
    await world.feed(("offering.rescheduled", offering(3, sessions=[session(start=later)])))
    assert await dues(world) == [("s1", 7, later - 7 * DAY), ("s1", 1, later - DAY)]
    await at(world, later - 7 * DAY + MINUTE)
    await fire(world)
    assert len(await reminded(world)) == 2


async def test_a_session_moved_closer_than_its_lead_time_keeps_only_the_shorter(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    await world.feed(("offering.rescheduled", offering(2, sessions=[session(start=NOW + 5 * DAY)])))
    assert await dues(world) == [("s1", 1, NOW + 4 * DAY)]


async def test_a_cancelled_offering_or_a_session_that_is_gone_is_not_remembered(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1, sessions=[session(), session("s2")])))
    await world.feed(("offering.rescheduled", offering(2)))
    assert {one[0] for one in await dues(world)} == {"s1"}
    await world.feed(("offering.cancelled", offering(3, status="cancelled")))
    assert await dues(world) == []


async def test_a_large_roster_is_reminded_in_steps_once_each(world: World) -> None:
    size = 2 * STEP
    await world.feed(("offering.scheduled", offering(1)))
    await world.feed(*(("booking.confirmed", booking(n, f"p{n:05}")) for n in range(2, size + 2)))
    await at(world, START - 7 * DAY + MINUTE)
    assert await fire(world) == 3
    assert [one[0] for one in await reminded(world)] == [f"p{n:05}" for n in range(2, size + 2)]


async def test_two_processes_remind_nobody_twice(world: World) -> None:
    sessions = [session(f"s{n}") for n in range(20)]
    await world.feed(("offering.scheduled", offering(1, sessions=sessions)))
    await world.feed(*(("booking.confirmed", booking(n, f"p{n}")) for n in range(2, 12)))
    await at(world, START - 7 * DAY + MINUTE)
    await asyncio.gather(*(reminders(world).remind_due() for _ in range(3)))
    assert await fire(world) == 0
    found = await reminded(world)
    assert len(found) == len(set(found)) == 200


def moved(version: int = 3) -> Offering:
    return offering(version, sessions=[session(start=START + 14 * DAY)])


# --- who, and how many mails ----------------------------------------------------------------------------------------


async def test_whoever_books_after_the_moment_gets_none_for_it_however_late_it_fires(world: World) -> None:
    """The service was down for three days: the reminder is late, its readers are those of its moment."""
    moment = START - 7 * DAY
    await world.feed(
        ("offering.scheduled", offering(1)),
        ("booking.confirmed", booking(2, "anna", seated_at=moment - MINUTE)),
        ("booking.confirmed", booking(3, "bela", seated_at=moment + DAY)),
        ("booking.confirmed", booking(4, "cem", seated_at=START + 99 * DAY)),
    )
    await at(world, moment + 3 * DAY)
    assert await fire(world) == 1
    assert await reminded(world) == [("anna", "s1"), ("cem", "s1")]
    await at(world, START - DAY + MINUTE)
    assert await fire(world) == 1
    assert [one[0] for one in await reminded(world)] == ["anna", "cem", "anna", "bela", "cem"]


async def three_on_one_day(world: World) -> None:
    """Anna has three sessions on one day, two of one offering; bela only the last."""
    morning, noon = session("s1", START), session("s2", START + timedelta(hours=3))
    evening = session("s3", START + timedelta(hours=9), format="in_person", location="Rathaus", join_url=None)
    await world.feed(
        ("lms.person.changed.v1", person("anna")),
        ("lms.person.changed.v1", person("bela")),
        ("offering.scheduled", offering(1, sessions=[morning, noon])),
        ("offering.scheduled", offering(1, "o2", title="Vielfalt", sessions=[evening])),
        ("booking.confirmed", booking(2, "anna", seated_at=NOW)),
        ("booking.confirmed", booking(2, "anna", booking_id="b2", offering_id="o2", seated_at=NOW)),
        ("booking.confirmed", booking(3, "bela", offering_id="o2", seated_at=NOW)),
    )
    await world.database["messages"].delete_many({})


async def mailed(world: World) -> list[str]:
    """The texts that anybody got since the last time."""
    async with world.mail.listening() as port:
        sender = world.sender(port)
        while await sender.send_due():
            pass
        await sender.hang_up()
    found = [read_mail(raw).text for _, raw in world.mail.accepted]
    world.mail.accepted.clear()
    return found


async def test_three_reminders_on_one_day_are_one_mail(world: World) -> None:
    await three_on_one_day(world)
    await at(world, START - 7 * DAY + MINUTE)
    assert await fire(world) == 1
    (text,) = await mailed(world)
    assert text.count("https://video.example/m3") == 2
    assert text.count("Rathaus") == text.count("Guten Tag Name of anna") == 1
    sent = await world.messages(kind="reminder")
    assert sorted((one["person_id"], one["session_id"], one["status"]) for one in sent) == [
        ("anna", name, "sent") for name in ("s1", "s2", "s3")
    ]
    assert len({one["raw"] for one in sent}) == 1
    assert {one["subject"] for one in sent} == {f"Erinnerung: {offering().title} (+1)"}
    await at(world, START - 7 * DAY + timedelta(hours=10))
    assert await fire(world) == 2
    (text,) = await mailed(world)
    assert "Guten Tag Name of bela" in text
    assert len(await world.messages(kind="reminder")) == 4


async def test_reminders_that_are_due_together_are_one_mail(world: World) -> None:
    await three_on_one_day(world)
    await at(world, START - 6 * DAY)
    assert await fire(world) == 3
    assert len(await mailed(world)) == 2


async def test_reminders_of_two_days_are_two_mails(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("anna")),
        ("offering.scheduled", offering(1, sessions=[session("s1", START), session("s2", START + DAY)])),
        ("booking.confirmed", booking(2, "anna", seated_at=NOW)),
    )
    await world.database["messages"].delete_many({})
    for days in (7, 6):
        await at(world, START - days * DAY + MINUTE)
        await fire(world)
        assert len(await mailed(world)) == 1
    assert [one["days"] for one in await world.messages(kind="reminder")] == [7, 7]


# --- lead times -----------------------------------------------------------------------------------------------------


def lead_times(world: World, **more: Any) -> LeadTimes:
    return LeadTimes(world.database, world.settings(25, **more), world.clock)


async def test_an_offering_may_have_lead_times_of_its_own(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("offering.scheduled", offering(1, "o2")))
    times = lead_times(world)
    assert await times.of("o1") == ((7, 1), False)
    await times.set("o1", [3, 14, 1])
    assert await times.of("o1") == ([14, 3, 1], True)
    found = [one["days"] async for one in world.database["due"].find({"offering_id": "o1"}).sort("at")]
    assert found == [14, 3, 1]
    assert await world.database["due"].count_documents({"offering_id": "o2"}) == 2
    await world.feed(("offering.rescheduled", moved(2)))
    assert [one[1:] for one in await dues(world) if one[1] == 14] == [(14, START)]
    await times.set("o1", None)
    found = [one["days"] async for one in world.database["due"].find({"offering_id": "o1"}).sort("at")]
    assert found == [7, 1]


async def test_a_lead_time_whose_moment_has_passed_gets_none_when_it_is_set(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    await at(world, START - 5 * DAY)
    await world.database["due"].delete_many({"days": 7})
    await lead_times(world).set("o1", [7, 6, 4])
    assert [one[1] for one in await dues(world)] == [4]


async def test_none_means_nobody_is_reminded(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    await lead_times(world).set("o1", [])
    assert await dues(world) == []


async def test_what_is_late_in_firing_stays_as_it_is(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    world.clock.set(START - 6 * DAY)
    await lead_times(world).set("o1", [7])
    assert [one[1] for one in await dues(world)] == [7]


async def test_a_batch_that_was_loaded_before_the_change_is_put_right(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    one = item("offering.rescheduled", moved(), 99)
    state = await world.consumer.load([one])
    world.consumer.apply(state, one)
    times = lead_times(world)
    await times.set("o1", [3])
    await world._write(state)
    await times.check()
    assert [one[1] for one in await dues(world)] == [7, 1]
    await world.database["lead_times"].update_one({}, [{"$set": {"check_at": {"$subtract": ["$$NOW", 1]}}}])
    await times.check()
    assert [one[1:] for one in await dues(world)] == [(3, START + 11 * DAY)]
    assert (await world.database["lead_times"].find_one({}) or {})["check_at"] is None


async def test_another_setting_counts_from_the_next_start_on(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("offering.scheduled", offering(1, "o2")))
    await lead_times(world).set("o2", [2])
    await lead_times(world)._compare_setting()
    assert [one[1] for one in await dues(world)] == [7, 2, 1]
    await lead_times(world, reminder_days=(5,))._compare_setting()
    assert [one[1] for one in await dues(world)] == [5, 2]


# --- races ----------------------------------------------------------------------------------------------------------


async def test_a_move_that_is_being_committed_makes_the_firing_yield(world: World) -> None:
    """The batch has written the due document and is not committed: the firing must not take the old one away."""
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - 7 * DAY + MINUTE)
    one = item("offering.rescheduled", moved(), 99)
    state = await world.consumer.load([one])
    world.consumer.apply(state, one)
    client = world.database.client
    async with client.start_session() as transaction, await transaction.start_transaction():
        for name, operations in documents.writes(state).items():
            if operations:
                await world.database[name].bulk_write(operations, session=transaction)
        firing = asyncio.create_task(reminders(world).remind_due())
        await asyncio.sleep(0.5)
        assert not firing.done()
    await firing
    assert await reminded(world) == []
    assert [one[2] for one in await dues(world)] == [START + 7 * DAY, START + 13 * DAY]


async def test_a_firing_that_is_being_committed_makes_the_batch_yield(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - 7 * DAY + MINUTE)
    loop = reminders(world)
    due = documents.due_of(await world.database["due"].find_one({"days": 7}) or {})
    client = world.database.client
    async with client.start_session() as transaction, await transaction.start_transaction():
        await loop._step(transaction, due)
        with pytest.raises(OperationFailure) as conflict:
            async with client.start_session() as other, await other.start_transaction():
                await world.database["due"].delete_many({"offering_id": "o1"}, session=other)
        assert conflict.value.has_error_label("TransientTransactionError")
    await world.feed(("offering.rescheduled", moved()))
    assert [one[2] for one in await dues(world)] == [START + 7 * DAY, START + 13 * DAY]


async def test_a_batch_that_was_decided_before_the_firing_still_moves_all(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - 7 * DAY + MINUTE)
    one = item("offering.rescheduled", moved(), 99)
    state = await world.consumer.load([one])
    world.consumer.apply(state, one)
    await fire(world)
    await world._write(state)
    assert [one[2] for one in await dues(world)] == [START + 7 * DAY, START + 13 * DAY]
    assert await fire(world) == 0


async def test_a_reminder_that_was_overtaken_by_a_move_is_withheld(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    await at(world, START - 7 * DAY + MINUTE)
    await fire(world)
    await world.feed(("offering.rescheduled", moved()))
    async with world.mail.listening() as port:
        await world.sender(port).send_due()
    assert ("reminder", "withheld", "moved") in await world.statuses()
