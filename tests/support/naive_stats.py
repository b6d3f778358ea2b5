"""The figures of a year, naively: booking by booking, with all the people behind each figure in sets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from services.stats.domain import Fact, LeaveFact, OfferingFact
from services.stats.figures import (
    COHORT,
    DIMENSIONS,
    Figure,
    Run,
    attended,
    counted,
    fulfilled,
    run_of,
    waits,
)
from services.stats.traces import LeaveTrace, Trace, trace_of
from shared.events import Course, Organisation

_BEHIND: Final = {"persons": "participants", "leave_persons": "leave_days", "open": "assigned"}

Key = str | None
CohortKey = tuple[str, str]


@dataclass(slots=True)
class Data:
    """One state of the data, as far as a year depends on it (more does no harm)."""

    facts: Iterable[Fact] = ()
    leaves: Iterable[LeaveFact] = ()
    offerings: Mapping[str, OfferingFact] = field(default_factory=dict)
    courses: Mapping[str, Course] = field(default_factory=dict)
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    as_of: datetime | None = None
    since: datetime | None = None


class Cell:
    """The figures of one row and the people behind each of them."""

    __slots__ = ("_amounts", "_people")

    def __init__(self) -> None:
        self._amounts: dict[str, Figure] = {}
        self._people: dict[str, set[str]] = {}

    def add(self, measure: str, amount: Figure, person: str) -> None:
        """Count an amount for a person."""
        self._amounts[measure] = self._amounts.get(measure, 0) + amount
        self._people.setdefault(measure, set()).add(person)

    def figure(self, measure: str) -> Figure:
        """The figure itself."""
        if measure in COHORT or measure in _BEHIND:
            return self.stands_for(measure)
        amount = round(self._amounts.get(measure, 0), 6)
        return int(amount) if amount == int(amount) else amount

    def stands_for(self, measure: str) -> int:
        """How many different people are behind it."""
        people = self._people.get(_BEHIND.get(measure, measure), set())
        return len(people - self._people.get("fulfilled", set()) if measure == "open" else people)


class Table:
    """Rows of all dimensions, and the cohorts, of the whole or of one organisation."""

    def __init__(self) -> None:
        self.totals = Cell()
        self.rows: dict[str, defaultdict[Key, Cell]] = {dimension: defaultdict(Cell) for dimension in DIMENSIONS}
        self.cohorts: defaultdict[CohortKey, Cell] = defaultdict(Cell)


@dataclass(slots=True)
class Tables:
    """`whole`, and one table for each organisation (null: those without one) that has figures."""

    whole: Table = field(default_factory=Table)
    narrowed: defaultdict[Key, Table] = field(default_factory=lambda: defaultdict(Table))

    def both(self, organisation_id: Key) -> tuple[Table, Table]:
        """The two tables in which what happened in an organisation counts."""
        return self.whole, self.narrowed[organisation_id]


def tabulate(data: Data, year: int, zone: tzinfo) -> Tables:
    """Count all facts for one year."""
    tables = Tables()
    runs = {offering_id: run_of(offering, zone) for offering_id, offering in data.offerings.items()}
    for fact in data.facts:
        _count(tables, data, fact, runs.get(fact.booking.offering_id, Run()), (year, zone))
    for leave in data.leaves:
        trace = trace_of(leave, zone)
        if isinstance(trace, LeaveTrace) and trace.year == year:
            _count_leave(tables, trace, leave)
    return tables


def _count(tables: Tables, data: Data, fact: Fact, run: Run, when: tuple[int, tzinfo]) -> None:
    year, zone = when
    booking, trace = fact.booking, trace_of(fact, zone)
    if not isinstance(trace, Trace):
        return
    amounts = {measure for measure, month in counted(trace, run) if month // 12 == year}
    amounts |= {"waiting"} if waits(trace, year) else set()
    cohorts = [cohort for cohort, of in trace.cohorts if of == year]
    if not amounts and not cohorts:
        return
    there = [session_id for month, session_id in attended(trace, run) if month // 12 == year]
    keys = _keys(fact, run, data.courses)
    participant = keys | {"topic": _topics(keys["course"], run, data.courses, there)}
    for table in tables.both(booking.organisation_id):
        for measure in amounts:
            _add(table, participant if measure == "participants" else keys, measure, 1, booking.person_id)
        table.rows["organisation"][booking.organisation_id]  # so that whoever has a cohort has a row
        for cohort in cohorts:
            _add_cohort(table.cohorts[cohort, booking.offering_id], booking.person_id, trace)


def _count_leave(tables: Tables, trace: LeaveTrace, fact: LeaveFact) -> None:
    leave = fact.leave
    keys: dict[str, set[Key]] = {name: {getattr(leave, field)} for name, field in _FIELDS.items()}
    for table in tables.both(leave.organisation_id):
        _add(table, keys, "leave_days", trace.days, leave.person_id)


_FIELDS: Final = {"department": "department", "status_group": "status_group", "organisation": "organisation_id"}


def _keys(fact: Fact, run: Run, courses: Mapping[str, Course]) -> dict[str, set[Key]]:
    """The rows under which a booking counts; what is missing counts under null."""
    course_id = run.course_id or fact.booking.course_id
    course = courses.get(course_id)
    return {
        "course": {course_id},
        "format": {run.format},
        "topic": _topics({course_id}, run, courses, run.topics),
        "competency": {*course.competencies} or {None} if course else {None},
        **{dimension: {getattr(fact.booking, name)} for dimension, name in _FIELDS.items()},
    }


def _topics(course_ids: Iterable[Key], run: Run, courses: Mapping[str, Course], sessions: Iterable[str]) -> set[Key]:
    """The topics of the course and of these sessions."""
    of_course = (courses[one].topics for one in course_ids if one is not None and one in courses)
    return set().union(*of_course, *(run.topics.get(session_id, ()) for session_id in sessions)) or {None}


def _add(table: Table, keys: Mapping[str, set[Key]], measure: str, amount: Figure, person: str) -> None:
    table.totals.add(measure, amount, person)
    for dimension, rows in keys.items():
        for key in rows:
            table.rows[dimension][key].add(measure, amount, person)


def _add_cohort(cell: Cell, person: str, trace: Trace) -> None:
    cell.add("assigned", 1, person)
    if fulfilled(trace):
        cell.add("fulfilled", 1, person)
