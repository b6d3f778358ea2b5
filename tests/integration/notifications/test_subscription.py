"""Everybody's own calendar, and the end of reminders, as programs and people reach them: by the link in a mail."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import vobject  # type: ignore[import-untyped]
from fastapi import FastAPI
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications import subscription
from services.notifications.calendars import Office
from services.notifications.links import Links
from services.notifications.subscription import Readers
from shared import web
from shared.doors import is_open
from shared.events import PersonErased
from tests.support.notifications_world import NOW, START, World, booking, offering, person, session

KEY = {"links_key": "k" * 40, "public_url": "https://lernbus.example/"}


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    world = await World(database).prepared()
    await world.feed(
        ("lms.person.changed.v1", person("p1", display_name="Anna Schäfer")),
        ("lms.person.changed.v1", person("p2", display_name="Ben Öztürk")),
        ("offering.scheduled", offering(1, sessions=[session(), session("s2", START + timedelta(days=7), title="M4")])),
        ("booking.confirmed", booking(2, "p1", seated_at=NOW)),
        ("booking.confirmed", booking(3, "p2", seated_at=NOW)),
    )
    return world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    settings = world.settings(25, **KEY)
    app = FastAPI()
    web.install(app)
    readers = Readers(world.database, Links(settings))
    app.include_router(subscription.router(readers, Office(settings.sender, settings.zone), world.clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://lernbus.example") as client:
        yield client


async def send_all(world: World) -> None:
    async with world.mail.listening() as port:
        sender = world.sender(port, **KEY)
        while await sender.send_due():
            pass
        await sender.hang_up()


def mails(world: World, to: str = "p1@stadt.example") -> list[Any]:
    return [message_from_bytes(raw, policy=default) for address, raw in world.mail.accepted if address == to]


async def calendar_of(world: World) -> str:
    """The path of the calendar, as the latest mail tells it."""
    await send_all(world)
    text = mails(world)[-1].get_body(("plain",)).get_content()
    (address,) = [line.split(": ", 1)[1] for line in text.splitlines() if line.endswith(".ics")]
    assert address.startswith("https://lernbus.example/notifications/calendar/")
    assert is_open(urlsplit(address).path)
    return str(urlsplit(address).path)


def shown(text: str) -> list[tuple[str, str]]:
    events = getattr(vobject.readOne(text), "vevent_list", [])
    return [(event.summary.value.rpartition(": ")[2], event.status.value) for event in events]


async def test_the_address_in_the_mail_is_a_calendar_without_any_name(world: World, client: httpx2.AsyncClient) -> None:
    path = await calendar_of(world)
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert "METHOD:PUBLISH\r\n" in answer.text
    assert shown(answer.text) == [("Modul 3", "CONFIRMED"), ("M4", "CONFIRMED")]
    for secret in ("Anna", "Schäfer", "Ben", "p1@", "p2"):
        assert secret not in answer.text
    assert (await client.head(path)).status_code == 200
    uids = {line for line in answer.text.split("\r\n") if line.startswith("UID:")}
    invited = {line for part in mails(world)[0].iter_attachments() for line in part.get_content().splitlines()}
    assert uids <= invited, "the mails' events are the calendar's"


async def test_it_is_fetched_again_only_when_it_has_changed(world: World, client: httpx2.AsyncClient) -> None:
    path = await calendar_of(world)
    first = await client.get(path)
    same = {"If-None-Match": first.headers["etag"]}
    world.clock.set(NOW + timedelta(hours=1))
    assert (await client.get(path, headers=same)).status_code == 304
    await world.feed(("offering.rescheduled", offering(4, sessions=[session(start=START + timedelta(days=1))])))
    again = await client.get(path, headers=same)
    assert (again.status_code, again.headers["cache-control"]) == (200, "private, max-age=300")
    assert shown(again.text) == [("Modul 3", "CONFIRMED"), ("M4", "CANCELLED")]


async def test_withdrawn_disappears_and_a_cancelled_offering_is_marked(
    world: World, client: httpx2.AsyncClient
) -> None:
    path = await calendar_of(world)
    gone = booking(5, "p1", status="cancelled", reason="withdrawn", seated_at=NOW)
    await world.feed(("booking.cancelled", gone))
    assert shown((await client.get(path)).text) == []
    await world.feed(("booking.confirmed", booking(6, "p1", booking_id="b-again", seated_at=NOW)))
    assert len(shown((await client.get(path)).text)) == 2
    ended = booking(8, "p1", booking_id="b-again", status="cancelled", reason="offering_cancelled", seated_at=NOW)
    over = offering(7, status="cancelled", sessions=[session()])
    await world.feed(("offering.cancelled", over), ("booking.cancelled", ended))
    assert shown((await client.get(path)).text)[0] == ("Modul 3", "CANCELLED")


async def test_a_link_cannot_be_guessed_changed_or_used_for_something_else(
    world: World, client: httpx2.AsyncClient
) -> None:
    path = await calendar_of(world)
    token = path.rpartition("/")[2].removesuffix(".ics")
    other = Links(world.settings(25, **KEY)).sign("unsubscribe", "p1")
    stranger = Links(world.settings(25, links_key="x" * 40)).sign("calendar", "p1", 0)
    for wrong in (token[:-1], token + "x", "x", other, stranger, token.replace(".", "")):
        assert (await client.get(f"/notifications/calendar/{wrong}.ics")).status_code == 404, wrong
    assert (await client.get(f"/notifications/unsubscribe/{token}")).status_code == 404


async def test_a_renewed_link_ends_the_old_one_and_an_erasure_all(world: World, client: httpx2.AsyncClient) -> None:
    path = await calendar_of(world)
    assert (await client.post("/notifications/api/people/p1/links/renew")).status_code == 204
    assert (await client.get(path)).status_code == 404
    await world.feed(("offering.rescheduled", offering(4)))
    renewed = await calendar_of(world)
    assert (await client.get(renewed)).status_code == 200
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="p1")))
    assert (await client.get(renewed)).status_code == 404
    assert await world.database["choices"].count_documents({}) == 0


async def remind(world: World, version: int) -> None:
    """A reminder for p1, planned as one that is due."""
    settled = await world.messages()
    starts = START + timedelta(days=version)
    await world.feed(("offering.capacity_changed", offering(version, sessions=[session(start=starts)])))
    document = {
        **settled[0],
        "_id": f"r{version}",
        "kind": "reminder",
        "session_id": "s1",
        "starts_at": starts.isoformat(),
    }
    document |= {"status": "planned", "next_try": world.clock.now(), "lease": None, "order": f"9{version}", "raw": None}
    await world.database["messages"].insert_one({key: value for key, value in document.items() if key != "raw"})
    await send_all(world)


async def test_reminders_end_by_one_click_of_a_program_and_nothing_else_does(
    world: World, client: httpx2.AsyncClient
) -> None:
    await send_all(world)
    assert mails(world)[0]["List-Unsubscribe"] is None, "what becomes of a booking cannot be done without"
    await remind(world, 10)
    reminder = mails(world)[-1]
    assert reminder["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = urlsplit(str(reminder["List-Unsubscribe"])[1:-1]).path
    assert is_open(path)
    page = await client.get(path)
    assert page.status_code == 200
    assert page.text.count("<form") == 1
    await remind(world, 11)
    assert len(mails(world)) == 3, "a GET changes nothing: scanners follow every link"
    one_click = await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    await remind(world, 12)
    statuses = [(one["_id"], one["status"], one["reason"]) for one in await world.messages(kind="reminder")]
    assert statuses[-1] == ("r12", "withheld", "unsubscribed")
    await world.feed(("offering.rescheduled", offering(13)))
    await send_all(world)
    assert mails(world)[-1]["Subject"].startswith("Neue Termine")
    await client.post(f"{path}?again=1")
    await remind(world, 14)
    assert [one["status"] for one in await world.messages(kind="reminder")] == ["sent", "sent", "withheld", "sent"]
