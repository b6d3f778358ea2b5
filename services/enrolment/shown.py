"""What the pages say about an offering and its bookings, as fixed words and lengths. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from services.enrolment.views import Seats
from shared.events import Booking, Offering

State = Literal["cancelled", "over", "not_open", "closed", "full", "free", "unlimited"]
Use = Literal["confirmed", "kept", "free", "waiting"]


class Part(NamedTuple):
    """A piece of a bar that is 100 long: who has these seats, how many, from where, how far."""

    use: Use
    people: int
    start: float
    length: float


class Next(NamedTuple):
    """A session by its place among those with a time, counted from 1."""

    starts: datetime
    ends: datetime
    number: int
    of: int


def next_session(offering: Offering, now: datetime) -> Next | None:
    """The session that is on or comes next, or the last one; None where none has a time."""
    times = sorted((one.starts_at, one.ends_at) for one in offering.sessions if one.starts_at and one.ends_at)
    if not times:
        return None
    number = next((place for place, (_, ends) in enumerate(times) if ends >= now), len(times) - 1)
    return Next(*times[number], number + 1, len(times))


def state(offering: Offering, seats: Seats, now: datetime) -> State:
    """The one word that tells whether booking is worth it; the strongest obstacle wins."""
    if offering.status == "cancelled":
        return "cancelled"
    ends = [session.ends_at for session in offering.sessions if session.ends_at is not None]
    if ends and max(ends) < now:
        return "over"
    if offering.booking_opens_at is not None and now < offering.booking_opens_at:
        return "not_open"
    if offering.booking_closes_at is not None and now >= offering.booking_closes_at:
        return "closed"
    if seats.free is None:
        return "unlimited"
    return "free" if seats.free else "full"


def kept(seats: Seats) -> int | None:
    """Seats set aside for delegations and not taken; None without a limit."""
    if seats.capacity is None or seats.free is None:
        return None
    return max(0, seats.capacity - seats.confirmed - seats.free)


def bar(offering: Offering, seats: Seats) -> Sequence[Part]:
    """All seats, then the waiting list, as pieces of a bar; nothing without a limit or once it is cancelled.

    A list longer than the offering is drawn as long as the offering, or the seats could not be seen any more.
    """
    if seats.capacity is None or seats.free is None or offering.status == "cancelled":
        return ()
    room = max(seats.capacity, seats.confirmed)
    drawn = min(seats.waiting, max(room, 1))
    lengths: list[tuple[Use, int, int]] = [
        ("confirmed", seats.confirmed, seats.confirmed),
        ("kept", kept(seats) or 0, kept(seats) or 0),
        ("free", seats.free, seats.free),
        ("waiting", seats.waiting, drawn),
    ]
    return _laid_out([one for one in lengths if one[1]])


def _laid_out(lengths: Sequence[tuple[Use, int, int]]) -> Sequence[Part]:
    whole, start, parts = sum(length for _, _, length in lengths), 0.0, []
    for use, people, length in lengths:
        share = round(100 * length / whole, 2)
        parts.append(Part(use, people, round(start, 2), share))
        start += share
    return parts


def overdue(booking: Booking, offering: Offering, now: datetime) -> bool:
    """A request that nobody answered in time: booking has closed, or the offering has begun (design section 4)."""
    return booking.status == "awaiting_approval" and _is_late(offering, now)


def is_overdue(offering: Offering, seats: Seats, now: datetime) -> bool:
    """Whether requests of this offering are overdue."""
    return seats.awaiting_approval > 0 and offering.status != "cancelled" and _is_late(offering, now)


def _is_late(offering: Offering, now: datetime) -> bool:
    starts = [session.starts_at for session in offering.sessions if session.starts_at is not None]
    limits = [limit for limit in (offering.booking_closes_at, min(starts, default=None)) if limit is not None]
    return any(limit <= now for limit in limits)


def present(booking: Booking) -> tuple[int, int]:
    """In how many sessions the person was, at least partly, and of how many that is recorded."""
    there = [one for one in booking.attendance if one.status in ("attended", "partly")]
    return len(there), len(booking.attendance)
