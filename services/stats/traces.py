"""Traces: all that the figures of a fact depend on, apart from whose it is. Pure.

What an offering says (its format, when its sessions are) is joined when a figure is made, so a trace outlives a
switched format and a session that moved into another year. Months are numbers, twelve a year: year = month // 12.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import tzinfo
from hashlib import blake2b

import msgspec

from services.stats.domain import Entity, Fact, LeaveFact, month_of, year_of
from shared.events import Booking, Presence, Status

Key = tuple[str, str | None, str | None, str | None, str]
"""A fact in short: the id of its trace, and whose it is: organisation, department, status group, person."""


class Presences(msgspec.Struct, frozen=True, order=True):
    """The attendance recorded of one session, and the month (local) in which it was."""

    session_id: str
    status: Presence
    recorded: int


class Trace(msgspec.Struct, frozen=True, kw_only=True, tag="booking", tag_field="kind"):
    """What a booking counts as. Months and years are those of the configured time zone.

    It waits at the end of every year from `waits_from` until before `waits_to` (null: it waits still); both null: of
    none. `cohorts`: with the year of the assignment.
    """

    partition: int
    offering_id: str
    course_id: str
    status: Status
    seated: int | None
    waits_from: int | None
    waits_to: int | None
    attendance: tuple[Presences, ...]
    completed: int | None
    cohorts: tuple[tuple[str, int], ...]


class LeaveTrace(msgspec.Struct, frozen=True, kw_only=True, tag="leave", tag_field="kind"):
    """What a leave counts as; days count to the millionth."""

    partition: int
    year: int
    days: float


AnyTrace = Trace | LeaveTrace


def trace_of(entity: Entity | None, zone: tzinfo) -> AnyTrace | None:
    """What the entity counts as; None where it does not count."""
    match entity:
        case Fact():
            return _booking_trace(entity, zone)
        case LeaveFact(leave=leave) if leave.ended_at is None:
            return LeaveTrace(partition=entity.partition, year=leave.starts_on.year, days=round(leave.days, 6))
    return None


def trace_id(trace: AnyTrace) -> str:
    """16 characters that tell traces apart."""
    return urlsafe_b64encode(blake2b(msgspec.json.encode(trace), digest_size=12).digest()).decode()


def key_of(entity: Fact | LeaveFact, name: str) -> Key:
    """The fact in short; `name`: the id of its trace."""
    data = entity.booking if isinstance(entity, Fact) else entity.leave
    return name, data.organisation_id, data.department, data.status_group, data.person_id


def years_of(trace: AnyTrace) -> list[int]:
    """The years that the trace counts in, those of its offering's sessions aside; -y: every year from y on."""
    return sorted(set(_years(trace)))


def counting_in(year: int) -> dict[str, list[int]]:
    """What to look for among such years, as MongoDB is asked."""
    return {"$in": [year, *(-earlier for earlier in range(FIRST_YEAR, year + 1))]}


FIRST_YEAR = 1900
"""Earlier times are refused at the door."""


def _years(trace: AnyTrace) -> Iterator[int]:
    if isinstance(trace, LeaveTrace):
        yield trace.year
        return
    yield from (month // 12 for month in (trace.seated, trace.completed) if month is not None)
    yield from (one.recorded // 12 for one in trace.attendance)
    yield from (year for _, year in trace.cohorts)
    if trace.waits_from is not None:
        yield from (-trace.waits_from,) if trace.waits_to is None else range(trace.waits_from, trace.waits_to)


def _booking_trace(fact: Fact, zone: tzinfo) -> Trace:
    booking = fact.booking
    since, until = _waiting(booking, zone)
    presences = [Presences(one.session_id, one.status, month_of(one.recorded_at, zone)) for one in booking.attendance]
    return Trace(
        partition=fact.partition,
        offering_id=booking.offering_id,
        course_id=booking.course_id,
        status=booking.status,
        seated=month_of(booking.seated_at, zone) if booking.seated_at else None,
        waits_from=since,
        waits_to=until,
        attendance=tuple(sorted(presences)),
        completed=month_of(booking.completed_at, zone) if booking.completed_at else None,
        cohorts=tuple(sorted((one.cohort, year_of(one.at, zone)) for one in fact.assigned)),
    )


def _waiting(booking: Booking, zone: tzinfo) -> tuple[int | None, int | None]:
    """The first year at whose end it waits, and the first after that. Acts may carry times that end it too early."""
    since = booking.waiting_since
    if since is None:
        return None, None
    first = year_of(since, zone)
    if booking.status == "waiting":
        return first, None
    until = year_of(max(since, booking.waiting_until or booking.seated_at or booking.ended_at or since), zone)
    return (first, until) if first < until else (None, None)
