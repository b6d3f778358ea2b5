import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from services.notifications import pages
from services.notifications.lists import MESSAGES
from services.notifications.settings import Settings
from shared.events import PersonErased
from shared.runtime import Database
from tests.support.html import Page
from tests.support.notifications_world import World, booking, leave, offering, person

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).prepared()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(pages.router(world.database, Settings(), world.clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def page(client: httpx2.AsyncClient, path: str, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    return Page(answer.text)


async def deliver(world: World) -> None:
    """Send all that is due to a mail server that takes everything."""
    async with world.mail.listening() as port:
        sender = world.sender(port)
        while await sender.send_due():
            pass


async def some(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("anna", display_name=EVIL)),
        ("lms.person.changed.v1", person("bela", language="en")),
        ("offering.scheduled", offering(1, title=EVIL)),
        ("booking.confirmed", booking(2, "anna")),
        ("booking.waitlisted", booking(3, "bela", status="waiting")),
        ("booking.confirmed", booking(4, "cleo")),
        ("leave.granted", leave(person_id="bela", subject=EVIL)),
    )


async def mail_of(client: httpx2.AsyncClient, query: str) -> Page:
    """The page of the first message that a filter shows."""
    found = await page(client, f"/notifications/?{query}")
    return await page(client, next(link for link in found.links if link.startswith("/notifications/messages/")))


async def test_without_messages_the_page_says_so(client: httpx2.AsyncClient) -> None:
    assert "Noch keine Nachrichten" in (await page(client, "/notifications/")).text
    assert "No messages yet" in (await page(client, "/notifications/?lang=en")).text


async def test_messages_the_newest_first(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    found = await page(client, "/notifications/")
    kinds = ["Bildungsurlaub bewilligt", "Platz bestätigt", "auf der Warteliste", "Platz bestätigt"]
    _, table = found.text.split("Geplant Status ")
    assert re.findall("|".join({*kinds}), table) == kinds
    assert table.count(EVIL) == 4
    assert "anna@stadt.example anna" in table
    assert "geplant Die Adresse ist nicht bekannt." in table
    assert table.count("gesendet") == 3


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ("kind=confirmed", ["cleo", "anna"]),
        ("status=planned", ["cleo"]),
        ("person=bela", ["bela", "bela"]),
        ("offering=o1&kind=waitlisted", ["bela"]),
        ("person=%20anna%20", ["anna"]),
        ("kind=&status=&person=&offering=", ["bela", "cleo", "bela", "anna"]),
    ],
)
async def test_the_filter(world: World, client: httpx2.AsyncClient, query: str, people: list[str]) -> None:
    await some(world)
    await deliver(world)
    found = await page(client, f"/notifications/?{query}")
    assert [word for word in found.text.split() if word in {"anna", "bela", "cleo"}] == people


async def test_a_filter_keeps_what_was_asked(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    found = await page(client, '/notifications/?kind=reminder&person="><script>&lang=en')
    assert "No message matches this selection" in found.text
    chosen = [attributes.get("value") for tag, attributes in found.tags if tag == "option" and "selected" in attributes]
    typed = {attributes["name"]: attributes["value"] for tag, attributes in found.tags if tag == "input"}
    assert chosen == ["reminder"]
    assert typed == {"lang": "en", "person": '"><script>', "offering": "", "since": "", "until": ""}


async def test_a_mail_as_its_reader_sees_it(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    found = await mail_of(client, "person=anna")
    assert f"Guten Tag {EVIL}," in found.text
    assert f"Betreff Ihr Platz ist bestätigt: {EVIL}" in found.text
    assert "<anna@stadt.example>" in found.text
    assert "/enrolment/offerings/o1" in found.links
    [raw] = [link for link in found.links if link.endswith("/raw")]
    assert raw.startswith("/notifications/api/messages/")
    english = await mail_of(client, "kind=waitlisted&lang=en")
    assert "Name of bela," in english.text
    assert "You are on the waiting list" in english.text


async def test_why_a_mail_is_not_there(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    waiting = (await mail_of(client, "person=cleo")).text
    assert "Diese Nachricht ist noch nicht gesendet Die Adresse ist nicht bekannt. Drei Tage lang" in waiting
    world.clock.set(world.clock.now() + timedelta(days=4))
    await deliver(world)
    withheld = (await mail_of(client, "person=cleo&lang=en")).text
    assert "This message will not be sent The address is not known." in withheld


async def test_a_mail_servers_refusal_is_told(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    query = {"person_id": "anna"}
    await world.database["messages"].update_one(query, {"$set": {"status": "failed", "reason": "550 5.1.1"}})
    found = (await mail_of(client, "person=anna")).text
    assert "Diese Nachricht konnte nicht gesendet werden Antwort des Mailservers: 550 5.1.1." in found


async def test_an_erased_person_is_on_no_page(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="bela")))
    found = await page(client, "/notifications/?person=bela")
    mail = await mail_of(client, "person=bela")
    for shown in (found, mail):
        assert "Name of bela" not in shown.text
        assert "bela@" not in shown.text
    assert "Der Text ist gelöscht" in mail.text


async def test_messages_are_paged_both_ways(world: World, client: httpx2.AsyncClient) -> None:
    people = [f"p{number:03}" for number in range(2 * MESSAGES + 10)]
    await world.feed(
        ("offering.scheduled", offering(1)),
        *(("booking.confirmed", booking(2 + number, one)) for number, one in enumerate(people)),
    )

    def shown(found: Page) -> list[str]:
        return [word for word in found.text.split() if word in people]

    def to(found: Page, direction: str) -> list[str]:
        return [link for link in found.links if direction in link and "lang=en" in link]

    first = await page(client, "/notifications/?kind=confirmed&lang=en")
    assert shown(first) == people[:-51:-1]
    assert to(first, "after=") == []
    [older] = to(first, "before=")
    assert "kind=confirmed" in older
    second = await page(client, older)
    assert shown(second) == people[59:9:-1]
    last = await page(client, to(second, "before=")[0])
    assert shown(last) == people[9::-1]
    assert to(last, "before=") == []
    back = await page(client, to(last, "after=")[0])
    assert shown(back) == shown(second)
    front = await page(client, to(back, "after=")[0])
    assert shown(front) == shown(first)
    assert to(front, "after=") == []


@pytest.mark.parametrize("path", ["messages/nobody", "?before=nobody", "?after=nobody"])
async def test_an_unknown_message_is_a_page_too(client: httpx2.AsyncClient, path: str) -> None:
    assert "Nicht gefunden" in (await page(client, f"/notifications/{path}", 404)).text
