"""The sender against real SMTP: every reply, bad lines, and many mails of which some break after the hand-over."""

import asyncio
import random
import ssl
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP
from pymongo.asynchronous.database import AsyncDatabase

from tests.support.notifications_world import World, booking, offering, person

ANNA = "anna@stadt.example"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    return await World(database).prepared()


async def confirmed(world: World, *people: str) -> None:
    await world.feed(("offering.scheduled", offering(1)), *(("lms.person.changed.v1", person(one)) for one in people))
    await world.feed(*(("booking.confirmed", booking(number, one)) for number, one in enumerate(people, 2)))


async def send(world: World, port: int, **more: Any) -> None:
    sender = world.sender(port, **more)
    while await sender.send_due():
        pass
    await sender.hang_up()


async def anna(world: World) -> tuple[str, str | None]:
    (found,) = await world.messages(person_id="anna")
    return found["status"], found["reason"]


@pytest.mark.parametrize("place", ["rcpt", "data"])
@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ("421 4.3.2 Closing", "planned", "421 4.3.2"),
        ("450 4.2.0 Greylisted", "planned", "450 4.2.0"),
        ("451 4.3.0 Later", "planned", "451 4.3.0"),
        ("452 4.2.2 Mailbox full", "planned", "452 4.2.2"),
        ("550 5.1.1 Unknown", "failed", "550 5.1.1"),
        ("552 5.2.2 Too big", "failed", "552 5.2.2"),
        ("554 5.7.1 Not from you", "failed", "554 5.7.1"),
        ("554 No", "failed", "554"),
    ],
)
async def test_every_reply_has_its_meaning_for_that_reader_alone(
    world: World, place: str, answer: str, status: str, reason: str
) -> None:
    getattr(world.mail, place)[ANNA] = [answer]
    await confirmed(world, "anna", "bela")
    async with world.mail.listening() as port:
        await send(world, port, smtp_connections=1)
        assert await anna(world) == (status, reason)
        assert "bela@stadt.example" in world.mail.to()
        world.clock.set(world.clock.now() + 2 * MINUTE)
        await send(world, port)
    assert await anna(world) == (("sent", None) if status == "planned" else (status, reason))


async def test_a_server_that_hangs_before_it_greets_is_absent_and_costs_no_try(world: World) -> None:
    gone = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    await confirmed(world, "anna")
    await world.sender(server.sockets[0].getsockname()[1], smtp_timeout=0.2).send_due()
    server.close()
    async with asyncio.timeout(20):
        await gone.wait()
    (found,) = await world.messages()
    assert (found["status"], found["attempts"]) == ("planned", 0)


async def test_a_slow_server_is_waited_for(world: World) -> None:
    world.mail.delay = 0.6
    await confirmed(world, "anna")
    async with world.mail.listening() as port:
        await send(world, port, smtp_timeout=5)
    assert await anna(world) == ("sent", None)


# --- encryption -----------------------------------------------------------------------------------------------------


async def secure(world: World, certificate: trustme.LeafCert) -> asyncio.Server:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(world.mail, hostname="localhost", loop=loop, tls_context=context, require_starttls=True),
        "127.0.0.1",
        0,
    )


@pytest.mark.parametrize("good", [True, False])
async def test_starttls_needs_a_certificate_that_is_trusted(world: World, tmp_path: Path, good: bool) -> None:  # noqa: FBT001 (a case)
    ours, others = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = await secure(world, (ours if good else others).issue_cert("127.0.0.1"))
    await confirmed(world, "anna")
    port = server.sockets[0].getsockname()[1]
    await world.sender(port, smtp_security="starttls", smtp_ca=tmp_path / "ca.pem").send_due()
    server.close()
    assert await anna(world) == (("sent", None) if good else ("planned", None))
    assert len(world.mail.accepted) == good


async def test_a_server_without_starttls_gets_nothing(world: World) -> None:
    await confirmed(world, "anna")
    async with world.mail.listening() as port:
        await world.sender(port, smtp_security="starttls").send_due()
    assert await anna(world) == ("planned", None)
    assert world.mail.accepted == []


async def test_the_bounce_address_is_the_envelope_sender_and_not_the_from(world: World) -> None:
    await confirmed(world, "anna")
    async with world.mail.listening() as port:
        await send(world, port, mail_bounce="bounces@stadt.example")
    assert world.mail.senders == ["bounces@stadt.example"]
    assert b"From: Fortbildung <office@stadt.example>" in world.mail.accepted[0][1]


# --- many -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [500, pytest.param(10_000, marks=[pytest.mark.nightly, pytest.mark.timeout(1_700)])],
)
async def test_of_many_mails_none_is_lost_and_only_those_that_broke_come_twice(world: World, number: int) -> None:
    people = [f"p{n:05}" for n in range(number)]
    broken = random.Random(1).sample(people, number // 100)
    for place, one in enumerate(broken):  # every second one had been accepted
        world.mail.data[f"{one}@stadt.example"] = ["take and drop" if place % 2 else "drop"]
    for start in range(0, number, 1_000):
        await confirmed(world, *people[start : start + 1_000])
    async with world.mail.listening() as port:
        await asyncio.gather(send(world, port), send(world, port))
        unclear = {one["person_id"] for one in await world.messages(status="unclear")}
        assert unclear == {*broken}
        world.clock.set(world.clock.now() + 16 * MINUTE)
        await asyncio.gather(send(world, port), send(world, port))
    assert {one["status"] for one in await world.messages()} == {"sent"}
    arrived = Counter(world.mail.to())
    assert arrived.keys() == {f"{one}@stadt.example" for one in people}
    assert {address for address, times in arrived.items() if times > 1} == {
        f"{one}@stadt.example" for one in broken[1::2]
    }
    assert max(arrived.values()) == 2
