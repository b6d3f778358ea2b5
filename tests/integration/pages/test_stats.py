from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pymongo import AsyncMongoClient

from services.stats import api, mornings, pages
from services.stats.domain import Fact
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.store import Store
from shared.clock import Clock
from shared.events import Delegation, Organisation
from shared.runtime import Database
from tests.support.html import Page
from tests.support.stats_world import BERLIN, at, course, fact, leave, offering, plant, present

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"
NOW = datetime(2023, 6, 1, 8, tzinfo=UTC)


@pytest.fixture
async def store(database: Database) -> Store:
    made = Store(database, BERLIN)
    await made.prepare()
    return made


@pytest.fixture
async def client(store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(store, NOW) as client:
        yield client


def client_of(store: Store, now: datetime) -> httpx2.AsyncClient:
    app, reports = FastAPI(), Reports(store, Clock(now), 5)
    for router in (pages.router(reports, store, Settings(), Clock(now)), api.routes(reports, Settings())):
        app.include_router(router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


def people(number: int = 12, **fields: Any) -> list[Fact]:
    """Participants of O1, ten of organisation a and the others of b, assigned together."""
    return [
        fact(
            f"p{n}",
            organisation_id="a" if n < 10 else "b",
            attendance=[present()],
            assigned={EVIL: at(2023)},
            **fields,
        )
        for n in range(number)
    ]


async def planted(database: Database, store: Store) -> None:
    """12 bookings of one course, ten of organisation a and two of b; one leave of two days and a half."""
    await plant(
        database,
        store,
        *people(),
        leave("p1", organisation_id="a", days=2.5),
        offering(title="Lauf 1"),
        course(title=EVIL, competencies=["Haltung"], topics=["Vielfalt"]),
        Organisation(organisation_id="a", name="Stadt A"),
    )
    await database["progress"].insert_one({"_id": 0, "as_of": at(2023), "since": at(2022)})


async def page(client: httpx2.AsyncClient, path: str, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    return Page(answer.text)


async def test_without_data_the_page_says_so(store: Store) -> None:
    new_year = datetime(2023, 12, 31, 23, 30, tzinfo=UTC)
    async with client_of(store, new_year) as client:
        german, english = (await page(client, "/stats/")).text, (await page(client, "/stats/?lang=en")).text
    assert "Noch keine Zahlen für 2024" in german  # 23:30 UTC on 31 December is next year
    assert "No figures for 2024 yet" in english
    assert "Auf keiner Warteliste steht jemand." in german


async def test_totals_have_their_definitions(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/")
    assert "Buchungen 12 Buchungen, die in dem Jahr" in found.text
    assert "Personen 12 Verschiedene Personen unter den Teilnahmen Tagesstand" in found.text
    assert "Urlaubstage 2,5 Tage dieses Bildungsurlaubs" in found.text
    assert "laufend, Stand Do., 01.06.2023, 10:00 Uhr." in found.text
    assert "einmal am Tag gezählt, Stand Do., 04.05.2023, 10:00 Uhr." in found.text


async def test_breakdowns_and_cohorts(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023")
    assert f"Nach Kurs Kurs Buchungen Personen Teilnahmen {EVIL} 12 12 12" in found.text
    assert "Präsenz 12 12 12" in found.text
    assert f"{EVIL} O1 0 12 12 100 % erfüllt" in found.text or f"{EVIL} Lauf 1 0 12 12 100 % erfüllt" in found.text
    assert "Amt: Zu keiner Buchung" in found.text
    assert "/stats/?year=2023&only=topic%3AVielfalt" in found.links


async def test_small_figures_are_withheld_and_drawn_as_withheld(
    database: Database, store: Store, client: httpx2.AsyncClient
) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023")
    rows = found.text.split("Nach Organisation")[1].split("Bildungsurlaub")[0]
    assert "Stadt A • zurückgehalten" in rows
    assert "• steht, wo Zahlen zurückgehalten werden: solche, hinter denen 1 bis 4 Personen stehen" in found.text


async def test_a_chart_is_an_image_with_words_and_a_table(
    database: Database, store: Store, client: httpx2.AsyncClient
) -> None:
    online = [fact(offering_id="O2", organisation_id="a") for _ in range(7)]
    await plant(database, store, *people(), *online, offering(), offering("O2", format="online"))
    await database["progress"].insert_one({"_id": 0, "as_of": at(2023), "since": at(2022)})
    found = await page(client, "/stats/?year=2023")
    images = [one.get("aria-labelledby") for _, one in found.tags]
    begin = images.index("table-by-format-title")
    chart = found.tags[begin][1]
    assert (chart["role"], chart["aria-describedby"]) == ("img", "table-by-format-desc")
    assert "Buchungen und Teilnahmen nach Format Am meisten: Präsenz, Buchungen 12." in found.text
    bars = [one for tag, one in found.tags[begin:] if tag == "rect" and one.get("class") == "chart__bookings"]
    assert [float((one["width"] or "").rstrip("%")) for one in bars][:2] == [84.0, 49.0]  # 7 of 12


async def test_waiting_lists_and_seats_set_aside(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    released, kept = (Delegation(organisation_id=one, seats=3, release_at=at(2023, 7)) for one in ("b", "a"))
    july = offering("O2", {"S1": at(2023, 7, 4)}, title=EVIL, capacity=5, delegations=[released, kept], released=["b"])
    over = offering("O1", title="Vorbei", capacity=1)
    wait: dict[str, Any] = {"status": "waiting", "seated_at": None, "waiting_since": at(2023)}
    queue = [fact(offering_id="O2", **wait) for _ in range(4)]
    taken = [fact(offering_id="O2", organisation_id="a"), fact(offering_id="O2"), fact(offering_id="O2")]
    await plant(
        database, store, july, over, *queue, *taken, fact(**wait), Organisation(organisation_id="a", name="Stadt A")
    )
    found = await page(client, "/stats/")
    assert "4 Wartende bei einer Veranstaltung" in found.text
    assert f"{EVIL} ab Di., 04.07.2023, 10:00 Uhr 4 0 2 reserviert" in found.text
    assert "1 von 3 Do., 04.05.2023" not in found.text
    assert "1 von 3 Di., 04.07.2023, 10:00 Uhr" in found.text
    assert "Vorbei" not in found.text
    assert {"/enrolment/offerings/O2", "/enrolment/?only=waiting"} <= {*found.links}


async def test_years_stand_side_by_side(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    old = offering("O0", {"S1": at(2021)})
    booked: dict[str, Any] = {"seated_at": at(2021), "offering_id": "O0", "attendance": [present(recorded_at=at(2021))]}
    await plant(database, store, old, offering(), *people(), *(fact(**booked) for _ in range(3)))
    found = await page(client, "/stats/?lang=en")
    assert "Years compared" in found.text
    assert "2021 3 3 2023 12 12" in found.text
    assert {"/stats/?year=2021&lang=en", "/stats/?year=2023&lang=en"} <= {*found.links}


async def test_narrowed_to_an_organisation(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023&organisation=a")
    report = (await client.get("/stats/api/report?year=2023&organisation=a")).json()
    shown = "• zurückgehalten" if report["totals"]["bookings"] is None else str(report["totals"]["bookings"])
    assert f"Buchungen {shown}" in found.text
    assert "Eingegrenzt auf Stadt A." in found.text
    assert "Wartelisten, die" not in found.text
    assert "/stats/api/report.pdf?year=2023&organisation=a&lang=de" in found.links
    assert "/stats/?year=2023" in found.links


@pytest.mark.parametrize(
    ("only", "name"), [("topic:Vielfalt", "Thema „Vielfalt“"), ("course:C1", f"Kurs „{EVIL}“"), ("topic:x:y", "„x:y“")]
)
async def test_narrowed_to_an_open_value(
    database: Database, store: Store, client: httpx2.AsyncClient, only: str, name: str
) -> None:
    await planted(database, store)
    found = await page(client, f"/stats/?year=2023&only={only}")
    assert name in found.text
    told = "12" if "x" not in only else "0"
    assert f"Buchungen {told} Buchungen, die in dem Jahr" in found.text
    assert ("Keine Zahlen für diese Auswahl" in found.text) == ("x" in only)
    both = await page(client, f"/stats/?year=2023&only={only}&organisation=a&lang=en")
    assert " and " in both.text


async def test_a_topic_by_department_is_the_cross_table_of_the_report(
    database: Database, store: Store, client: httpx2.AsyncClient
) -> None:
    departments = [fact(department=one) for one in ("Feuerwehr", "Jugendamt", "Ordnungsamt") for _ in range(8)]
    await plant(database, store, *departments, fact(department="Amt eins"), offering(), course(topics=["Vielfalt"]))
    await database["progress"].insert_one({"_id": 0, "as_of": at(2023), "since": at(2022)})
    report = (await client.get("/stats/api/report?year=2023&by=topic&by=department")).json()
    told = {row["label"][1]: row["bookings"] for row in report["cross"]["rows"]}
    assert {type(one) for one in told.values()} == {int, type(None)}
    found = (await page(client, "/stats/?year=2023&only=topic:Vielfalt")).text.split("Nach Amt")[1]
    for department, bookings in told.items():
        assert f"{department} {'• zurückgehalten' if bookings is None else bookings}" in found


async def test_the_day_keeps_what_it_began_with(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    """Totals follow at once; what says something about people waits for tomorrow, but not for the very first event."""
    assert "Noch keine Zahlen" in (await page(client, "/stats/")).text
    await planted(database, store)
    await page(client, "/stats/")
    await plant(database, store, *(fact(organisation_id="c") for _ in range(9)))
    await database["positions"].insert_one({"_id": "stats/x/0", "next": 9})
    today = (await page(client, "/stats/")).text
    assert "Buchungen 21 Buchungen, die" in today
    assert f"{EVIL} 12 12 12" in today
    async with client_of(store, NOW + timedelta(days=1)) as tomorrow:
        assert f"{EVIL} 21 12 12" in (await page(tomorrow, "/stats/")).text


async def test_while_figures_are_rebuilt_the_page_says_so(
    database: Database, store: Store, client: httpx2.AsyncClient
) -> None:
    await planted(database, store)
    begun = {"_id": "stats", "begun": {"0": [1]}, "ended": {}}
    await database["generations"].insert_one(begun)
    found = (await page(client, "/stats/")).text
    assert "Die Zahlen werden gerade neu aufgebaut" in found
    assert "Buchungen 12 Buchungen" in found


async def test_what_takes_long_is_counted_behind_the_page(
    database: Database, store: Store, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planted(database, store)
    monkeypatch.setattr(mornings, "PATIENCE_SECONDS", 0)
    first = await page(client, "/stats/")
    assert "Die Aufschlüsselungen werden gerade gezählt" in first.text
    assert "Buchungen 12 Buchungen, die" in first.text
    assert "Nach Kurs" not in first.text
    monkeypatch.undo()
    assert "Nach Kurs" in (await page(client, "/stats/")).text
    second = await page(client, "/stats/")
    marks = [one["data-live"] for tag, one in (*first.tags, *second.tags) if tag == "main"]
    assert marks[0] != marks[1]  # an open page fetches itself again


async def test_english(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023&lang=en")
    assert found.language == "en"
    assert "live, as of Thu 1 Jun 2023, 10:00" in found.text
    assert "Days of leave 2.5 Days of that educational leave" in found.text
    assert "in person 12 12 12" in found.text
    assert "/stats/?year=2023&lang=de" in found.links


@pytest.mark.parametrize("lang", ["de", "en"])
async def test_every_service_is_asked_where_it_tells(client: httpx2.AsyncClient, lang: str) -> None:
    found = await page(client, f"/stats/?lang={lang}")
    ready = {f"/{name}/health/ready" for name in ("enrolment", "notifications", "stats")}
    letters = {f"/{name}/dead-letters?lang={lang}" for name in ("enrolment", "notifications", "stats")}
    assert ready | letters <= {*found.links}


@pytest.mark.parametrize(
    "query",
    [
        *(f"year={year}" for year in ("x", "1899", "2200", "20 23", "02023", "²023")),
        *("organisation=nobody", f"organisation={'o' * 201}"),
        *(f"only={only}" for only in ("department:x", "topic", "topic:", ":x", f"topic:{'x' * 201}")),
    ],
)
async def test_what_no_report_is_about_is_not_found(client: httpx2.AsyncClient, query: str) -> None:
    assert "Nicht gefunden" in (await page(client, f"/stats/?{query}", 404)).text


async def test_while_the_database_is_away_the_page_says_so() -> None:
    nowhere: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient("mongodb://127.0.0.1:9", serverSelectionTimeoutMS=100)
    async with nowhere, client_of(Store(nowhere["away"], BERLIN), NOW) as client:
        answer = await client.get("/stats/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "Die Zahlen sind gerade nicht erreichbar" in Page(answer.text).text


async def test_a_booking_changes_the_mark(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    """What an open page listens for: how far the events have been read."""
    await planted(database, store)
    marks = []
    for position in (1, 2):
        await database["positions"].replace_one({"_id": "stats/x/0"}, {"next": position}, upsert=True)
        found = await page(client, "/stats/")
        marks += [one["data-live"] for tag, one in found.tags if tag == "main"]
    assert marks[0] != marks[1]
