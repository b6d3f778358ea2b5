"""The list of those assigned, read from a real MongoDB by index."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment.cohorts import cohorts_of
from services.enrolment.consumer import Enrolment
from services.enrolment.store import Store
from services.enrolment.views import Views
from shared.cloudevents import Event
from tests.support.enrolment import item, lms, scheduled


def of(person: str, run: str) -> Event:
    return lms("booking.requested", offering_id=run, person_id=person)


async def push(database: AsyncDatabase[Any], *events: Event) -> None:
    store = Store(database)
    await store.prepare()
    handler, items = Enrolment(store), [item(event) for event in events]
    state = await handler.load(items)
    for one in items:
        handler.apply(state, one)
    for name, writes in handler.writes(state).items():
        if writes:
            await database[name].bulk_write([*writes])


async def test_people_are_found_on_other_runs_of_the_course_and_no_query_scans_the_collection(
    database: AsyncDatabase[Any],
) -> None:
    people = [{"person_id": one} for one in ("a", "b")]
    cohort = lms("cohort.assigned", offering_id="o1", cohort="2023", mandatory=True, people=people)
    runs = [scheduled(), scheduled(offering_id="o2"), scheduled(offering_id="o3", course_id="c2")]
    attended = lms("attendance.recorded", offering_id="o2", person_id="b", session_id="s1", status="attended")
    others = [of(f"x{number}", "o1") for number in range(20)]
    await push(database, *runs, cohort, of("b", "o2"), of("b", "o3"), of("x1", "o2"), attended, *others)

    views = Views(database)
    ledger = await views.ledger("o1")
    assert ledger is not None
    await database.command("profile", 2)
    found = await views.assigned(ledger.offering)
    await database.command("profile", 0)
    plans = [one["planSummary"] async for one in database["system.profile"].find({"op": "query"})]
    assert [plan.split()[0] for plan in plans] == ["IXSCAN", "IXSCAN"]
    assert sorted(one.id for one in found) == ["o1\na", "o1\nb", "o2\nb"]
    (known,) = cohorts_of("o1", "c1", found)
    assert [(one.person_id, one.fulfilled, one.offering_id) for one in known.people] == [
        ("a", False, "o1"),
        ("b", True, "o2"),
    ]
