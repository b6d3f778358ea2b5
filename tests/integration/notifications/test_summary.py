from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from services.notifications.links import Links
from services.notifications.summary import Summary
from shared.runtime import Database
from tests.support.notifications_world import NOW, World, booking, offering, person

SEVEN = datetime(2024, 11, 5, 6, 0, tzinfo=UTC)  # in Berlin


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).prepared()


async def tell(world: World, moment: datetime, **more: Any) -> list[str]:
    """Look once at this moment; the texts that the office gets."""
    world.clock.set(moment)
    before = len(world.mail.accepted)
    async with world.mail.listening() as port:
        settings = world.settings(port, **{"office_address": "buero@stadt.example", **more})
        await Summary(world.database, settings, world.clock, Links(settings)).tell()
    texts = []
    for address, raw in world.mail.accepted[before:]:
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert address == "buero@stadt.example"
        body = mail.get_body(("plain",))
        texts.append(str(body.get_content()) if body else "")
    return texts


async def trouble(world: World) -> None:
    """One mail without an address, one failed yesterday, one long ago, one dead letter, one overdue approval."""
    closed = offering(1, approval="supervisor", booking_closes_at=NOW)
    await world.feed(
        ("lms.person.changed.v1", person("anna", display_name="Anna Schäfer")),
        ("offering.scheduled", closed),
        ("booking.approval_requested", booking(2, "anna", status="awaiting_approval")),
        ("booking.confirmed", booking(3, "bela")),
    )
    messages = world.database["messages"]
    await messages.update_many({"about": "bela"}, {"$set": {"reason": "no_address"}})
    failed = {"status": "failed", "reason": "550", "settled_at": "2024-11-04T20:00:00Z"}
    await messages.update_one({"kind": "received"}, {"$set": failed})
    await messages.update_one(
        {"kind": "approval_requested"}, {"$set": {**failed, "settled_at": "2024-11-01T20:00:00Z"}}
    )
    await world.database["dead_letters"].insert_many([{"status": "open"}, {"status": "dropped"}])


async def test_it_comes_at_seven_once_with_what_somebody_has_to_look_into(world: World) -> None:
    await trouble(world)

    assert await tell(world, SEVEN - timedelta(minutes=1)) == []
    (text,) = await tell(world, SEVEN)
    for line in ("nicht gesendet: 1", "Adresse fehlt noch: 1", "nicht verarbeitet: 1", "überfällig: 1"):
        assert line in text
    assert "unklar" not in text
    assert "Anna" not in text
    assert await tell(world, SEVEN + timedelta(hours=5)) == []
    assert len(await tell(world, SEVEN + timedelta(days=1))) == 1


async def test_it_does_not_come_where_all_is_well_or_nobody_is_named(world: World) -> None:
    assert await tell(world, SEVEN) == []
    assert (await world.database["summaries"].find_one({}) or {})["done"]
    await trouble(world)
    assert await tell(world, SEVEN + timedelta(days=1), office_address=None) == []


async def test_a_mail_server_that_says_later_is_asked_again(world: World) -> None:
    await trouble(world)
    world.mail.rcpt["buero@stadt.example"] = ["450 not now"]

    assert await tell(world, SEVEN) == []
    assert await tell(world, SEVEN + timedelta(minutes=1)) == []
    assert len(await tell(world, SEVEN + timedelta(minutes=11))) == 1


async def test_the_address_must_be_one(world: World) -> None:
    with pytest.raises(ValidationError, match="office_address: is no address"):
        world.settings(25, office_address="das Büro")
