"""The figures of the report (design section 4, "The report"): what one trace adds to, and when. Pure."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Final

import msgspec

from services.stats.domain import OfferingFact, month_of
from services.stats.traces import AnyTrace, LeaveTrace, Trace

LEARNING: Final = ("bookings", "persons", "participants", "waiting", "cancelled", "no_shows", "completions")
LEAVE: Final = ("leave_persons", "leave_days")
MEASURES: Final = (*LEARNING, *LEAVE)
COHORT: Final = ("assigned", "fulfilled", "open")
OPEN_DIMENSIONS: Final = ("course", "format", "topic", "competency")
CLOSED_DIMENSIONS: Final = ("department", "status_group", "organisation")
DIMENSIONS: Final = (*OPEN_DIMENSIONS, *CLOSED_DIMENSIONS)
PRESENT: Final = frozenset({"attended", "partly"})
MILLION: Final = 1_000_000
"""Days of leave are summed up in millionths: sums of floats would depend on their order."""

Figure = int | float


class Run(msgspec.Struct, frozen=True):
    """An offering as its figures see it; `months` of the sessions that have a time."""

    course_id: str | None = None
    format: str | None = None
    months: Mapping[str, int] = {}
    topics: Mapping[str, list[str]] = {}


UNKNOWN: Final = Run()
"""An offering that has not been heard of."""


def run_of(offering: OfferingFact | None, zone: tzinfo) -> Run:
    """What figures need of an offering."""
    if offering is None:
        return UNKNOWN
    months = {one.session_id: month_of(one.starts_at, zone) for one in offering.sessions if one.starts_at}
    topics = {one.session_id: one.topics for one in offering.sessions}
    return Run(offering.course_id, offering.format, months, topics)


def counted(trace: Trace, run: Run) -> Iterator[tuple[str, int]]:
    """(measure, month) of all that a booking counts as, waiting aside; persons are counted where participants are.

    A participant has one for every month in which sessions were attended, and counts once a year.
    """
    if trace.seated is not None:
        yield "bookings", trace.seated
        if trace.status == "cancelled":
            yield "cancelled", trace.seated
    if trace.completed is not None:
        yield "completions", trace.completed
        if run.format == "web_based":
            yield "participants", trace.completed
    for month, _ in attended(trace, run):
        yield "participants", month
    if trace.attendance and trace.status == "confirmed" and all(one.status == "absent" for one in trace.attendance):
        yield "no_shows", max(run.months.get(one.session_id, one.recorded) for one in trace.attendance)


def attended(trace: Trace, run: Run) -> Iterator[tuple[int, str]]:
    """(month, session_id) of the sessions with the person there; without a time, the month of the recording."""
    for one in trace.attendance:
        if one.status in PRESENT:
            yield run.months.get(one.session_id, one.recorded), one.session_id


def waits(trace: Trace, year: int) -> bool:
    """True if the booking waits at the end of that year, or now."""
    return trace.waits_from is not None and trace.waits_from <= year < (trace.waits_to or year + 1)


def yearly(trace: AnyTrace, run: Run) -> dict[tuple[int, str], int]:
    """{(year, measure): amount}: what one fact adds to the sums, persons apart; -y: every year from y on.

    `leave_days` in millionths.
    """
    if isinstance(trace, LeaveTrace):
        return {(trace.year, "leave_days"): round(trace.days * MILLION)}
    sums = {(month // 12, measure): 1 for measure, month in counted(trace, run)}
    if trace.waits_from is not None:
        until = trace.waits_to
        years = (-trace.waits_from,) if until is None else range(trace.waits_from, until)
        sums |= {(year, "waiting"): 1 for year in years}
    return sums


def fulfilled(trace: Trace) -> bool:
    """True for a participant and for who has completed, whenever that was."""
    return trace.completed is not None or any(one.status in PRESENT for one in trace.attendance)
