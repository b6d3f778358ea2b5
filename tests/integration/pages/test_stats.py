from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest
from fastapi import FastAPI

from services.stats import api, pages
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.store import Store
from shared.clock import Clock
from shared.events import Organisation
from shared.runtime import Database
from tests.support.html import Page
from tests.support.stats_world import BERLIN, course, fact, leave, offering, plant, present

EVIL = "<script>alert(1)</script> & <b>Söhne</b>"


@pytest.fixture
async def store(database: Database) -> Store:
    made = Store(database, BERLIN)
    await made.prepare()
    return made


@pytest.fixture
async def client(store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    app, reports = FastAPI(), Reports(store)
    new_year = datetime(2023, 12, 31, 23, 30, tzinfo=UTC)
    for router in (pages.router(reports, store, Settings(), Clock(new_year)), api.routes(reports, Settings())):
        app.include_router(router)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def planted(database: Database, store: Store) -> None:
    """12 bookings of one course, ten of organisation a and two of b; one leave of two days and a half."""
    people = [
        fact(
            f"p{n}",
            organisation_id="a" if n < 10 else "b",
            attendance=[present()],
            assigned={EVIL: datetime(2023, 5, 4, tzinfo=UTC)},
        )
        for n in range(12)
    ]
    await plant(
        database,
        store,
        *people,
        leave("p1", organisation_id="a", days=2.5),
        offering(),
        course(title=EVIL, competencies=["Haltung"]),
        Organisation(organisation_id="a", name="Stadt A"),
    )
    await database["progress"].insert_one({"_id": 0, "as_of": datetime(2023, 5, 4, 8, tzinfo=UTC)})


async def page(client: httpx2.AsyncClient, path: str, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    return Page(answer.text)


async def test_without_data_the_page_says_so(client: httpx2.AsyncClient) -> None:
    german, english = (await page(client, "/stats/")).text, (await page(client, "/stats/?lang=en")).text
    assert "Auswertung 2024 Noch ohne Daten." in german  # 23:30 UTC on 31 December is next year
    assert "Noch keine Zahlen für 2024" in german
    assert "No figures for 2024 yet" in english


async def test_the_dashboard_shows_the_report(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023")
    totals = (await client.get("/stats/api/report?year=2023")).json()["totals"]
    assert totals["bookings"] == 12
    assert "Insgesamt Buchungen 12 Buchungen, die in dem Jahr" in found.text
    assert "Urlaubstage 2,5 Tage dieses Bildungsurlaubs" in found.text
    assert "Stand: Do., 04.05.2023, 10:00 Uhr" in found.text
    assert f"Nach Kurs Kurs Buchungen Personen Teilnahmen {EVIL} 12 12 12" in found.text
    assert "Präsenz 12 12 12" in found.text
    assert f"Zugewiesene Gruppen Gruppe Veranstaltung Zugewiesen Erfüllt Offen {EVIL} O1 12 12 0" in found.text


async def test_small_figures_are_withheld_as_in_the_report(
    database: Database, store: Store, client: httpx2.AsyncClient
) -> None:
    await planted(database, store)
    report = (await client.get("/stats/api/report?year=2023")).json()
    hidden = sum(
        value is None
        for rows in report["by"].values()
        for row in rows
        for name, value in row.items()
        if name not in ("key", "label")
    )
    found = await page(client, "/stats/?year=2023")
    assert found.text.count("zurückgehalten") == hidden > 0
    assert "Zurückgehalten werden Zahlen, hinter denen 1 bis 4 Personen stehen" in found.text
    rows = found.text.split("Nach Organisation")[1]
    assert "Stadt A • zurückgehalten" in rows


async def test_english(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await planted(database, store)
    found = await page(client, "/stats/?year=2023&lang=en")
    assert found.language == "en"
    assert "As of Thu 4 May 2023, 10:00" in found.text
    assert "Days of leave 2.5 Days of that educational leave" in found.text
    assert "in person 12 12 12" in found.text
    assert "Topic: No topics were reported" in found.text
    assert "•" in found.text
    assert "/stats/?year=2023&lang=de" in found.links


async def test_the_years_to_choose_from(database: Database, store: Store, client: httpx2.AsyncClient) -> None:
    await plant(database, store, fact(seated_at=None, status="refused"), offering())
    await plant(database, store, fact(), course())
    found = await page(client, "/stats/?year=2021")
    assert "2024 2023 2021" in found.text
    assert [tag for tag, attributes in found.tags if tag == "option" and "selected" in attributes] == ["option"]


@pytest.mark.parametrize("year", ["x", "1899", "2200", "20 23", "02023", "²023"])
async def test_an_impossible_year_is_a_page_too(client: httpx2.AsyncClient, year: str) -> None:
    assert "Nicht gefunden" in (await page(client, f"/stats/?year={year}", 404)).text
