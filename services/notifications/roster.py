"""The roster of an offering: what is kept of its bookings, and what the pages say about them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from services.notifications.messages import Contact
from services.notifications.searching import plain
from services.notifications.state import Cause, Entry, Outcome, State
from shared.events import Attendance, Booking, Offering, Organisation, Presence, Session
from shared.series import attended_all

Known = Literal["named", "unknown", "erased"]
PRESENCES: Final[Sequence[Presence]] = ("attended", "partly", "absent", "excused")


def entry(known: Entry | None, booking: Booking, *, erased: bool) -> Entry:
    """A booking as the roster keeps it; `erased`: this change gave it the pseudonym of an erased person."""
    kept = msgspec.convert(booking, Entry, from_attributes=True)
    is_same = known is not None and known.status == booking.status
    since = known.since if known is not None and is_same else booking.version
    return msgspec.structs.replace(kept, since=since, erased=erased or (known is not None and known.erased))


def organisation_changed(state: State, cause: Cause) -> Outcome:
    """enrolment.organisation.changed.v1: the pages show its name."""
    organisation: Organisation = cause.event.data
    known = state.organisations.get(organisation.organisation_id)
    if known is not None and organisation.version <= known.version:
        return "repeated"
    state.organisations[organisation.organisation_id] = organisation
    state.changed.add(("organisations", organisation.organisation_id))
    return "applied"


# --- what the pages say ---------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A booking on a page. `name`, `email`: None where nobody has told them, or where they are erased.

    `place`: on the waiting list, counted from 1. `presence`: by session_id, of those recorded. `whole`: attended all
    modules.
    """

    entry: Entry
    known: Known
    name: str | None
    email: str | None
    place: int | None
    overdue: bool
    presence: Mapping[str, Presence]
    whole: bool


def row(entry: Entry, contact: Contact | None, offering: Offering, now: datetime, place: int | None = None) -> Row:
    """A booking with what is known of its person at this moment."""
    person = contact.person if contact else None
    is_gone = entry.erased or (contact is not None and person is None)
    return Row(
        entry,
        "erased" if is_gone else "named" if person else "unknown",
        person.display_name if person else None,
        person.email if person else None,
        place,
        is_overdue(entry, offering, now),
        presence(entry.attendance),
        attended_all(offering.sessions, entry.attendance),
    )


def presence(attendance: Iterable[Attendance]) -> Mapping[str, Presence]:
    """session_id -> what was recorded."""
    return {one.session_id: one.status for one in attendance}


def is_overdue(entry: Entry, offering: Offering, now: datetime) -> bool:
    """A request that nobody answered in time: booking has closed, or the offering has begun (design section 4)."""
    starts = [session.starts_at for session in offering.sessions if session.starts_at is not None]
    limits = [limit for limit in (offering.booking_closes_at, min(starts, default=None)) if limit is not None]
    return entry.status == "awaiting_approval" and any(limit <= now for limit in limits)


def by_name(row: Row) -> tuple[bool, list[str], str]:
    """As people look for themselves on a list: by the last word of the name; the nameless last, by pseudonym."""
    words = plain(row.name or "").split()
    return not words, words[-1:] + words[:-1], row.entry.person_id


def session_of(offering: Offering, session_id: str) -> Session | None:
    """The session asked for; the first one where none is asked for; None where it is not known."""
    if not session_id:
        return offering.sessions[0] if offering.sessions else None
    return next((one for one in offering.sessions if one.session_id == session_id), None)


def recorded(rows: Iterable[Row], session_id: str) -> int:
    """Of how many it is recorded whether they were there."""
    return sum(session_id in one.presence for one in rows)
