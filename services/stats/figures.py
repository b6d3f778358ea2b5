"""The figures of the report (design section 4, "The report"): what one trace adds to those of a year. Pure."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from services.stats.counters import LeaveTrace, Trace
from services.stats.domain import OfferingFact, session_years

LEARNING: Final = ("bookings", "persons", "participants", "waiting", "cancelled", "no_shows", "completions")
LEAVE: Final = ("leave_persons", "leave_days")
MEASURES: Final = (*LEARNING, *LEAVE)
COHORT: Final = ("assigned", "fulfilled", "open")
OPEN_DIMENSIONS: Final = ("course", "format", "topic", "competency")
CLOSED_DIMENSIONS: Final = ("department", "status_group", "organisation")
DIMENSIONS: Final = (*OPEN_DIMENSIONS, *CLOSED_DIMENSIONS)
PRESENT: Final = frozenset({"attended", "partly"})

Figure = int | float
Sessions = Mapping[str, int]
"""The year of each session of an offering that has a time."""


def figures(trace: Trace | LeaveTrace, offering: OfferingFact | None, zone: tzinfo, year: int) -> dict[str, Figure]:
    """What one fact with this trace adds to a year's figures, persons apart: {measure: amount}, none of them 0."""
    if isinstance(trace, LeaveTrace):
        return leave_figures(trace, year)
    return booking_figures(trace, offering, session_years(offering, zone), year)


def booking_figures(trace: Trace, offering: OfferingFact | None, sessions: Sessions, year: int) -> dict[str, Figure]:
    """The same for a booking, with the years of its offering's sessions at hand."""
    web_based = offering is not None and offering.format == "web_based"
    recorded = [sessions.get(one.session_id, one.recorded) for one in trace.attendance]
    absent = all(one.status == "absent" for one in trace.attendance)
    completed = trace.completed == year
    true = {
        "bookings": trace.seated == year,
        "cancelled": trace.seated == year and trace.status == "cancelled",
        "participants": bool(attended(trace, sessions, year)) or (completed and web_based),
        "completions": completed,
        "no_shows": trace.status == "confirmed" and bool(recorded) and absent and max(recorded) == year,
        "waiting": trace.waits_from is not None and trace.waits_from <= year < (trace.waits_to or year + 1),
    }
    return {measure: 1 for measure, holds in true.items() if holds}


def leave_figures(trace: LeaveTrace, year: int) -> dict[str, Figure]:
    """The same for a leave."""
    return {"leave_days": trace.days} if trace.year == year else {}


def attended(trace: Trace, sessions: Sessions, year: int) -> list[str]:
    """The sessions of that year with the person there; one without a time belongs to the year of the recording."""
    return [
        one.session_id
        for one in trace.attendance
        if one.status in PRESENT and sessions.get(one.session_id, one.recorded) == year
    ]
