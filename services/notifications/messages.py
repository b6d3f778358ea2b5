"""A message: one per outcome and reader, from planned to sent, failed, withheld or unclear. Pure."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from shared.events import Leave, Offering, Person, Session

Kind = Literal[
    "confirmed",
    "waitlisted",
    "promoted",
    "refused",
    "cancelled",
    "received",
    "approval_requested",
    "rescheduled",
    "format_changed",
    "offering_cancelled",
    "reminder",
    "certificate",
    "leave_granted",
    "leave_withdrawn",
    "roster",
]
MessageStatus = Literal["planned", "sent", "failed", "withheld", "unclear"]
NO_ADDRESS: Final = "no_address"
PATIENCE: Final = timedelta(days=3)
"""So long a message waits for its reader's address."""
TRIES: Final = timedelta(days=4)
"""So long a message is tried, from the first try on (RFC 5321, 4.5.4.1)."""
PAUSES: Final = tuple(timedelta(minutes=n) for n in (1, 5, 15, 30, 60))
"""Before the second try, the third, ...; the last one repeats."""
ONCE_MORE: Final = timedelta(minutes=15)
"""So long after an unclear try an outcome is sent a second time, with the same Message-ID."""
NEVER_TWICE: Final[frozenset[Kind]] = frozenset({"reminder"})
"""Kinds of which one too few is better than one too many."""


class Message(msgspec.Struct, kw_only=True):
    """What is told to one reader. `about` is the person of the booking or leave, mostly the reader themselves.

    `person_id` is the reader; a supervisor is known only with the contact of `about`, until then it is None.
    `mentions`: everybody whose name or address the mail may hold. No field but `to` holds one itself.
    """

    message_id: str
    kind: Kind
    person_id: str | None
    about: str
    mentions: list[str]
    created_at: datetime
    order: str
    offering_id: str | None = None
    booking_id: str | None = None
    session_id: str | None = None
    starts_at: datetime | None = None
    """A reminder's: when the session began as it was planned."""
    days: int | None = None
    """A reminder's: so many days before."""
    booking_reason: str | None = None
    waiting: bool = False
    late: bool = False
    leave: Leave | None = None
    version: int = 0
    """Of the offering's counter: the change that it tells."""
    invited: bool = False
    """The person has a seat, or had one until now: the sessions stand in their calendar."""
    changed: list[str] = []
    """The sessions that are new or not as they were."""
    dropped: list[Session] = []
    """Sessions that stood in the person's calendar and that the offering has no more."""
    people: list[str] = []
    """A roster's: who comes."""
    to: str | None = None
    subject: str | None = None
    language: str | None = None
    status: MessageStatus = "planned"
    reason: str | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    """The first try that the mail server did not take."""


class Contact(msgspec.Struct, frozen=True):
    """The latest record of a person on `lms.people`; `person` is None once erased."""

    person_id: str
    offset: int
    person: Person | None


class Verdict(msgspec.Struct, frozen=True):
    """What to do with a message now: `send`, `wait` for an address, or `withhold` it for a reason."""

    what: Literal["send", "wait", "withhold"]
    reason: str | None = None


def identity(*parts: object) -> str:
    """An id that the same parts always give, and others never."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def order_key(created_at: datetime, *parts: int | str) -> str:
    """Sorts as text in the order of creation: the moment, then the place on the log."""
    moment = created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return "/".join([moment, *(f"{part:015}" if isinstance(part, int) else part for part in parts)])


def verdict(
    message: Message,
    about: Contact | None,
    reader: Contact | None,
    offering: Offering | None,
    now: datetime,
    zone: ZoneInfo,
) -> Verdict:
    """Decide about a message that is due, with what is known at this moment."""
    if any(contact is not None and contact.person is None for contact in (about, reader)):
        return Verdict("withhold", "erased")
    if (obstacle := _outdated(message, offering, now, zone)) is not None:
        return Verdict("withhold", obstacle)
    if about is not None and message.person_id is None:
        return Verdict("withhold", "no_supervisor")
    if about is None or reader is None:
        return Verdict("withhold" if now >= message.created_at + PATIENCE else "wait", NO_ADDRESS)
    return Verdict("send")


def once_more(message: Message, now: datetime) -> datetime | None:
    """When a message is sent a second time after a try whose end nobody knows; None: not at all."""
    return now + ONCE_MORE if message.status == "planned" and message.kind not in NEVER_TWICE else None


def _outdated(message: Message, offering: Offering | None, now: datetime, zone: ZoneInfo) -> str | None:
    if message.leave is not None:
        return "over" if message.leave.ends_on < today(now, zone) else None
    if offering is not None and is_over(offering, now) and message.kind != "certificate":
        return "over"
    if offering is None or message.kind not in ("reminder", "roster"):
        return None
    if offering.status == "cancelled":
        return "offering_cancelled"
    session = session_of(message, offering)
    if session is None or session.starts_at != message.starts_at:
        return "moved"
    return "over" if session.starts_at is not None and now >= session.starts_at else None


def session_of(message: Message, offering: Offering) -> Session | None:
    """The session that a reminder is about, if the offering still has it."""
    return next((session for session in offering.sessions if session.session_id == message.session_id), None)


def is_over(offering: Offering, now: datetime) -> bool:
    """True once all sessions with a time have ended; an offering without such a session is never over."""
    ends = [session.ends_at for session in offering.sessions if session.ends_at is not None]
    return bool(ends) and max(ends) < now


def today(now: datetime, zone: ZoneInfo) -> date:
    """The day in the zone whose days count."""
    return now.astimezone(zone).date()


def after_refusal(message: Message, offering: Offering | None, now: datetime) -> datetime | None:
    """When to try again after the mail server said "not now" (`attempts` times, this one included); None: no more."""
    next_try = now + PAUSES[min(message.attempts, len(PAUSES)) - 1]
    end = last_try(message, offering)
    if now + PAUSES[0] > (message.tried_at or now) + TRIES or (end is not None and next_try >= end):
        return None
    return next_try


def last_try(message: Message, offering: Offering | None) -> datetime | None:
    """When the session of a reminder begins, or the last one of the offering; None if that was so when it was planned.

    What is told of an offering that has begun already must still get past a server that says "later" to everybody once.
    """
    if message.kind == "reminder" or offering is None:
        return message.starts_at
    starts = [session.starts_at for session in offering.sessions if session.starts_at is not None]
    return max(starts) if starts and max(starts) > message.created_at else None


def look_again(message: Message, now: datetime) -> datetime:
    """When to look again for an address: after as long as it waits already, between a second and an hour.

    The arrival of the address makes the message due at once; this is for an arrival in the same moment.
    """
    waited = now - message.created_at
    return now + min(max(waited, timedelta(seconds=1)), timedelta(hours=1))
