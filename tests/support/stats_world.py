"""Small worlds for the tests of stats: bookings, leaves and offerings with as little as a test has to say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from services.stats.columns import Columns
from services.stats.counters import Counts
from services.stats.domain import Assignment, Entity, Fact, LeaveFact, OfferingFact, SessionFact
from services.stats.figures import UNKNOWN, run_of
from services.stats.profiles import NOTHING, Profiles
from services.stats.protection import decide
from services.stats.report import Known, Question, is_known, report_of
from services.stats.state import State
from services.stats.store import Store
from services.stats.told import tabulate
from services.stats.traces import key_of, trace_of
from shared.events import Attendance, Booking, Course, Leave, Organisation, Presence
from shared.runtime import Database
from tests.support.naive_stats import Data

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = 2023
SPRING = datetime(2023, 5, 4, 8, tzinfo=UTC)
LAST_YEAR = datetime(2022, 5, 4, 8, tzinfo=UTC)
_numbers = count()


def at(year: int, month: int = 5, day: int = 4, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def present(session_id: str = "S1", status: Presence = "attended", recorded_at: datetime = SPRING) -> Attendance:
    return Attendance(session_id=session_id, status=status, recorded_at=recorded_at)


def fact(person_id: str = "", assigned: Mapping[str, datetime] | None = None, **fields: Any) -> Fact:
    """A booking, confirmed and seated in spring 2023 unless told otherwise; each has its own person by default."""
    number = next(_numbers)
    known: dict[str, Any] = {
        "booking_id": f"b{number}",
        "offering_id": "O1",
        "course_id": "C1",
        "person_id": person_id or f"p{number}",
        "organisation_id": None,
        "department": None,
        "status_group": None,
        "status": "confirmed",
        "requested_at": SPRING,
        "seated_at": SPRING,
        "cohorts": list(assigned or {}),
        "version": 1,
    }
    times = [Assignment(cohort, time) for cohort, time in (assigned or {}).items()]
    return Fact(booking=Booking(**(known | fields)), assigned=times, partition=0)


def leave(person_id: str = "", **fields: Any) -> LeaveFact:
    number = next(_numbers)
    known: dict[str, Any] = {
        "leave_id": f"l{number}",
        "person_id": person_id or f"p{number}",
        "organisation_id": "D",
        "department": None,
        "status_group": None,
        "starts_on": date(2023, 3, 6),
        "ends_on": date(2023, 3, 10),
        "days": 5.0,
        "subject": "Politische Bildung",
        "provider": "Volkshochschule",
        "version": 1,
    }
    return LeaveFact(leave=Leave(**(known | fields)), partition=0)


def offering(
    offering_id: str = "O1", sessions: Mapping[str, datetime | None] | None = None, **fields: Any
) -> OfferingFact:
    """An offering of course C1 in person, with one session S1 in spring 2023; `topics` are those of each session."""
    topics = fields.pop("topics", {})
    held = [SessionFact(name, when, topics.get(name, [])) for name, when in (sessions or {"S1": SPRING}).items()]
    known: dict[str, Any] = {
        "course_id": "C1",
        "title": "Ein Lauf",
        "format": "in_person",
        "status": "scheduled",
        "capacity": None,
        "waiting_list": True,
        "delegations": [],
        "released": [],
        "ends_at": max((one.starts_at for one in held if one.starts_at), default=None),
        "version": 1,
    }
    return OfferingFact(offering_id=offering_id, sessions=held, **(known | fields))


def course(
    course_id: str = "C1", title: str = "Ein Kurs", topics: Sequence[str] = (), competencies: Sequence[str] = ()
) -> Course:
    return Course(course_id=course_id, title=title, topics=list(topics), competencies=list(competencies), version=1)


def data(
    *facts: Fact | LeaveFact,
    offerings: Sequence[OfferingFact] = (),
    courses: Sequence[Course] = (),
    organisations: Sequence[Organisation] = (),
) -> Data:
    return Data(
        facts=[one for one in facts if isinstance(one, Fact)],
        leaves=[one for one in facts if isinstance(one, LeaveFact)],
        offerings={one.offering_id: one for one in offerings or [offering()]},
        courses={one.course_id: one for one in courses},
        organisations={one.organisation_id: one for one in organisations},
    )


def columns_of(known: Data, year: int = YEAR) -> Columns:
    """What is read of a year from the database, made without one."""
    runs = {name: run_of(one, BERLIN) for name, one in known.offerings.items()}
    profiles, numbers, made = Profiles(year, known.courses), defaultdict(dict), Columns()  # type: ignore[var-annotated]
    facts: list[Fact | LeaveFact] = [*known.facts, *known.leaves]
    for one in facts:
        trace = trace_of(one, BERLIN)
        number = NOTHING
        if trace is not None:
            number = profiles.number(trace, runs.get(getattr(trace, "offering_id", ""), UNKNOWN))
        if number != NOTHING:
            _, organisation, department, status_group, person = key_of(one, "")
            values = {"organisation": organisation, "department": department, "status_group": status_group}
            made.profile.append(number)
            made.person.append(numbers["person"].setdefault(person, len(numbers["person"])))
            for name, value in values.items():
                made.columns[name].append(numbers[name].setdefault(value, len(numbers[name])))
    made.profiles, made.values = profiles.profiles, {name: [*numbers[name]] for name in made.values}
    return made


def known_of(data: Data, year: int = YEAR) -> Known:
    """All that is told of a year."""
    columns = columns_of(data, year)
    return Known(
        tabulate(columns, decide(columns, 5)),
        {name: one.title for name, one in data.courses.items()},
        {name: one.name for name, one in data.organisations.items()},
        data.as_of,
        data.since,
    )


def report(known: Data, year: int = YEAR, organisation: str | None = None) -> dict[str, Any]:
    told = known_of(known, year)
    assert is_known(organisation, told)
    return report_of(Question(year, organisation), told, BERLIN)


def row(found: dict[str, Any], dimension: str, key: str | None) -> dict[str, Any]:
    [one] = [one for one in found["by"][dimension] if one["key"] == key]
    return dict(one)


async def plant(database: Database, store: Store, *entities: Entity) -> None:
    """What stands in the database after these have been heard of: offerings first, all on their own partition."""
    places: dict[type[Entity], tuple[str, str]] = {
        Fact: ("facts", "booking.booking_id"),
        LeaveFact: ("leaves", "leave.leave_id"),
        OfferingFact: ("offerings", "offering_id"),
        Course: ("courses", "course_id"),
        Organisation: ("organisations", "organisation_id"),
    }
    state = State(Counts(store.zone))
    for one in sorted(entities, key=lambda one: not isinstance(one, OfferingFact)):
        collection, key = places[type(one)]
        state.take((collection, attrgetter(key)(one)), one)
    for name, writes in store.writes(state).items():
        await database[name].bulk_write(writes)
