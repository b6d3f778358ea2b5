import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.notifications import pages
from services.notifications.lists import MESSAGES
from services.notifications.settings import Settings
from shared.events import PersonErased
from shared.runtime import Database
from tests.support.html import Page
from tests.support.notifications_world import NOW, START, World, booking, leave, offering, person

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


# --- the queue's numbers, a period, the mail as designed ------------------------------------------------------------


def figures(found: Page) -> dict[str, str]:
    """What the numbers at the top say, by the word behind them."""
    labels = [str(a["aria-label"]) for tag, a in found.tags if tag == "a" and "figure" in str(a.get("class"))]
    return {label.partition(" ")[2]: label.partition(" ")[0] for label in labels}


async def test_the_numbers_of_the_queue(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    world.clock.set(NOW + timedelta(minutes=7, seconds=30))
    found = await page(client, "/notifications/")
    assert figures(found)["warten auf den Versand"] == "4"
    assert "die älteste seit 7 Min." in found.text
    world.mail.rcpt["bela@stadt.example"] = ["550 5.1.1 unknown", "550 5.1.1 unknown"]
    await deliver(world)
    expected = {"warten auf den Versand": "0", "warten auf eine Adresse": "1", "in 24 Stunden fehlgeschlagen": "2"}
    assert figures(await page(client, "/notifications/")) == {**expected, "unklar": "0"}
    world.clock.set(NOW + timedelta(hours=25))
    assert figures(await page(client, "/notifications/"))["in 24 Stunden fehlgeschlagen"] == "0"


async def test_a_period_of_days_in_berlin(world: World, client: httpx2.AsyncClient) -> None:
    world.clock.set(datetime(2024, 11, 4, 22, 30, tzinfo=UTC))
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "anna")))
    world.clock.set(datetime(2024, 11, 4, 23, 30, tzinfo=UTC))
    await world.feed(("booking.confirmed", booking(3, "bela")))

    async def people(query: str) -> list[str]:
        found = await page(client, f"/notifications/?{query}")
        return [word for word in found.text.split() if word in {"anna", "bela"}]

    assert await people("since=2024-11-05") == ["bela"]
    assert await people("until=2024-11-04") == ["anna"]
    assert await people("since=2024-11-04&until=2024-11-05&kind=confirmed") == ["bela", "anna"]
    assert await people("since=2024-11-06") == []
    assert await people("since=yesterday&until=2024-02-30") == ["bela", "anna"]


async def test_pages_stay_within_the_period(world: World, client: httpx2.AsyncClient) -> None:
    people = [f"p{number:03}" for number in range(MESSAGES + 5)]
    world.clock.set(NOW - timedelta(days=1))
    await world.feed(("offering.scheduled", offering(1)), ("booking.confirmed", booking(2, "earlier")))
    world.clock.set(NOW)
    await world.feed(
        *(("booking.confirmed", booking(3 + number, one)) for number, one in enumerate(people)),
    )
    first = await page(client, "/notifications/?since=2024-11-04")
    [older] = [link for link in first.links if "before=" in link and "lang=" not in link]
    assert "since=2024-11-04" in older
    second = await page(client, older)
    assert [word for word in second.text.split() if word in {*people, "earlier"}] == people[4::-1]


async def test_the_mail_is_shown_as_it_is_designed_where_nothing_can_run(
    world: World, client: httpx2.AsyncClient
) -> None:
    await some(world)
    await deliver(world)
    found = await mail_of(client, "person=anna")
    [frame] = [attributes for tag, attributes in found.tags if tag == "iframe"]
    assert "sandbox" in frame
    assert not frame["sandbox"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in str(frame["srcdoc"])
    assert "<script" not in str(frame["srcdoc"])
    assert "invite.ics (text/calendar" in found.text


# --- send again -----------------------------------------------------------------------------------------------------


async def again(client: httpx2.AsyncClient, message_id: str, **headers: str) -> httpx2.Response:
    return await client.post(f"/notifications/messages/{message_id}/resend", headers=headers)


async def the_message(world: World, person_id: str = "anna") -> dict[str, Any]:
    [found] = [one for one in await world.messages(person_id=person_id) if one["kind"] != "leave_granted"]
    return found


async def test_a_mail_is_sent_again_with_the_same_id(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    before = await the_message(world)
    answer = await again(client, before["_id"])
    assert answer.headers["location"] == f"/notifications/messages/{before['_id']}?asked=1"
    assert "Die Nachricht geht erneut hinaus" in (await page(client, answer.headers["location"])).text
    await deliver(world)
    sent = [message_from_bytes(raw) for to, raw in world.mail.accepted if to == "anna@stadt.example"]
    assert len({mail["Message-ID"] for mail in sent}) == 1
    assert len(sent) == 2
    after = await the_message(world)
    assert after["status"] == "sent"
    assert after["sent_at"] > before["sent_at"]
    shown = await page(client, f"/notifications/messages/{before['_id']}")
    assert "Uhr, office; vorher: gesendet" in shown.text


@pytest.mark.parametrize("status", ["failed", "unclear"])
async def test_what_did_not_arrive_is_sent_again(world: World, client: httpx2.AsyncClient, status: str) -> None:
    await some(world)
    known = {"status": status, "reason": "550 5.1.1", "attempts": 7, "tried_at": "2024-10-01T00:00:00Z"}
    message = await the_message(world)
    await world.database["messages"].update_one({"_id": message["_id"]}, {"$set": {**known, "next_try": None}})
    assert (await again(client, message["_id"])).status_code == 303
    assert (await the_message(world))["attempts"] == 0
    await deliver(world)
    assert (await the_message(world))["status"] == "sent"


async def test_what_would_be_withheld_is_not_sent_again(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    message = await the_message(world)
    world.clock.set(START + timedelta(days=2))
    answer = await again(client, message["_id"])
    assert answer.status_code == 409
    assert "lässt sich nicht erneut senden Es war schon vorbei" in Page(answer.text).text
    assert (await the_message(world)) == message


async def test_an_erased_person_gets_nothing_again(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    message = await the_message(world)
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    answer = await again(client, message["_id"])
    assert answer.status_code == 409
    assert "Die Daten einer beteiligten Person wurden gelöscht." in Page(answer.text).text
    assert (await the_message(world))["status"] == "sent"


async def test_what_is_planned_or_unknown_is_not_sent_again(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    message = await the_message(world)
    assert (await again(client, message["_id"])).status_code == 409
    assert "resent" not in await the_message(world)
    assert (await again(client, "nobody")).status_code == 404


async def test_two_who_send_again_at_once_send_one_mail(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await deliver(world)
    message = await the_message(world)
    answers = await asyncio.gather(*(again(client, message["_id"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409, 409]
    await deliver(world)
    assert world.mail.to().count("anna@stadt.example") == 2
