"""Counters as numbers of traces (design section 3, mechanism 10). Pure.

A counter says how many facts of one partition have left the same trace: the offering, organisation, department and
status group, and all that the figures of a year depend on, without the person. So a change of a fact takes one from the
old trace's counter and adds one to the new one's, and nothing has to be counted again when an offering's format changes
or one of its sessions moves into another year: both are joined when the counters are read.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo
from hashlib import blake2b

import msgspec

from services.stats.domain import Assignment, Entity, Fact, LeaveFact, year_of
from shared.events import Booking, Presence, Status


class Presences(msgspec.Struct, frozen=True, order=True):
    """The attendance recorded of one session, and the year (local) in which it was."""

    session_id: str
    status: Presence
    recorded: int


class Trace(msgspec.Struct, frozen=True, kw_only=True, tag="booking", tag_field="kind"):
    """All that a booking's figures depend on, without the person. Years are those of the configured time zone.

    It waits at the end of every year from `waits_from` until before `waits_to` (null: it waits still).
    """

    partition: int
    offering_id: str
    course_id: str
    organisation_id: str | None
    department: str | None
    status_group: str | None
    status: Status
    seated: int | None
    waits_from: int | None
    waits_to: int | None
    attendance: tuple[Presences, ...]
    completed: int | None


class LeaveTrace(msgspec.Struct, frozen=True, kw_only=True, tag="leave", tag_field="kind"):
    """All that a leave's figures depend on, without the person."""

    partition: int
    organisation_id: str
    department: str | None
    status_group: str | None
    year: int
    days: float


def trace_of(entity: Entity | None, zone: tzinfo) -> Trace | LeaveTrace | None:
    """What the entity counts as; None where it does not count."""
    match entity:
        case Fact():
            return _booking_trace(entity, zone)
        case LeaveFact(leave=leave) if leave.ended_at is None:
            where = {name: getattr(leave, name) for name in ("organisation_id", "department", "status_group", "days")}
            return LeaveTrace(**where, partition=entity.partition, year=leave.starts_on.year)
    return None


def differences(old: Entity | None, new: Entity, zone: tzinfo) -> Counter[Trace | LeaveTrace]:
    """What to add to the counters when an entity changes: -1, +1, or nothing where the trace stays."""
    change: Counter[Trace | LeaveTrace] = Counter()
    before, after = trace_of(old, zone), trace_of(new, zone)
    if before != after:
        for trace, by in ((before, -1), (after, 1)):
            if trace is not None:
                change[trace] += by
    return change


def counters_of(facts: Iterable[Fact | LeaveFact], zone: tzinfo) -> dict[str, int]:
    """The counters that must stand in the database for these facts: {counter id: n}, n > 0."""
    traces = (trace_of(fact, zone) for fact in facts)
    return dict(Counter(counter_id(trace) for trace in traces if trace is not None))


def counter_id(trace: Trace | LeaveTrace) -> str:
    """The _id of a trace's counter: a digest, because ids of an LMS may hold what field names must not."""
    return blake2b(msgspec.json.encode(trace), digest_size=16).hexdigest()


def years_of(trace: Trace | LeaveTrace, assigned: Iterable[Assignment] = (), zone: tzinfo | None = None) -> set[int]:
    """The years that the trace matters for by itself; those of its offering's sessions come on top when it is read."""
    years = {year_of(one.at, zone) for one in assigned} if zone else set()
    if isinstance(trace, LeaveTrace):
        return years | {trace.year}
    years |= {year for year in (trace.seated, trace.completed) if year is not None}
    years |= {one.recorded for one in trace.attendance}
    if trace.waits_from is not None:
        years |= set(range(trace.waits_from, trace.waits_to or trace.waits_from + 1))
    return years


def _booking_trace(fact: Fact, zone: tzinfo) -> Trace:
    booking = fact.booking

    def year(moment: datetime | None) -> int | None:
        return None if moment is None else year_of(moment, zone)

    since, until = booking.waiting_since, _waiting_until(booking)
    return Trace(
        partition=fact.partition,
        offering_id=booking.offering_id,
        course_id=booking.course_id,
        organisation_id=booking.organisation_id,
        department=booking.department,
        status_group=booking.status_group,
        status=booking.status,
        seated=year(booking.seated_at),
        waits_from=year(since),
        waits_to=year(until),
        attendance=tuple(
            sorted(Presences(one.session_id, one.status, year_of(one.recorded_at, zone)) for one in booking.attendance)
        ),
        completed=year(booking.completed_at),
    )


def _waiting_until(booking: Booking) -> datetime | None:
    """When the waiting ended. Acts may carry times that put it before the beginning: then it is the beginning."""
    since = booking.waiting_since
    if since is None or booking.status == "waiting":
        return None
    return max(since, booking.waiting_until or booking.seated_at or booking.ended_at or since)
