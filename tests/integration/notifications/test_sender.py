import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect

from services.notifications.mail import Mail
from services.notifications.queue import Lease, Queue
from services.notifications.smtp import Line
from shared.events import PersonErased
from tests.support.notifications_world import START, World, booking, offering, person, session
from tests.support.servers import free_port

MINUTE = timedelta(minutes=1)
ANNA = "anna@stadt.example"
BELA = "bela@stadt.example"


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    return await World(database).prepared()


async def confirmed(world: World, *people: str) -> None:
    await world.feed(
        ("offering.scheduled", offering(1)),
        *(("lms.person.changed.v1", person(one)) for one in people),
        *(("booking.confirmed", booking(number, one)) for number, one in enumerate(people, 2)),
    )


async def send(world: World, **more: Any) -> None:
    """All that is due now, on new connections."""
    async with world.mail.listening() as port:
        sender = world.sender(port, **more)
        while await sender.send_due():
            pass
        await sender.hang_up()


@contextlib.asynccontextmanager
async def sending(world: World, port: int, **more: Any) -> AsyncIterator[Any]:
    sender = world.sender(port, **more)
    task = asyncio.create_task(sender.send_forever())
    try:
        yield sender
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - servers and databases set no event
            await asyncio.sleep(0.02)


async def result(world: World, person_id: str) -> tuple[str, str | None, int]:
    found = (await world.messages(person_id=person_id))[0]
    return found["status"], found["reason"], found["attempts"]


async def test_a_refusal_for_now_is_tried_again_later_and_later(world: World) -> None:
    world.mail.rcpt[ANNA] = ["451 4.7.1 Greylisted, anna@stadt.example"] * 2
    await confirmed(world, "anna")
    await send(world)
    assert await result(world, "anna") == ("planned", "451 4.7.1", 1)
    world.clock.set(world.clock.now() + 0.9 * MINUTE)
    await send(world)
    assert await result(world, "anna") == ("planned", "451 4.7.1", 1)
    world.clock.set(world.clock.now() + 0.2 * MINUTE)
    await send(world)
    assert await result(world, "anna") == ("planned", "451 4.7.1", 2)
    world.clock.set(world.clock.now() + 5.1 * MINUTE)
    await send(world)
    assert (await result(world, "anna"))[:2] == ("sent", None)
    assert world.mail.to() == [ANNA]


async def test_after_four_days_of_refusals_it_has_failed(world: World) -> None:
    world.mail.rcpt[ANNA] = ["451 4.7.1 Later"] * 99
    await confirmed(world, "anna")
    for _ in range(11):
        await send(world)
        world.clock.set(world.clock.now() + timedelta(hours=10))
    assert await result(world, "anna") == ("failed", "451 4.7.1", 10)


@pytest.mark.parametrize("place", ["rcpt", "data"])
async def test_a_refusal_for_good_fails_for_that_reader_alone(world: World, place: str) -> None:
    getattr(world.mail, place)[ANNA] = ["550 5.1.1 <anna@stadt.example> unknown"]
    await confirmed(world, "anna", "bela")
    await send(world, smtp_connections=1)
    assert await result(world, "anna") == ("failed", "550 5.1.1", 0)
    assert await result(world, "bela") == ("sent", None, 0)
    failed = (await world.messages(person_id="anna"))[0]
    assert failed["to"] == ANNA
    assert "raw" not in failed
    assert world.mail.connections == 1


@pytest.mark.parametrize("answer", ["drop", "take and drop"])
async def test_an_outcome_that_is_unclear_is_sent_once_more_after_a_quarter_of_an_hour(
    world: World, answer: str
) -> None:
    world.mail.data[ANNA] = [answer]
    await confirmed(world, "anna", "bela")
    await send(world, smtp_connections=1)
    assert await result(world, "anna") == ("unclear", "connection lost", 0)
    assert await result(world, "bela") == ("sent", None, 0)
    world.clock.set(world.clock.now() + 14 * MINUTE)
    await send(world)
    assert await result(world, "anna") == ("unclear", "connection lost", 0)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    await send(world)
    assert await result(world, "anna") == ("sent", None, 0)
    ids = [raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0] for to, raw in world.mail.accepted if to == ANNA]
    assert len(ids) == (1 if answer == "drop" else 2)
    assert len(set(ids)) == 1


@pytest.mark.parametrize("answer", ["take and drop", "554 5.6.0 No", "451 4.3.0 Later"])
async def test_what_is_not_taken_the_second_time_either_stays_unclear(world: World, answer: str) -> None:
    world.mail.data[ANNA] = ["take and drop", *[answer] * 99]
    await confirmed(world, "anna")
    for _ in range(30):
        await send(world)
        world.clock.set(world.clock.now() + timedelta(hours=4))
    status, reason, _ = await result(world, "anna")
    assert (status, reason) == ("unclear", {"t": "connection lost", "5": "554 5.6.0", "4": "451 4.3.0"}[answer[0]])
    assert world.mail.to().count(ANNA) == (2 if "drop" in answer else 1)
    assert await Queue(world.database).backlog(world.clock.now()) == 0
    assert b"anna" in (await world.messages())[0]["raw"]


async def test_a_reminder_that_is_unclear_is_not_sent_again(world: World) -> None:
    world.mail.data[ANNA] = ["250 OK", "take and drop"]
    await confirmed(world, "anna")
    await send(world)
    await world.database["messages"].update_many({}, {"$set": {"status": "planned", "kind": "reminder"}})
    await world.database["messages"].update_many(
        {}, {"$set": {"session_id": "s1", "starts_at": "2024-11-21T08:00:00Z", "next_try": world.clock.now()}}
    )
    await send(world)
    world.clock.set(world.clock.now() + timedelta(hours=2))
    await send(world)
    assert await result(world, "anna") == ("unclear", "connection lost", 0)
    assert world.mail.to() == [ANNA, ANNA]


async def test_an_erasure_while_it_waits_for_its_second_time_leaves_no_address(world: World) -> None:
    world.mail.data[ANNA] = ["take and drop"]
    await confirmed(world, "anna")
    await send(world)
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    world.clock.set(world.clock.now() + timedelta(hours=1))
    await send(world)
    (found,) = await world.messages()
    assert (found["status"], found["to"], found["subject"], "raw" in found) == ("unclear", None, None, False)
    assert world.mail.to() == [ANNA]


async def test_an_erasure_during_the_second_time_leaves_no_address(world: World) -> None:
    world.mail.data[ANNA] = ["drop"]
    await confirmed(world, "anna")
    await send(world)

    async def erase() -> None:
        await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))

    world.mail.before_data = erase
    world.clock.set(world.clock.now() + timedelta(hours=1))
    await send(world)
    (found,) = await world.messages()
    assert (found["status"], found["to"], found["subject"], "raw" in found) == ("unclear", None, None, False)


async def test_a_newer_outcome_supersedes_what_is_not_sent_yet(world: World) -> None:
    world.mail.rcpt[ANNA] = ["451 4.7.1 Later"]
    await confirmed(world, "anna")
    await send(world)
    await world.feed(("booking.cancelled", booking(9, "anna", status="cancelled", reason="withdrawn")))
    world.clock.set(world.clock.now() + timedelta(hours=1))
    await send(world)
    assert await world.statuses() == [("confirmed", "withheld", "superseded"), ("cancelled", "sent", None)]


async def test_the_older_of_two_moves_is_not_sent(world: World) -> None:
    await confirmed(world, "anna")
    await send(world)
    await world.feed(
        ("offering.rescheduled", offering(5, sessions=[session("s1", START + timedelta(days=1))])),
        ("offering.rescheduled", offering(6, sessions=[session("s1", START + timedelta(days=2))])),
    )
    await send(world)
    assert (await world.statuses())[1:] == [("rescheduled", "withheld", "superseded"), ("rescheduled", "sent", None)]


async def test_what_is_superseded_after_an_unclear_try_is_not_sent_again(world: World) -> None:
    world.mail.data[ANNA] = ["take and drop"]
    await confirmed(world, "anna")
    await send(world)
    await world.feed(("booking.cancelled", booking(9, "anna", status="cancelled", reason="withdrawn")))
    world.clock.set(world.clock.now() + timedelta(hours=1))
    await send(world)
    assert await world.statuses() == [("confirmed", "unclear", "connection lost"), ("cancelled", "sent", None)]
    assert len(world.mail.accepted) == 2


async def test_a_server_that_closes_again_and_again_is_left_alone(world: World) -> None:
    people = [f"p{n:02}" for n in range(20)]
    for one in people:
        world.mail.rcpt[f"{one}@stadt.example"] = ["421 4.7.0 Too much"] * 2
    await world.feed(("lms.person.changed.v1", person("zoe", email="zoe@elsewhere.example")))
    await confirmed(world, *people)
    await world.feed(("booking.confirmed", booking(99, "zoe")))
    await send(world, smtp_connections=1)
    reasons = Counter(one["reason"] for one in await world.messages())
    assert reasons == {"421 4.7.0": 5, "domain_busy": 15, None: 1}
    assert world.mail.to() == ["zoe@elsewhere.example"]


async def test_no_answer_after_the_hand_over_is_unclear(world: World) -> None:
    world.mail.delay = 1
    await confirmed(world, "anna")
    await send(world, smtp_timeout=0.3)
    assert await result(world, "anna") == ("unclear", "connection lost", 0)


async def test_an_answer_after_the_hand_over_that_nobody_understands_is_unclear(world: World) -> None:
    world.mail.data[ANNA] = ["what was that?"]
    await confirmed(world, "anna")
    await send(world)
    assert (await result(world, "anna"))[0] == "unclear"


async def test_a_break_before_the_hand_over_is_tried_again(world: World) -> None:
    world.mail.rcpt[ANNA] = ["421 4.3.2 Shutting down"]
    await confirmed(world, "anna")
    await send(world)
    assert await result(world, "anna") == ("planned", "421 4.3.2", 1)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    await send(world)
    assert (await result(world, "anna"))[0] == "sent"


async def test_a_used_connection_that_the_server_closed_costs_no_try(world: World) -> None:
    world.mail.rcpt[BELA] = ["421 4.7.0 Too many mails on one connection"]
    await confirmed(world, "anna", "bela")
    await send(world, smtp_connections=1)
    assert await result(world, "anna") == ("sent", None, 0)
    assert await result(world, "bela") == ("sent", None, 0)
    assert world.mail.connections == 2


async def test_an_absent_server_costs_no_try_and_its_return_is_noticed(world: World) -> None:
    await confirmed(world, *(f"p{n}" for n in range(20)))
    port = free_port()
    async with sending(world, port) as sender:
        await until(lambda: sender._pause >= 1)
        assert {(one["status"], one["attempts"]) for one in await world.messages()} == {("planned", 0)}
        async with world.mail.listening(port):
            await until(lambda: len(world.mail.accepted) == 20)
    assert await result(world, "p7") == ("sent", None, 0)


async def test_a_server_that_is_absent_for_four_days_fails_the_mail(world: World) -> None:
    await confirmed(world, "anna")
    sender = world.sender(free_port())
    await sender.send_due()
    world.clock.set(world.clock.now() + timedelta(days=4, minutes=1))
    await sender.send_due()
    assert await result(world, "anna") == ("failed", "unreachable", 0)


async def test_one_address_that_cannot_be_mailed_stops_nobody(world: World) -> None:
    await world.feed(("lms.person.changed.v1", person("anna", email="jörg@stadt.example")))
    await confirmed(world, "bela")
    await world.feed(("booking.confirmed", booking(9, "anna")))
    await send(world)
    assert await result(world, "anna") == ("failed", "not_mailable", 0)
    assert await result(world, "bela") == ("sent", None, 0)


async def test_a_line_that_begins_with_a_dot_arrives_as_it_is(world: World) -> None:
    raw = b"Subject: dots\r\n\r\n.\r\n..x\r\n.end\r\n"
    async with world.mail.listening() as port:
        line = Line(world.settings(port))
        assert (await line.deliver(Mail(ANNA, "dots", "en", raw))).what == "sent"
        await line.close()
    assert world.mail.accepted == [(ANNA, raw)]


async def test_two_senders_at_once_send_nothing_twice(world: World) -> None:
    people = [f"p{n:03}" for n in range(250)]
    await confirmed(world, *people)
    async with world.mail.listening() as port, sending(world, port), sending(world, port):
        await until(lambda: len(world.mail.accepted) >= 250)
        await asyncio.sleep(0.3)
    assert Counter(world.mail.to()) == Counter(f"{one}@stadt.example" for one in people)
    assert {one["status"] for one in await world.messages()} == {"sent"}
    assert world.mail.connections <= 8


async def test_the_lost_lease_of_a_dead_sender_is_taken_over_when_it_ends(world: World) -> None:
    await confirmed(world, "anna")
    queue, dead = Queue(world.database), Lease()
    assert len(await queue.claim(dead, world.clock.now(), 10)) == 1
    world.clock.set(world.clock.now() + timedelta(days=1))  # our clock does not count
    await send(world)
    assert await result(world, "anna") == ("planned", None, 0)
    ended = [{"$set": {"lease.until": {"$subtract": ["$$NOW", 1]}}}]
    await world.database["messages"].update_many({}, ended)
    await send(world)
    assert await result(world, "anna") == ("sent", None, 0)


async def test_after_a_cut_of_the_database_nothing_waits_for_its_lease_and_nothing_is_sent_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await confirmed(world, *(f"p{n}" for n in range(9)))

    async def away(*_: object) -> None:
        raise AutoReconnect("cut")

    async with world.mail.listening() as port:
        sender = world.sender(port, smtp_connections=1)
        with monkeypatch.context() as cut:
            cut.setattr(sender._queue, "settle", away)
            cut.setattr(sender._queue, "release", away)
            with pytest.raises(AutoReconnect):
                await sender.send_due()
        assert len(world.mail.accepted) == 1
        while await sender.send_due():
            pass
        await sender.hang_up()
    assert len(world.mail.accepted) == len(set(world.mail.to())) == 9
    assert {one["status"] for one in await world.messages()} == {"sent"}


async def test_a_frozen_sender_sends_no_more_when_it_wakes_up() -> None:
    lease = Lease()
    assert lease.good
    lease.renewed(asyncio.get_running_loop().time() - 31)
    assert not lease.good


async def test_the_mails_of_one_reader_keep_their_order(world: World) -> None:
    await confirmed(world, "anna", "bela")
    for number in range(10, 20):
        await world.feed(("booking.confirmed", booking(number, "anna", booking_id=f"b{number}")))
    slow = [0.5]

    async def first_is_slow() -> None:
        await asyncio.sleep(slow.pop() if slow else 0)

    world.mail.before_data = first_is_slow
    await send(world)
    sent = [raw.partition(b"Message-ID: <")[2][:32].decode() for to, raw in world.mail.accepted if to == ANNA]
    assert sent == [one["_id"] for one in await world.messages(person_id="anna")]


async def test_a_stopped_sender_finishes_its_mail_and_lets_go_of_the_others(world: World) -> None:
    await confirmed(world, *(f"p{n}" for n in range(30)))
    world.mail.delay = 0.2
    async with world.mail.listening() as port:
        async with sending(world, port, smtp_connections=2):
            await until(lambda: world.mail.accepted)
        accepted = len(world.mail.accepted)
        await asyncio.sleep(0.3)
        assert len(world.mail.accepted) == accepted < 30
    statuses = Counter(one["status"] for one in await world.messages())
    assert statuses == {"sent": accepted, "planned": 30 - accepted}
    assert await world.messages(lease={"$ne": None}) == []


async def test_a_committed_batch_wakes_the_sender(world: World) -> None:
    async with world.mail.listening() as port, sending(world, port) as sender:
        await asyncio.sleep(0.1)
        await confirmed(world, "anna")
        sender.wake.set()
        await until(lambda: world.mail.accepted)


async def test_due_mail_goes_out_promptly_when_the_clock_is_moved(world: World) -> None:
    world.mail.rcpt[ANNA] = ["451 4.7.1 Later"]
    async with world.mail.listening() as port, sending(world, port):
        await confirmed(world, "anna")
        await until(lambda: not world.mail.rcpt[ANNA])
        await asyncio.sleep(0.2)
        world.clock.set(world.clock.now() + 2 * MINUTE)
        await until(lambda: world.mail.accepted)
