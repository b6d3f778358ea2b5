from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.enrolment import pages
from services.enrolment.lists import BOOKINGS, OFFERINGS
from services.enrolment.settings import Settings
from services.enrolment.store import Store
from shared.clock import Clock
from shared.runtime import Database
from tests.support.enrolment import NOON, World, delegation, lms, scheduled
from tests.support.html import Page

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    await Store(database).prepare()
    app = FastAPI()
    app.include_router(pages.router(database, Settings(), Clock(NOON + timedelta(hours=1))))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def plant(database: Database, world: World) -> None:
    for name, documents in world.store.documents.items():
        if documents:
            await database[name].insert_many([*documents.values()])


async def page(client: httpx2.AsyncClient, path: str, status: int = 200, accept: str = "") -> Page:
    answer = await client.get(path, headers={"accept-language": accept})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in answer.headers["content-security-policy"]
    return Page(answer.text)


def booked(offering_id: str = "o1", people: int = 4, **more: Any) -> World:
    world = World()
    world.push(
        lms("organisation.changed", organisation_id="jena", name="Stadt Jena"),
        scheduled(offering_id=offering_id, title=EVIL, capacity=3, delegations=[delegation("jena", 1)], **more),
        *(lms("booking.requested", offering_id=offering_id, person_id=f"p{n}") for n in range(people)),
    )
    return world


async def test_without_offerings_the_page_says_so(client: httpx2.AsyncClient) -> None:
    assert "Noch keine Veranstaltungen" in (await page(client, "/enrolment/")).text
    assert "No offerings yet" in (await page(client, "/enrolment/?lang=en")).text


async def test_offerings_with_their_seats(database: Database, client: httpx2.AsyncClient) -> None:
    await plant(database, booked())
    found = await page(client, "/enrolment/")
    assert found.language == "de"
    assert EVIL in found.text
    assert "2 von 3" in found.text
    assert "Do., 21.11.2024, 09:00–16:00 Uhr" in found.text
    assert "ausgebucht" in found.text
    assert "/enrolment/offerings/o1" in found.links
    labels = [attributes["aria-label"] for tag, attributes in found.tags if tag == "svg" and "aria-label" in attributes]
    assert labels == ["Belegt: 2, Für Delegationen zurückgehalten: 1, Wartend: 2"]


async def test_english_by_the_browser_and_by_choice(database: Database, client: httpx2.AsyncClient) -> None:
    await plant(database, booked())
    by_browser = await page(client, "/enrolment/", accept="en-GB,en;q=0.9,de;q=0.5")
    assert by_browser.language == "en"
    assert "fully booked" in by_browser.text
    assert "/enrolment/offerings/o1" in by_browser.links
    assert "/enrolment/?lang=de" in by_browser.links
    by_choice = await page(client, "/enrolment/?lang=en", accept="de")
    assert by_choice.language == "en"
    assert {"/enrolment/offerings/o1?lang=en", "/notifications/?lang=en", "/stats/?lang=en"} <= {*by_choice.links}


async def test_an_offering_with_its_queue_and_bookings(database: Database, client: httpx2.AsyncClient) -> None:
    world = booked()
    world.push(
        lms("booking.requested", offering_id="o1", person_id="j1", organisation_id="jena"),
        lms("booking.withdrawn", offering_id="o1", person_id="p0"),
        lms("booking.requested", offering_id="o1", person_id="p0"),
    )
    await plant(database, world)
    found = await page(client, "/enrolment/offerings/o1")
    assert EVIL in found.text
    queue, bookings = found.text.split("Rang Person", 1)[1].split("Buchungen in der Reihenfolge")
    assert [word for word in queue.split() if word[0] == "p" and word[1:].isdigit()] == ["p3", "p3", "p0", "p0"]
    assert "Platz 1 auf der Warteliste" in queue
    people = [word for word in bookings.split() if word[0] in "pj" and word[1:].isdigit()]
    assert [*dict.fromkeys(people)] == ["p0", "p1", "p2", "p3", "j1"]
    assert people.index("p0") < people.index("p1")
    assert people[-2:] == ["p0", "p0"]  # in the row and on its button
    assert "storniert Abgemeldet." in bookings
    assert "Von der Warteliste nachgerückt" in bookings
    assert "1 bis 6 von 6 Buchungen" in bookings
    assert "Stadt Jena 1 1 0 keine" in found.text


async def test_reasons_are_told_in_words(database: Database, client: httpx2.AsyncClient) -> None:
    world = booked(people=3, waiting_list=False, booking_closes_at=(NOON + timedelta(minutes=5)).isoformat())
    world.push(lms("booking.requested", after=timedelta(minutes=6), offering_id="o1", person_id="late"))
    world.push(lms("offering.cancelled", offering_id="o1", reason=EVIL))
    await plant(database, world)
    german = (await page(client, "/enrolment/offerings/o1")).text
    assert "Alle Plätze waren vergeben, und auf einer Warteliste war kein Platz." in german
    assert "Der Anmeldeschluss war vorbei." in german
    assert f"Diese Veranstaltung ist abgesagt Grund: {EVIL}" in german
    english = (await page(client, "/enrolment/offerings/o1?lang=en")).text
    assert "All seats were taken" in english
    assert "ooking had closed" in english


async def test_an_unanswered_request_is_shown_as_overdue(database: Database, client: httpx2.AsyncClient) -> None:
    closing = {"booking_closes_at": (NOON + timedelta(minutes=5)).isoformat()}
    await plant(database, booked(people=1, approval="supervisor", **closing))
    found = await page(client, "/enrolment/offerings/o1")
    assert "Überfällig: Anmeldeschluss oder Beginn ist vorbei." in found.text
    assert "Genehmigung überfällig" in (await page(client, "/enrolment/?only=overdue")).text
    assert "Nichts gefunden" in (await page(client, "/enrolment/?only=waiting")).text


async def test_a_long_queue_is_not_rendered_whole(database: Database, client: httpx2.AsyncClient) -> None:
    await plant(database, booked(people=2 * BOOKINGS + 50))
    found = await page(client, "/enrolment/offerings/o1")
    assert "Die ersten 200 von 448 Wartenden." in found.text
    assert "1 bis 200 von 450 Buchungen." in found.text
    assert found.count("tr") <= 2 * BOOKINGS + 10
    assert "/enrolment/offerings/o1?page=2#bookings" in found.links
    last = await page(client, "/enrolment/offerings/o1?page=3")
    assert "401 bis 450 von 450 Buchungen." in last.text
    assert "p449" in last.text
    await page(client, "/enrolment/offerings/o1?page=4", 404)


async def test_offerings_are_paged_the_next_one_first(database: Database, client: httpx2.AsyncClient) -> None:
    world = World()
    for number in range(OFFERINGS + 2):
        day = NOON + timedelta(days=number - 1)
        session = {"session_id": "s", "title": "t", "format": "online", "starts_at": day, "ends_at": day}
        world.push(scheduled(offering_id=f"o{number}", title=f"Lauf {number}.", sessions=[session]))
    world.push(scheduled(offering_id="web", title="Selbstlernen", format="web_based", sessions=[]))
    await plant(database, world)
    first = await page(client, "/enrolment/")
    assert first.text.index("Lauf 2.") < first.text.index("Lauf 3.")
    assert "Lauf 1." not in first.text
    assert "Veranstaltungen: 53" in first.text
    assert "/enrolment/?page=2" in first.links
    second = await page(client, "/enrolment/?page=2")
    assert second.text.index("Selbstlernen") < second.text.index("Lauf 1.") < second.text.index("Lauf 0.")


@pytest.mark.parametrize("path", ["/enrolment/offerings/nobody", "/enrolment/?page=2", "/enrolment/?page=x"])
async def test_an_unknown_address_is_a_page_too(client: httpx2.AsyncClient, path: str) -> None:
    found = await page(client, path, 404)
    assert "Nicht gefunden" in found.text
    assert "/enrolment/" in found.links
    english = await page(client, f"{path}{'&' if '?' in path else '?'}lang=en", 404)
    assert "Not found" in english.text


@pytest.mark.parametrize("q", ["%00", "a%00b", "%28%5B%5C", "%ED%A0%80", "%2A" * 300])
async def test_any_text_can_be_looked_for(client: httpx2.AsyncClient, q: str) -> None:
    assert (await page(client, f"/enrolment/?q={q}")).language == "de"


async def test_offerings_of_an_older_version_are_found(database: Database, client: httpx2.AsyncClient) -> None:
    await plant(database, booked())
    await database["offerings"].update_many({}, {"$unset": {"shelf": ""}})
    assert "/enrolment/offerings/o1" not in (await page(client, "/enrolment/?q=o1&state=free")).links
    await Store(database).prepare()
    assert "/enrolment/offerings/o1" in (await page(client, "/enrolment/?q=o1&state=full")).links


async def test_any_id_makes_a_link_that_works(database: Database, client: httpx2.AsyncClient) -> None:
    offering_id = 'a/b?c#d "é" %2F&<x>'
    await plant(database, booked(offering_id))
    link = next(one for one in (await page(client, "/enrolment/?lang=en")).links if "/offerings/" in one)
    found = await page(client, link)
    assert offering_id in found.text
    switch = next(one for one in found.links if "lang=de" in one)
    assert (await page(client, switch)).language == "de"


async def test_the_filter_of_states_finds_what_the_page_says(database: Database, client: httpx2.AsyncClient) -> None:
    """Each offering is found by the word that stands on it, and by no other."""
    world, now = World(), NOON + timedelta(hours=1)
    before, after = (now - timedelta(minutes=30)).isoformat(), (now + timedelta(days=1)).isoformat()
    past = {"session_id": "s", "title": "t", "format": "online", "starts_at": before, "ends_at": before}
    kinds: dict[str, dict[str, Any]] = {
        "over": {"sessions": [past]},
        "not_open": {"booking_opens_at": after},
        "closed": {"booking_closes_at": before},
        "unlimited": {"capacity": None},
        "full": {"capacity": 0},
        "free": {"capacity": 2, "booking_opens_at": before, "booking_closes_at": after},
        "cancelled": {"sessions": [past]},
    }
    for name, more in kinds.items():
        world.push(scheduled(offering_id=name, title=name, **more))
    world.push(lms("offering.cancelled", offering_id="cancelled"))
    await plant(database, world)
    for name in kinds:
        found = await page(client, f"/enrolment/?state={name}&lang=en")
        assert [link for link in found.links if "/offerings/" in link] == [f"/enrolment/offerings/{name}?lang=en"]
