from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications.messages import Message
from services.notifications.own_texts import OwnTexts, Version
from services.notifications.queue import Queue
from services.notifications.state import STEP
from shared.events import PersonErased
from tests.support.notifications_world import START, World, booking, leave, offering, person, session


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    return await World(database).prepared()


async def send_all(world: World, **more: Any) -> None:
    async with world.mail.listening() as port:
        sender = world.sender(port, **more)
        while await sender.send_due():
            pass
        await sender.hang_up()


async def test_an_outcome_becomes_one_mail_in_the_readers_language(world: World) -> None:
    await world.feed(
        ("offering.scheduled", offering(1)),
        ("lms.person.changed.v1", person("p1", language="en")),
        ("lms.person.changed.v1", person("p2")),
        ("booking.confirmed", booking(2, "p1")),
        ("booking.waitlisted", booking(3, "p2", status="waiting")),
        ("booking.confirmed", booking(2, "p1")),
        ("leave.granted", leave()),
    )
    await send_all(world)
    sent = await world.messages()
    assert [(one["kind"], one["to"], one["language"], one["status"]) for one in sent] == [
        ("confirmed", "p1@stadt.example", "en", "sent"),
        ("waitlisted", "p2@stadt.example", "de", "sent"),
        ("leave_granted", "p1@stadt.example", "en", "sent"),
    ]
    assert sent[0]["subject"].startswith("Your place is confirmed")
    assert sorted(one["raw"] for one in sent) == sorted(raw for _, raw in world.mail.accepted)


async def test_a_message_waits_for_its_address_and_goes_out_when_that_arrives(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2)))
    await send_all(world)
    assert await world.statuses() == [("confirmed", "planned", "no_address")]
    world.clock.set(world.clock.now() + timedelta(hours=5))
    await world.feed(("lms.person.changed.v1", person()))
    await send_all(world)
    assert await world.statuses() == [("confirmed", "sent", None)]


async def test_an_address_that_arrives_while_it_is_looked_for_is_found_soon(world: World) -> None:
    """The contact's transaction began before the message was marked as waiting: nothing wakes it, so it looks again."""
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2)))
    await send_all(world)
    await world.database["contacts"].insert_one({"_id": "p1", "offset": 9, "person": msgspec.to_builtins(person())})
    world.clock.set(world.clock.now() + timedelta(seconds=2))
    await send_all(world)
    assert await world.statuses() == [("confirmed", "sent", None)]


async def test_without_an_address_it_is_withheld_after_three_days(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2)))
    await send_all(world)
    world.clock.set(world.clock.now() + timedelta(days=3, minutes=1))
    await send_all(world)
    await world.feed(("lms.person.changed.v1", person()))
    await send_all(world)
    assert await world.statuses() == [("confirmed", "withheld", "no_address")]
    assert not world.mail.accepted


async def test_a_message_about_what_is_over_is_withheld(world: World) -> None:
    world.clock.set(START + timedelta(days=1))
    await world.feed(
        ("lms.person.changed.v1", person()), ("offering.scheduled", offering(1)), ("booking.confirmed", booking(2))
    )
    await send_all(world)
    assert await world.statuses() == [("confirmed", "withheld", "over")]


async def test_the_supervisor_is_asked_and_the_person_told(world: World) -> None:
    await world.feed(
        ("offering.scheduled", offering(1)),
        ("booking.approval_requested", booking(2, status="awaiting_approval")),
    )
    await send_all(world)
    await world.feed(("lms.person.changed.v1", person("p1", supervisor_id="boss", display_name="Anna")))
    await send_all(world)
    asked = (await world.messages(kind="approval_requested"))[0]
    assert (asked["person_id"], asked["status"], asked["reason"]) == ("boss", "planned", "no_address")
    await world.feed(("lms.person.changed.v1", person("boss")))
    await send_all(world)
    assert await world.statuses() == [("received", "sent", None), ("approval_requested", "sent", None)]
    assert world.mail.to() == ["p1@stadt.example", "boss@stadt.example"]
    assert b"Anna" in world.mail.accepted[1][1]


async def test_nobody_is_asked_about_themselves(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("p1", supervisor_id="p1")),
        ("offering.scheduled", offering(1)),
        ("booking.approval_requested", booking(2, status="awaiting_approval")),
    )
    await send_all(world)
    assert await world.statuses() == [("received", "sent", None), ("approval_requested", "withheld", "no_supervisor")]


async def test_a_supervisor_who_came_while_the_mail_waited_is_asked(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("p1", supervisor_id="boss")),
        ("offering.scheduled", offering(1)),
        ("booking.approval_requested", booking(2, status="awaiting_approval")),
    )
    await send_all(world)
    await world.feed(
        ("lms.person.changed.v1", person("p1", supervisor_id="other")), ("lms.person.changed.v1", person("other"))
    )
    await send_all(world)
    assert world.mail.to() == ["p1@stadt.example", "other@stadt.example"]
    (asked,) = await world.messages(kind="approval_requested")
    assert (asked["person_id"], asked["status"]) == ("other", "sent")


async def test_without_a_supervisor_the_request_is_withheld_with_its_reason(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person()),
        ("offering.scheduled", offering(1)),
        ("booking.approval_requested", booking(2, status="awaiting_approval")),
    )
    await send_all(world)
    assert await world.statuses() == [("received", "sent", None), ("approval_requested", "withheld", "no_supervisor")]


async def test_a_held_booking_changes_nothing(world: World) -> None:
    assert await world.feed(("booking.confirmed", booking(2))) == ["held"]
    assert await world.messages() == []
    assert await world.database["bookings"].count_documents({}) == 0


async def test_a_large_roster_is_told_in_steps_once_each(world: World) -> None:
    size = 2 * STEP + 7
    await world.feed(("offering.scheduled", offering(1)))
    await world.feed(*(("booking.confirmed", booking(n, f"p{n:05}")) for n in range(2, size + 2)))
    moved = offering(size + 2, sessions=[session(start=START + timedelta(days=1))])
    await world.feed(
        ("offering.rescheduled", moved), ("booking.cancelled", booking(size + 3, "p00002", status="cancelled"))
    )
    readers = [one["person_id"] for one in await world.messages(kind="rescheduled")]
    assert readers == [f"p{n:05}" for n in range(2, size + 2)]
    assert await world.feed(("offering.rescheduled", moved)) == ["repeated"]


async def test_two_changes_of_one_offering_in_one_batch_are_both_told_to_all(world: World) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    await world.feed(*(("booking.confirmed", booking(n, f"p{n:05}")) for n in range(2, STEP + 4)))
    await world.feed(("offering.rescheduled", offering(5_000)), ("offering.rescheduled", offering(5_001)))
    assert len(await world.messages(kind="rescheduled")) == 2 * (STEP + 2)


async def everything(world: World) -> str:
    """The whole database as text."""
    names = await world.database.list_collection_names()
    return repr([[found async for found in world.database[name].find()] for name in names])


async def story_of_anna(world: World) -> None:
    """Anna is booked, asks her supervisor, and has one mail planned; she is a supervisor herself."""
    await world.feed(
        (
            "lms.person.changed.v1",
            person("anna", display_name="Canary Anna", email="canary@x.example", supervisor_id="boss"),
        ),
        ("lms.person.changed.v1", person("boss", supervisor_id="anna")),
        ("offering.scheduled", offering(1)),
        ("booking.approval_requested", booking(2, "anna", status="awaiting_approval")),
        ("booking.approval_requested", booking(3, "boss", status="awaiting_approval")),
    )
    await send_all(world)
    await world.feed(("booking.confirmed", booking(4, "anna")))
    await send_all(world)
    await world.feed(("booking.cancelled", booking(5, "anna", status="cancelled", reason="withdrawn")))


async def test_an_erased_person_is_nowhere_and_is_mailed_no_more(world: World) -> None:
    await story_of_anna(world)
    found = await everything(world)
    assert "Canary Anna" in found
    assert "canary@x.example" in found
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    found = await everything(world)
    assert "Anna" not in found
    assert "canary" not in found.lower()
    before = len(world.mail.accepted)
    assert ("cancelled", "withheld", "erased") in await world.statuses()
    await world.feed(("offering.rescheduled", offering(6)), ("booking.confirmed", booking(7, "anna")))
    await send_all(world)
    assert world.mail.to()[before:] == []
    assert "canary" not in (await everything(world)).lower()


async def test_an_erased_person_is_in_no_subject_that_the_office_has_written(world: World) -> None:
    subject, text = "{{ about.display_name }} bittet", "{{ approve_url }}"
    mine = Version(number=1, who="office", at=world.clock.now(), subject=subject, text=text)
    await OwnTexts(world.database).save(("approval_requested", "de"), mine)
    await story_of_anna(world)
    assert "Canary Anna bittet" in await everything(world)
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    assert "Canary" not in await everything(world)


async def test_the_mails_of_others_stay(world: World) -> None:
    await story_of_anna(world)
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    received = (await world.messages(kind="received", person_id="boss"))[0]
    assert received["to"] == "boss@stadt.example"
    assert b"boss" in received["raw"]
    asked = (await world.messages(kind="approval_requested", person_id="boss"))[0]
    assert (asked["to"], asked["status"], "raw" in asked) == ("boss@stadt.example", "sent", False)


async def test_an_erasure_with_many_messages_takes_steps(world: World) -> None:
    size = STEP + 3
    await world.feed(("lms.person.changed.v1", person()))
    await world.feed(*(("offering.scheduled", offering(1, f"o{n}")) for n in range(size)))
    bookings = [booking(2, booking_id=f"b{n}", offering_id=f"o{n}") for n in range(size)]
    await world.feed(*(("booking.confirmed", one) for one in bookings))
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="p1")))
    assert set(await world.statuses()) == {("confirmed", "withheld", "erased")}


async def test_a_mail_on_its_way_while_its_reader_is_erased_leaves_nothing_behind(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person(display_name="Canary")),
        ("offering.scheduled", offering(1)),
        ("booking.confirmed", booking(2)),
    )

    async def erase() -> None:
        await world.feed(("lms.person.erased.v1", PersonErased(person_id="p1")))

    world.mail.before_data = erase
    await send_all(world)
    assert len(world.mail.accepted) == 1
    assert await world.statuses() == [("confirmed", "withheld", "erased")]
    assert "Canary" not in await everything(world)


async def test_the_backlog_counts_what_should_be_out(world: World) -> None:
    queue = Queue(world.database)
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2)))
    assert await queue.backlog(world.clock.now()) == 1
    await send_all(world)
    world.clock.set(world.clock.now() + timedelta(hours=2))
    assert await queue.backlog(world.clock.now()) == 0


def test_no_field_of_a_planned_message_could_hold_a_name() -> None:
    assert {"display_name", "email"}.isdisjoint(Message.__struct_fields__)
