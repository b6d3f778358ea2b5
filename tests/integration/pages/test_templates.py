"""The office changes a text: preview, save, history, restore, and what then goes out."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import Response

from services.notifications import editor
from services.notifications.own_texts import OwnTexts
from services.notifications.settings import Settings
from services.notifications.texts import built_in
from shared.guard import USER
from shared.runtime import Database
from tests.support.html import Page
from tests.support.notifications_world import NOW, World, booking, offering, person

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"
CONFIRMED = "/notifications/templates/confirmed/de"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).prepared()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()

    async def login(request: Request, call_next: RequestResponseEndpoint) -> Response:
        request.scope[USER] = request.headers.get("x-user", "office")
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=login)
    app.include_router(editor.router(world.database, Settings(), world.clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def page(client: httpx2.AsyncClient, path: str, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def post(client: httpx2.AsyncClient, path: str, user: str = "office", **fields: Any) -> httpx2.Response:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-user": user}
    return await client.post(path, content=urlencode(fields), headers=headers)


async def save(client: httpx2.AsyncClient, number: int, text: str, subject: str = "Platz: {{ title }}") -> None:
    answer = await post(client, CONFIRMED, action="save", number=number, subject=subject, text=text)
    assert answer.status_code == 303, Page(answer.text).text


async def one_seat(world: World, person_id: str = "anna", number: int = 2, **more: Any) -> None:
    await world.feed(
        ("lms.person.changed.v1", person(person_id, **more)),
        ("offering.scheduled", offering(1, title="Kurs")),
        ("booking.confirmed", booking(number, person_id)),
    )


async def mailed(world: World) -> list[str]:
    async with world.mail.listening() as port:
        sender = world.sender(port)
        while await sender.send_due():
            pass
        await sender.hang_up()
    found = await world.messages(status="sent")
    return [one["subject"] for one in found]


def fields_of(found: Page) -> dict[str, str | None]:
    return {str(attributes["name"]): attributes.get("value") for tag, attributes in found.tags if tag == "input"}


async def test_every_text_is_listed_in_both_languages(client: httpx2.AsyncClient) -> None:
    found = await page(client, "/notifications/templates")
    assert "/notifications/templates/reminder/en" in found.links
    assert "/notifications/templates/frame/de" in found.links
    for link in [link for link in found.links if link.count("/") == 4]:
        await page(client, link)


async def test_the_editor_shows_our_text_and_how_it_reads(client: httpx2.AsyncClient) -> None:
    found = await page(client, CONFIRMED)
    ours = built_in("confirmed", "de")
    assert " ".join(ours.text.split()) in found.text
    assert fields_of(found)["subject"] == ours.subject
    [frame] = [attributes for tag, attributes in found.tags if tag == "iframe"]
    assert "Erika Mustermann" in str(frame["srcdoc"])
    assert "Der mitgelieferte Text ist in Kraft" in found.text
    assert "{{ reader.display_name }}" in found.text


async def test_a_saved_text_goes_out_from_the_next_mail_on(world: World, client: httpx2.AsyncClient) -> None:
    await one_seat(world)
    assert await mailed(world) == ["Ihr Platz ist bestätigt: Kurs"]
    await save(client, 0, "Hallo {{ reader.display_name }}, Sie sind dabei.")
    await one_seat(world, "bela", 3)
    assert await mailed(world) == ["Ihr Platz ist bestätigt: Kurs", "Platz: Kurs"]
    [raw] = [content for to, content in world.mail.accepted if to == "bela@stadt.example"]
    assert b"Hallo Name of bela, Sie sind dabei." in raw
    await one_seat(world, "cleo", 4, language="en")
    assert (await mailed(world))[-1] == "Your place is confirmed: Kurs"


async def test_the_frame_is_changed_for_all_mails(world: World, client: httpx2.AsyncClient) -> None:
    path = "/notifications/templates/frame/de"
    answer = await post(client, path, action="save", number=0, text="Moin {{ reader.display_name }}!\r\n\r\n{{ text }}")
    assert answer.status_code == 303
    await one_seat(world)
    await mailed(world)
    assert b"Moin Name of anna!" in world.mail.accepted[0][1]


async def test_the_preview_changes_nothing_and_shows_a_real_mail(world: World, client: httpx2.AsyncClient) -> None:
    await one_seat(world, display_name=EVIL)
    answer = await post(client, CONFIRMED, action="preview", number=0, subject="Neu: {{ title }}", text="{{ dates }}!")
    assert answer.status_code == 200
    found = Page(answer.text)
    assert "Noch nicht gespeichert" in found.text
    assert "Neu: Kurs" in found.text
    assert f"der E-Mail an {EVIL}" in found.text
    [frame] = [attributes for tag, attributes in found.tags if tag == "iframe"]
    assert "&lt;script&gt;" in str(frame["srcdoc"])
    assert "<script>" not in str(frame["srcdoc"])
    assert "style-src 'self' 'unsafe-inline'" in answer.headers["content-security-policy"]
    assert (await OwnTexts(world.database).one(("confirmed", "de"))).versions == []


async def test_the_preview_shows_the_sample_that_is_chosen(client: httpx2.AsyncClient) -> None:
    path = "/notifications/templates/cancelled/de"
    text = "{% if message.late %}Zu spät{% else %}Rechtzeitig{% endif %}"
    form: dict[str, Any] = {"action": "preview", "number": 0, "subject": "x", "text": text}
    assert "Rechtzeitig" in Page((await post(client, path, **form)).text).text
    late = Page((await post(client, path, **form, data="sample.late")).text)
    assert "Zu spät Mit freundlichen Grüßen" in late.text
    assert [a["value"] for tag, a in late.tags if tag == "option" and "selected" in a] == ["sample.late"]


@pytest.mark.parametrize(
    ("subject", "text", "said"),
    [
        ("x", "a\n{{ titel }}", "Zeile 2: „titel“ gibt es hier nicht."),
        ("x", "{{ range(10**9) }}", "Zeile 1: Diese Anweisung ist hier nicht vorgesehen"),
        ("", "Text", "In mindestens einem Fall bliebe etwas leer: der Betreff."),
        ("x", "{% if %}", "Zeile 1: Hier stimmt etwas an den Klammern"),
        ("x\ny", "Text", "Der Betreff muss in einer Zeile stehen."),
    ],
)
async def test_what_could_not_be_sent_is_not_saved(
    world: World, client: httpx2.AsyncClient, subject: str, text: str, said: str
) -> None:
    answer = await post(client, CONFIRMED, action="save", number=0, subject=subject, text=text)
    assert answer.status_code == 422
    found = Page(answer.text)
    assert said in found.text
    assert text.partition("\n")[0] in found.text
    assert (await OwnTexts(world.database).one(("confirmed", "de"))).versions == []


async def test_history_and_restoring(world: World, client: httpx2.AsyncClient) -> None:
    await save(client, 0, "Erste")
    answer = await post(client, CONFIRMED, "berta", action="save", number=1, subject="Zwei", text="Zweite")
    assert answer.headers["location"] == f"{CONFIRMED}?done=saved"
    assert "Gespeichert" in (await page(client, answer.headers["location"])).text
    old = await page(client, f"{CONFIRMED}?version=1")
    assert "Erste" in old.text
    answer = await post(client, CONFIRMED, "carla", action="restore", number=2, version=1)
    assert answer.status_code == 303
    answer = await post(client, CONFIRMED, "dora", action="restore", number=3, version=0)
    assert answer.status_code == 303
    kept = await OwnTexts(world.database).one(("confirmed", "de"))
    assert [(one.number, one.text, one.who, one.of) for one in kept.versions] == [
        (1, "Erste", "office", None),
        (2, "Zweite", "berta", None),
        (3, "Erste", "carla", 1),
        (4, None, "dora", 0),
    ]
    assert all(NOW <= one.at <= world.clock.now() for one in kept.versions)
    shown = (await page(client, CONFIRMED)).text
    assert "carla Fassung 1 wiederhergestellt" in shown
    assert "dora mitgelieferten Text wiederhergestellt" in shown
    assert (await OwnTexts(world.database).current()).wordings == {}
    assert "mitgeliefert" in (await page(client, "/notifications/templates")).text


async def test_nobody_overwrites_what_somebody_else_has_saved(world: World, client: httpx2.AsyncClient) -> None:
    await save(client, 0, "Erste")
    answer = await post(client, CONFIRMED, action="save", number=0, subject="Meiner", text="Mein Text")
    assert answer.status_code == 409
    found = Page(answer.text)
    assert "Jemand anders hat diesen Text inzwischen geändert" in found.text
    assert "Mein Text" in found.text
    assert fields_of(found)["number"] == "1"
    answer = await post(client, CONFIRMED, action="restore", number=0, version=0)
    assert answer.status_code == 409
    texts = OwnTexts(world.database)
    kept = await texts.one(("confirmed", "de"))
    assert [one.text for one in kept.versions] == ["Erste"]
    assert await texts.save(("confirmed", "de"), kept.versions[0]) == "conflict"


async def test_the_same_text_makes_no_version(world: World, client: httpx2.AsyncClient) -> None:
    ours = built_in("confirmed", "de")
    answer = await post(client, CONFIRMED, action="save", number=0, subject=ours.subject, text=ours.text)
    assert answer.headers["location"].endswith("?done=same")
    assert (await OwnTexts(world.database).one(("confirmed", "de"))).versions == []


async def test_a_text_that_fails_when_it_is_sent_loses_no_mail_and_is_told(
    world: World, client: httpx2.AsyncClient
) -> None:
    await save(client, 0, "Erste")
    spoilt = {"$set": {"versions.0.text": "{{ was_there_once }}"}}
    await world.database["wordings"].update_one({"_id": "de/confirmed"}, spoilt)
    await one_seat(world)
    assert await mailed(world) == ["Ihr Platz ist bestätigt: Kurs"]
    for path in (CONFIRMED, "/notifications/templates"):
        shown = (await page(client, path)).text
        assert "Dieser Text ließ sich nicht verwenden" in shown
        assert "was_there_once" in shown
    await save(client, 1, "Zweite")
    assert "ließ sich nicht verwenden" not in (await page(client, CONFIRMED)).text


@pytest.mark.parametrize("path", ["confirmed/fr", "nothing/de", "confirmed/de?version=7", "_mail/de"])
async def test_an_unknown_text_is_a_page_too(client: httpx2.AsyncClient, path: str) -> None:
    await page(client, f"/notifications/templates/{path}", 404)


async def test_a_short_address_leads_to_the_readers_language(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/notifications/templates/reminder", headers={"accept-language": "en"})
    assert answer.headers["location"] == "/notifications/templates/reminder/en"


async def test_a_form_that_is_too_large_is_refused(client: httpx2.AsyncClient) -> None:
    with pytest.raises(Exception, match="256 KiB"):
        await post(client, CONFIRMED, action="save", number=0, subject="x", text="x" * 300_000)
