"""stats on a real mongod: events in, by transactions; counters and the report out, over HTTP too."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import httpx2
import msgspec
import pytest
from fastapi import FastAPI

from services.stats import shelf as shelf_module
from services.stats.api import routes
from services.stats.columns import ALL
from services.stats.consumer import StatsHandler
from services.stats.domain import Fact, OfferingFact
from services.stats.reading import Year
from services.stats.recount import CounterAudit
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.shelf import NEWEST
from services.stats.store import Store
from services.stats.told import tabulate
from services.stats.traces import counting_in
from shared.clock import Clock
from shared.cloudevents import Event
from shared.events import Attendance, Booking, Course, Leave, Offering, Organisation, Session
from shared.handler import Item
from shared.runtime import Database
from shared.web import install
from tests.support.naive_stats import Data
from tests.support.stats_world import BERLIN, SPRING, at, columns_of, data, fact, leave, plant, present
from tests.support.stats_world import offering as offering_fact

Payload = Booking | Leave | Offering | Course | Organisation
MOMENTS = [at(2021, 12, 31, 23, 30), at(2022), SPRING, at(2023, 12, 31, 22, 30), at(2023, 12, 31, 23, 30), at(2024)]
YEARS = range(2021, 2026)
ORGANISATIONS = ["a", "b.c", "$d"]


@pytest.fixture
async def store(database: Database) -> Store:
    made = Store(database, BERLIN)
    await made.prepare()
    return made


async def consume(database: Database, store: Store, items: list[Item]) -> Sequence[str]:
    """One batch as the kernel does it: load, apply, write in one transaction."""
    handler = StatsHandler(store)
    state = await handler.load(items)
    outcomes = [handler.apply(state, item).outcome for item in items]
    async with database.client.start_session() as session, await session.start_transaction():
        for collection, writes in handler.writes(state).items():
            await database[collection].bulk_write(writes, session=session)
    return outcomes


def item(data: Payload, time: datetime = SPRING) -> Item:
    key = str(getattr(data, "offering_id", None) or getattr(data, "person_id", "") or "k")
    event = Event("e", "lernbus/enrolment", "enrolment.something.v1", time, data)
    return Item(event, key, "enrolment.events", sum(key.encode()) % 12, 0)


def booking(random: Random, number: int, version: int) -> Booking:
    maybe = [None, *MOMENTS]
    sessions = random.sample(["S1", "S2"], random.randrange(3))
    statuses: list[Any] = ["attended", "partly", "absent", "absent", "excused"]
    found = fact(
        f"p{number % 17}",
        booking_id=f"b{number}",
        offering_id=f"O{number % 3}",
        course_id=f"C{number % 3}",
        version=version,
        organisation_id=random.choice([None, *ORGANISATIONS]),
        department=random.choice([None, "x", "y"]),
        status=random.choice(["confirmed", "confirmed", "waiting", "cancelled"]),
        seated_at=random.choice(maybe),
        waiting_since=random.choice(maybe),
        waiting_until=random.choice(maybe),
        completed_at=random.choice(maybe),
        attendance=[
            Attendance(session_id=one, status=random.choice(statuses), recorded_at=random.choice(MOMENTS))
            for one in sessions
        ],
        cohorts=random.sample(["A", "B"], random.randrange(2)),
    )
    return found.booking


def offering(random: Random, number: int, version: int) -> Offering:
    times = random.choices(MOMENTS, k=2)
    formats: list[Any] = ["in_person", "online", "web_based"]
    return Offering(
        offering_id=f"O{number}",
        course_id=f"C{number}",
        title=f"Lauf {number}",
        host_organisation_id="a",
        format=random.choice(formats),
        capacity=20,
        waiting_list=True,
        delegations=[],
        sessions=[
            Session(session_id=f"S{n}", title="M", format="online", starts_at=one, ends_at=one, topics=["T"] * n)
            for n, one in enumerate(times, 1)
        ],
        version=version,
    )


def history(random: Random) -> Iterator[Payload]:
    """A thousand changes, some told again later."""
    told: list[Payload] = [
        *(Organisation(organisation_id=one, name=f"Stadt {one}", version=1) for one in ORGANISATIONS),
        *(Course(course_id=f"C{n}", title=f"Kurs {n}", topics=["K"][:n], competencies=[], version=1) for n in range(3)),
    ]
    yield from told
    for version in range(1, 1_000):
        if random.random() < 0.2:
            yield random.choice(told)
        one: Payload = booking(random, random.randrange(300), version)
        if random.random() < 0.02:
            one = offering(random, random.randrange(3), version)
        elif random.random() < 0.1:
            days: dict[str, Any] = {"starts_on": random.choice([date(2022, 12, 31), date(2023, 1, 1)]), "days": 0.5}
            one = leave(leave_id=f"l{random.randrange(30)}", organisation_id="a", **days).leave
            one.version, one.ended_at = version, random.choice([None, None, SPRING])
        told.append(one)
        yield one


def naive_totals(
    year: int, bookings: list[Booking], leaves: list[Leave], offerings: dict[str, Offering]
) -> dict[str, float]:
    """The definitions once more, as plainly as can be."""
    start, end = datetime(year, 1, 1, tzinfo=BERLIN), datetime(year + 1, 1, 1, tzinfo=BERLIN)

    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= moment < end

    totals: Counter[str] = Counter()
    persons = set()
    for one in bookings:
        run = offerings.get(one.offering_id)
        times = {session.session_id: session.starts_at for session in run.sessions} if run else {}
        held = {a.session_id: times.get(a.session_id) or a.recorded_at for a in one.attendance}
        was_there = any(a.status in ("attended", "partly") and within(held[a.session_id]) for a in one.attendance)
        totals["bookings"] += within(one.seated_at)
        totals["cancelled"] += within(one.seated_at) and one.status == "cancelled"
        totals["completions"] += within(one.completed_at)
        if was_there or (run and run.format == "web_based" and within(one.completed_at)):
            totals["participants"] += 1
            persons.add(one.person_id)
        absent = bool(one.attendance) and all(a.status == "absent" for a in one.attendance)
        totals["no_shows"] += one.status == "confirmed" and absent and within(max(held.values()))
        if one.waiting_since is not None and one.waiting_since < end:
            ended = one.waiting_until or one.seated_at or one.ended_at or one.waiting_since
            totals["waiting"] += one.status == "waiting" or max(ended, one.waiting_since) >= end
    counted = [one for one in leaves if one.ended_at is None and one.starts_on.year == year]
    days = sum(one.days for one in counted)
    return {
        "bookings": totals["bookings"],
        "persons": len(persons),
        "participants": totals["participants"],
        "waiting": totals["waiting"],
        "cancelled": totals["cancelled"],
        "no_shows": totals["no_shows"],
        "completions": totals["completions"],
        "leave_persons": len({one.person_id for one in counted}),
        "leave_days": days,
    }


class Known:
    """All that was told, each entity's newest version."""

    def __init__(self, payloads: list[Payload]) -> None:
        newest: dict[tuple[type, str], Payload] = {}
        for one in payloads:
            ids = (
                getattr(one, f"{kind}_id", None) for kind in ("booking", "leave", "offering", "course", "organisation")
            )
            key = type(one), next(str(found) for found in ids if found)
            if key not in newest or newest[key].version < one.version:
                newest[key] = one
        self.bookings = [one for one in newest.values() if isinstance(one, Booking)]
        self.leaves = [one for one in newest.values() if isinstance(one, Leave)]
        self.offerings = {one.offering_id: one for one in newest.values() if isinstance(one, Offering)}


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_report_and_the_counters_equal_a_naive_recount(database: Database, store: Store, seed: int) -> None:
    random = Random(seed)
    payloads = list(history(random))
    start = 0
    outcomes: Counter[str] = Counter()
    while start < len(payloads):
        size = random.choice([1, 40, 200])
        items = [item(one, SPRING + timedelta(seconds=start)) for one in payloads[start : start + size]]
        outcomes.update(await consume(database, store, items))
        start += size
    assert outcomes["repeated"] > 100
    known = Known(payloads)
    for year in YEARS:
        expected = naive_totals(year, known.bookings, known.leaves, known.offerings)
        told = tabulate((await store.read(year)).columns, {})
        assert told[None].get(ALL, {}) == {name: figure for name, figure in expected.items() if figure}
        sums: Counter[str] = Counter()
        for row in (await store.overview(year)).values():
            sums.update(row)
        assert +sums == +Counter({name: n for name, n in expected.items() if "persons" not in name})


async def everything(database: Database, store: Store) -> Data:
    """All there is, read document by document."""
    facts = [one async for one in store.facts()]
    offerings = [msgspec.convert(one, OfferingFact) async for one in database["offerings"].find()]
    courses = [msgspec.convert(one, Course) async for one in database["courses"].find()]
    return data(*facts, offerings=offerings, courses=courses)


@pytest.mark.parametrize("seed", [3, 5])
async def test_the_columns_of_a_year_are_those_of_all_facts(database: Database, store: Store, seed: int) -> None:
    """Attendance that was recorded in another year than its session's, and sessions that moved, among them."""
    await consume(database, store, [item(one) for one in history(Random(seed))])
    facts, moved = await everything(database, store), 0
    for year in YEARS:
        read = await store.read(year)
        assert tabulate(read.columns, {}) == tabulate(columns_of(facts, year), {})
        assert read.state == await store.state()
        moved += len(read.columns.profile) - await database["facts"].count_documents({"years": counting_in(year)})
    assert moved != 0


async def test_a_fact_is_found_by_a_session_that_moved_into_the_year(database: Database, store: Store) -> None:
    """None of its own times lies in that year."""
    attendee = fact(seated_at=at(2022), attendance=[present(recorded_at=at(2022))])
    await plant(database, store, attendee, fact(), offering_fact(sessions={"S1": at(2024)}))
    assert tabulate((await store.read(2024)).columns, {})[None][ALL] == {"participants": 1, "persons": 1}
    assert tabulate((await store.read(2022)).columns, {})[None][ALL] == {"bookings": 1}


async def test_a_year_is_read_from_the_index_alone(database: Database, store: Store) -> None:
    await consume(database, store, [item(one) for one in history(Random(6))])
    found: dict[str, Any] = {"years": counting_in(2023)}
    moved: dict[str, Any] = {"years": 2023, "key": {"$gte": '["a",', "$lt": '["a"-'}}
    for collection, query in (
        ("facts", found),
        ("leaves", found),
        ("facts", {"$or": [moved, moved | {"years": 2022}]}),
    ):
        stages = await explained(database, collection, query, {"_id": 0, "key": 1})
        assert stages["docs"] == 0, stages
        assert "COLLSCAN" not in stages["plan"]
    for collection, query in (("counters", {"$or": [found, {"offering_id": "O1"}]}), ("sums", {"year": 2023})):
        assert "COLLSCAN" not in (await explained(database, collection, query, {}))["plan"]


async def explained(
    database: Database, collection: str, query: dict[str, Any], fields: dict[str, int]
) -> dict[str, Any]:
    command = {"find": collection, "filter": query, "projection": fields}
    found = await database.command("explain", command, verbosity="executionStats")
    return {"docs": found["executionStats"]["totalDocsExamined"], "plan": str(found["queryPlanner"]["winningPlan"])}


async def test_what_is_kept_ready_is_what_the_facts_come_to(database: Database, store: Store) -> None:
    """After many small batches, as after one: the audit's own count says so."""
    for one in list(history(Random(4)))[:300]:
        await consume(database, store, [item(one)])
    audit = CounterAudit(BERLIN, 12)
    async for offering in database["offerings"].find():
        audit.add_offering(offering)
    async for found in database["facts"].find():
        audit.add_booking(found)
    async for found in database["leaves"].find():
        audit.add_leave(found)
    kept = [await database[name].find().to_list() for name in ("counters", "sums", "seats")]
    assert all(len(some) > 2 for some in kept)
    assert {one["n"] > 0 for one in kept[0]} == {True}
    assert [one for one in audit.compare(*kept) if "not its own" not in one.detail] == []


async def test_seats_of_what_is_not_over(database: Database, store: Store) -> None:
    def there(number: int, status: str, organisation_id: str | None) -> Fact:
        seated = SPRING if status == "confirmed" else None
        return fact(booking_id=f"s{number}", status=status, seated_at=seated, organisation_id=organisation_id)

    people = [there(1, "confirmed", "a.b"), there(2, "confirmed", "$d"), there(3, "waiting", None)]
    soon, over = offering_fact("O1", sessions={"S1": at(2024)}), offering_fact("O2", sessions={"S1": at(2022)})
    wbt, cancelled = offering_fact("O3", sessions={"S1": None}), offering_fact("O4", status="cancelled")
    await plant(database, store, *people, there(4, "cancelled", "a.b"), soon, over, wbt, cancelled)
    found = {one.offering.offering_id: one for one in await store.seats(SPRING)}
    assert set(found) == {"O1", "O3"}
    assert found["O1"].whole == {"confirmed": 2, "waiting": 1}
    assert found["O1"].organisations == {"a.b": {"confirmed": 1}, "$d": {"confirmed": 1}, None: {"waiting": 1}}
    assert (found["O3"].whole, found["O3"].organisations) == ({}, {})


async def test_the_next_batch_sees_the_last_one(database: Database, store: Store) -> None:
    first = fact(booking_id="b", version=5).booking
    assert await consume(database, store, [item(first)]) == ["applied"]
    assert await consume(database, store, [item(first)]) == ["repeated"]
    assert await consume(database, store, [item(fact(booking_id="b", version=4).booking)]) == ["repeated"]
    assert await consume(database, store, [item(fact(booking_id="b", version=6).booking)]) == ["applied"]


@asynccontextmanager
async def client(store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    install(app)
    app.include_router(routes(Reports(store, Clock(SPRING), 5), Settings()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as made:
        yield made


async def test_the_report_over_http(database: Database, store: Store) -> None:
    organisation = Organisation(organisation_id="D", name="Düsseldorf", version=1)
    seats = [item(fact(organisation_id="D").booking, at(2023, 6, 1)) for _ in range(6)]
    await consume(database, store, [item(organisation), *seats])
    async with client(store) as http:
        found = await http.get("/stats/api/report", params={"year": 2023, "organisation": "D"})
        assert found.status_code == 200
        assert found.json()["totals"]["bookings"] == 6
        assert found.json()["as_of"] == "2023-06-01T08:00:00Z"
        assert found.json()["by"]["organisation"][0]["label"] == "Düsseldorf"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"year": "2023", "organisation": "x"}, 404),
        ({}, 400),
        ({"year": "soon"}, 400),
        ({"year": "1899"}, 400),
        ({"year": "2200"}, 400),
    ],
)
async def test_errors_are_problems(store: Store, query: dict[str, str], status: int) -> None:
    async with client(store) as http:
        found = await http.get("/stats/api/report", params=query)
        assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
        assert found.json()["status"] == status


async def test_before_anything_has_happened(store: Store) -> None:
    async with client(store) as http:
        found = (await http.get("/stats/api/report", params={"year": 2023})).json()
        assert found["as_of"] is None
        assert set(found["totals"].values()) == {0}


async def test_a_report_is_counted_once_for_a_state_of_the_data(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whichever instance: another one tells what was kept."""
    counted: list[int] = []
    read = Store.read

    async def counting(self: Store, asked: int) -> Year:
        counted.append(asked)
        return await read(self, asked)

    monkeypatch.setattr(Store, "read", counting)
    await consume(database, store, [item(fact().booking)])
    async with client(store) as http, client(store) as other:
        first = await http.get("/stats/api/report?year=2023")
        again = await http.get("/stats/api/report.csv?year=2023", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, counted) == (304, b"", [2023])
        assert (await other.get("/stats/api/report?year=2023")).json() == first.json()
        assert counted == [2023]
        await consume(database, store, [item(fact().booking)])
        await database["positions"].update_one({"_id": "stats/x/0"}, {"$set": {"next": 2}}, upsert=True)
        later = await http.get("/stats/api/report?year=2023", headers={"If-None-Match": first.headers["etag"]})
        assert (later.status_code, later.json()["totals"]["bookings"], counted) == (200, 2, [2023, 2023])


async def test_what_was_told_first_of_a_day_stays(database: Database, store: Store) -> None:
    clock = Clock(SPRING)
    first, second = Reports(store, clock, 5), Reports(store, clock, 5)
    for number in range(5):
        await consume(database, store, [item(fact(booking_id=f"d{number}").booking)])
        await database["positions"].update_one({"_id": "stats/x/0"}, {"$inc": {"next": 1}}, upsert=True)
        assert (await first.answer(2023)).told[None][ALL]["bookings"] == number + 1
        for reports in (first, second):
            assert (await reports.of_day(2023)).told[None][ALL]["bookings"] == 1
    assert await database["told"].count_documents({}) == NEWEST + 1
    assert await database["told_parts"].count_documents({}) == NEWEST + 1
    clock.set(SPRING + timedelta(days=1))
    assert (await second.of_day(2023)).told[None][ALL]["bookings"] == 5


async def test_who_comes_first_is_told_by_all(database: Database, store: Store) -> None:
    shelf = store.shelf(5)
    for content in (b"first" * 9, b"second"):
        await shelf.put((2023, "s"), content, SPRING, "2023-05-04")
    assert await shelf.find(2023, "s") == b"first" * 9
    assert await database["told_parts"].count_documents({}) == 1
    assert await store.shelf(3).find(2023, "s") is None
    assert await shelf.find(2022, "s") is None


async def test_what_is_large_is_kept_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "PIECE", 10)
    content = Random(1).randbytes(1_000)
    await store.shelf(5).put((2023, "s"), content, SPRING, "2023-05-04")
    assert await store.shelf(5).find(2023, "s") == content


@pytest.mark.parametrize(
    ("form", "media", "begins"),
    [
        ("csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfyear;"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("html", "text/html; charset=utf-8", b"<!doctype html>"),
        ("pdf", "application/pdf", b"%PDF"),
    ],
)
async def test_the_report_as_a_file(store: Store, form: str, media: str, begins: bytes) -> None:
    async with client(store) as http:
        found = await http.get(f"/stats/api/report.{form}", params={"year": 2023, "lang": "en"})
        assert (found.status_code, found.headers["content-type"]) == (200, media)
        assert found.content.startswith(begins)
        assert found.headers["content-disposition"] == f'inline; filename="lernbus-2023.{form}"'
        assert (await http.get("/stats/api/report.doc?year=2023")).status_code == 400
        assert (await http.get(f"/stats/api/report.{form}?year=2023&organisation=x")).status_code == 404
