import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.notifications import roster_pages
from services.notifications.roster_lists import FOUND, SIZE, SORTED
from services.notifications.settings import Settings
from shared.events import Attendance, Booking, Organisation, PersonErased, Presence
from shared.runtime import Database
from tests.support.html import Page
from tests.support.notifications_world import NOW, START, World, booking, offering, person, session

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"
ROSTER = "/notifications/offerings/o1"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).prepared()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(roster_pages.router(world.database, Settings(), world.clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def page(client: httpx2.AsyncClient, path: str = ROSTER, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    return Page(answer.text.replace('<script type="module" src="/static/live.js"></script>', ""))


def waiting(version: int, person_id: str, **more: Any) -> tuple[str, Booking]:
    given: dict[str, Any] = {"status": "waiting", "waiting_since": NOW}
    return "booking.waitlisted", booking(version, person_id, **given | more)


def confirmed(version: int, person_id: str, **more: Any) -> tuple[str, Booking]:
    return "booking.confirmed", booking(version, person_id, seated_at=NOW, **more)


def there(**statuses: Presence) -> list[Attendance]:
    return [Attendance(session_id=one, status=status, recorded_at=NOW) for one, status in statuses.items()]


def order(found: Page, *names: str) -> list[str]:
    """These names in the order in which the page has them first."""
    return [*dict.fromkeys(re.findall("|".join(names), found.text))]


async def some(world: World) -> None:
    await world.feed(
        ("organisation.changed", Organisation(organisation_id="bonn", name="Bundesstadt Bonn", version=1)),
        ("lms.person.changed.v1", person("anna", display_name="Anna Zander")),
        ("lms.person.changed.v1", person("bela", display_name="Béla Müller")),
        ("lms.person.changed.v1", person("cleo", display_name=EVIL)),
        ("lms.person.changed.v1", person("dora", display_name="Dora Adler")),
        ("offering.scheduled", offering(1, title=EVIL, sessions=[session("s1"), session("s2", title="Modul 4")])),
        confirmed(2, "anna", organisation_id="bonn", department="Amt 51"),
        confirmed(3, "bela"),
        waiting(4, "cleo", organisation_id="jena"),
        waiting(5, "nobody"),
        ("booking.approval_requested", booking(6, "dora", status="awaiting_approval")),
    )


async def test_people_by_name(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    found = await page(client)
    assert order(found, "Anna Zander", "Béla Müller", "Dora Adler") == ["Béla Müller", "Anna Zander"]
    assert "Anna Zander anna@stadt.example Bundesstadt Bonn Amt 51 Platz bestätigt" in found.text
    assert "Teilnehmende 2 Warteliste 2 Warten auf Genehmigung 1 Abgelehnt oder storniert 0" in found.text
    assert EVIL in found.text
    assert "/enrolment/offerings/o1" in found.links
    assert found.language == "de"
    assert "seat confirmed" in (await page(client, f"{ROSTER}?lang=en")).text


async def test_the_queue_is_in_the_order_of_the_log(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(  # a later version of somebody who waits changes no place; who comes back is the last
        waiting(7, "dora", booking_id="b-dora"),
        ("booking.assigned", booking(8, "cleo", status="waiting", cohorts=["Azubis"])),
        ("booking.cancelled", booking(9, "nobody", status="cancelled", reason="withdrawn")),
        waiting(10, "nobody", booking_id="b-again", waiting_since=NOW - timedelta(days=9)),
    )
    found = await page(client, f"{ROSTER}?show=waiting")
    assert re.findall(r"(\d+) (<script|Dora|nobody)", found.text) == [("1", "<script"), ("2", "Dora"), ("3", "nobody")]
    assert "Zugewiesen mit der Gruppe Azubis." in found.text
    ended = await page(client, f"{ROSTER}?show=ended")
    assert "storniert Abgemeldet." in ended.text


async def test_a_group_that_waits_as_one_says_so(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(waiting(7, "eva", group_id="Jena", all_or_nothing=True), waiting(8, "finn", group_id="Bonn"))
    found = await page(client, f"{ROSTER}?show=waiting")
    assert "Nur gemeinsam mit der Gruppe Jena." in found.text
    assert "Angemeldet mit der Gruppe Bonn." in found.text


async def test_an_unanswered_request_is_overdue(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    before = await page(client, f"{ROSTER}?show=awaiting_approval")
    assert "Dora Adler dora@stadt.example nicht angegeben wartet auf Genehmigung" in before.text
    actions = [attributes["action"] for tag, attributes in before.tags if tag == "form" and "action" in attributes]
    assert actions[1:] == [f"/enrolment/office/{one}" for one in ("approve", "refuse", "withdraw")]
    world.clock.set(START)
    assert "Genehmigung überfällig" in (await page(client, f"{ROSTER}?show=awaiting_approval")).text


async def test_the_forms_say_who_and_lead_back(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    found = await page(client, f"{ROSTER}?show=awaiting_approval&lang=en")
    fields = {
        attributes["name"]: attributes["value"]
        for tag, attributes in found.tags
        if tag == "input" and attributes.get("type") == "hidden"
    }
    back = f"{ROSTER}?show=awaiting_approval&lang=en&sent=1"
    assert fields == {"lang": "en", "offering_id": "o1", "person_id": "dora", "back": back}
    sent = await page(client, back)
    assert "This page shows it as soon as it has been processed" in sent.text
    assert f"{ROSTER}?show=awaiting_approval&lang=en" in sent.links


async def test_attendance_per_session(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(
        ("booking.attendance_recorded", booking(7, "anna", attendance=there(s1="attended", s2="excused"))),
        ("booking.attendance_recorded", booking(8, "bela", attendance=there(s1="partly"))),
    )
    found = await page(client)
    assert "Modul 3: anwesend" in found.text
    assert "Modul 4: entschuldigt" in found.text
    assert "Modul 4: nicht erfasst" in found.text
    assert found.text.count("alle Termine besucht") == 1
    assert "erfasst: 2 von 2" in found.text
    assert "erfasst: 1 von 2" in found.text


def ticks(found: Page, person_id: str) -> list[tuple[str | None, bool]]:
    """The values that can be chosen for somebody, and which is."""
    radios = [attributes for tag, attributes in found.tags if tag == "input" and attributes.get("type") == "radio"]
    return [(one["value"], "checked" in one) for one in radios if one["name"] == f"status.{person_id}"]


async def test_the_list_to_tick(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(("booking.attendance_recorded", booking(7, "anna", attendance=there(s2="absent"))))
    path = f"{ROSTER}/attendance?session=s2"
    found = await page(client, path)
    names = ["attended", "partly", "absent", "excused"]
    assert ticks(found, "bela") == [*((name, False) for name in names), ("", True)]
    recorded = [("attended", False), ("partly", False), ("", True), ("excused", False)]  # what is so is not sent again
    assert ticks(found, "anna") == recorded
    assert ticks(found, "cleo") == []
    everybody = await page(client, f"{path}&all=1")
    assert ticks(everybody, "bela")[0] == ("attended", True)
    assert ticks(everybody, "anna") == recorded
    values = [attributes.get("value") for tag, attributes in found.tags if tag == "input"]
    assert f"{path}&sent=1" in values
    assert "s2" in values


async def test_the_sheet(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    found = await page(client, f"{ROSTER}/sheet?session=s2")
    assert order(found, "Anna Zander", "Béla Müller", "Dora Adler") == ["Béla Müller", "Anna Zander"]
    assert "Modul 4 · Do., 21.11.2024, 09:00–12:30 Uhr" in found.text
    assert "2 Anna Zander Bundesstadt Bonn" in found.text
    assert "@" not in found.text
    assert found.count("tr") == 1 + 2 + 1 + roster_pages.BLANKS
    await page(client, f"{ROSTER}/sheet?session=s9", 404)
    assert found.text.count("Unterschrift") == 5


async def test_an_erased_person_has_no_name_at_once(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    erased = PersonErased(person_id="anna")
    await world.feed(("lms.person.erased.v1", erased))
    paths = [ROSTER, f"{ROSTER}?q=zander", f"{ROSTER}?q=anna", f"{ROSTER}/sheet", "/notifications/people?q=zander"]
    for path in [*paths, f"{ROSTER}/attendance"]:
        found = await page(client, path)
        assert "Anna Zander" not in found.text, path
        assert "anna@" not in found.text, path
    assert "gelöschte Person anna" in (await page(client)).text
    await world.feed(("booking.erased", booking(7, "x-123")))
    await world.database["bookings"].delete_one({"_id": "b-x-123"})
    await world.feed(("booking.erased", booking(8, "x-123", booking_id="b-anna")))
    assert "gelöschte Person x-123" in (await page(client)).text
    kept = await world.database["contacts"].find_one({"_id": "anna"})
    assert kept == {"_id": "anna", "person_id": "anna", "offset": kept and kept["offset"], "person": None, "words": []}


@pytest.mark.parametrize("asked", ["müller", "Mueller", "muller", "béla mü", "bela@stadt", "BELA", "be mul"])
async def test_somebody_is_found(world: World, client: httpx2.AsyncClient, asked: str) -> None:
    await some(world)
    for path in (ROSTER, "/notifications/people"):
        found = await page(client, f"{path}?q={asked}")
        assert "Béla Müller" in found.text, path
        assert "Zander" not in found.text, path


async def test_a_search_shows_the_place_and_offers_to_book(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(("lms.person.changed.v1", person("emma", display_name="Emma Söhne")), waiting(7, "bodo"))
    found = await page(client, f"{ROSTER}?q=söhne")
    assert "auf der Warteliste Rang 1" in found.text
    here, others = found.text.split("Ohne Anmeldung zu dieser Veranstaltung")
    assert "Emma" in others
    assert "Emma" not in here
    assert "/enrolment/office/book" in [attributes.get("action") for _, attributes in found.tags]
    assert "Rang 3" in (await page(client, f"{ROSTER}?q=bodo")).text
    assert "Niemand in dieser Veranstaltung" in (await page(client, f"{ROSTER}?q=%22%3E%3Cscript%3E")).text


async def test_a_common_name_is_found_on_the_offering(world: World, client: httpx2.AsyncClient) -> None:
    many = [person(f"a{number:03}", display_name="Kim Yilmaz") for number in range(FOUND + 20)]
    await world.feed(("offering.scheduled", offering(1)), *(("lms.person.changed.v1", one) for one in many))
    await world.feed(confirmed(2, f"a{FOUND + 15:03}"))
    found = await page(client, f"{ROSTER}?q=kim")
    here, others = found.text.split("Ohne Anmeldung zu dieser Veranstaltung")
    assert f"a{FOUND + 15:03}@stadt.example" in here
    assert "Es passen noch mehr" in others
    assert "Es passen noch mehr" not in here


async def test_people_in_all_offerings(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.feed(
        ("offering.scheduled", offering(1, "o/2", title="Zweite")),
        ("booking.cancelled", booking(2, "anna", booking_id="b2", offering_id="o/2", status="cancelled")),
    )
    found = await page(client, "/notifications/people?q=anna")
    assert order(found, "Platz bestätigt", "storniert") == ["Platz bestätigt", "storniert"]
    assert "/notifications/offerings/o/2?q=anna" in found.links
    assert "Niemand passt zu „zzz“" in (await page(client, "/notifications/people?q=zzz")).text
    assert "Gefunden" not in (await page(client, "/notifications/people")).text


async def test_long_lists_are_paged(world: World, client: httpx2.AsyncClient) -> None:
    people = [f"p{number:04}" for number in range(2 * SIZE + 10)]
    await world.feed(
        ("offering.scheduled", offering(1)),
        *(waiting(2 + at, one, booking_id=f"b{9999 - at}") for at, one in enumerate(people)),
    )

    def shown(found: Page) -> list[str]:
        return [cells.strip() for cells in re.findall(r"p\d{4}(?= Name noch)", found.text)]

    assert shown(await page(client, f"{ROSTER}?show=waiting")) == people[:SIZE]
    second = await page(client, f"{ROSTER}?show=waiting&page=2")
    assert shown(second) == people[SIZE : 2 * SIZE]
    assert f"{SIZE + 1} p{SIZE:04}" in second.text
    last = await page(client, f"{ROSTER}?show=waiting&page=3")
    assert shown(last) == people[2 * SIZE :]
    await page(client, f"{ROSTER}?show=waiting&page=4", 404)
    assert "Rang 210" in (await page(client, f"{ROSTER}?q={people[-1]}")).text


async def test_more_seats_than_can_be_sorted(world: World, client: httpx2.AsyncClient) -> None:
    await world.feed(("offering.scheduled", offering(1, capacity=None)))
    await world.feed(*(confirmed(2 + number, f"p{9999 - number}") for number in range(SORTED + 1)))
    found = await page(client)
    assert "In der Reihenfolge, in der die Plätze vergeben wurden" in found.text
    assert found.text.index("p9999") < found.text.index("p9998")
    assert "p8999" in (await page(client, f"{ROSTER}/sheet?page=2")).text


async def test_what_was_kept_before_the_roster_had_its_fields(world: World, client: httpx2.AsyncClient) -> None:
    await some(world)
    await world.database["bookings"].insert_one(
        {"_id": "old", "booking_id": "old", "offering_id": "o1", "person_id": "olga", "status": "waiting", "version": 3}
    )
    assert "1 olga" in (await page(client, f"{ROSTER}?show=waiting")).text
    await page(client, f"{ROSTER}?q=olga")
    await world.database["contacts"].update_one({"_id": "bela"}, {"$unset": {"words": ""}})
    assert "Niemand" in (await page(client, "/notifications/people?q=müller")).text
    await world.prepared()
    assert "Béla Müller" in (await page(client, "/notifications/people?q=müller")).text


@pytest.mark.parametrize("path", ["unknown", "o1?show=all", "o1?page=2", "o1/attendance?session=x", "x/sheet"])
async def test_what_is_not_there_is_a_page_too(world: World, client: httpx2.AsyncClient, path: str) -> None:
    await some(world)
    assert "Nicht gefunden" in (await page(client, f"/notifications/offerings/{path}", 404)).text


async def test_an_id_may_look_like_a_page_of_ours(world: World, client: httpx2.AsyncClient) -> None:
    await world.feed(("offering.scheduled", offering(1, "a/sheet", title="Schräg")))
    assert "Schräg" in (await page(client, "/notifications/offerings/a/sheet")).text
    assert "Schräg" in (await page(client, "/notifications/offerings/a/sheet/sheet")).text


async def test_every_list_is_read_by_an_index(world: World) -> None:
    await some(world)
    bookings, contacts = world.database["bookings"], world.database["contacts"]
    queries = [
        (bookings.find({"offering_id": "o1", "status": {"$in": ["waiting"]}}).sort([("since", 1), ("_id", 1)]), True),
        (bookings.find({"offering_id": "o1"}).sort("version", -1), True),
        (bookings.find({"person_id": {"$in": ["anna"]}}), True),
        (contacts.find({"$and": [{"words": {"$regex": "^mul"}}]}), False),
    ]
    for cursor, is_sorted in queries:
        plan = str((await cursor.explain())["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in plan
        assert "COLLSCAN" not in plan
        assert not (is_sorted and "'SORT'" in plan), plan
