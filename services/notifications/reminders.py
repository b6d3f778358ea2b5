"""When which session is to be remembered: one due document per session and lead time. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from services.notifications.messages import Message, identity, order_key
from shared.events import Offering


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """`days` before it begins, a session's confirmed people are reminded, if nothing moves it before.

    `version` is the offering's that set the session's time; `after` is the last booking already reminded.
    """

    due_id: str
    offering_id: str
    session_id: str
    days: int
    at: datetime
    starts_at: datetime
    partition: int
    version: int
    after: str = ""


class Changes(msgspec.Struct, frozen=True):
    """The sessions (or due documents) that are dropped, and then the new due documents."""

    dropped: Sequence[str] = ()
    added: Sequence[Due] = ()


def due_changes(
    old: Offering | None, new: Offering, now: datetime, lead_days: Sequence[int], partition: int
) -> Changes:
    """What a new state of an offering means: a lead time whose moment has passed gets no due document."""
    before = _starts(old)
    after = _starts(new) if new.status == "scheduled" else {}
    moved = {session_id: start for session_id, start in after.items() if before.get(session_id) != start}
    added = [due for due in _all(new, moved, lead_days, partition) if due.at > now]
    return Changes([session_id for session_id in before if after.get(session_id) != before[session_id]], added)


def recomputed(
    there: Sequence[Due], offering: Offering, now: datetime, lead_days: Sequence[int], partition: int
) -> Changes:
    """What other lead times mean for an offering, by due_id.

    One whose moment has passed gets none; what is late in firing stays as it is.
    """
    starts = _starts(offering) if offering.status == "scheduled" else {}
    wanted = {due.due_id: due for due in _all(offering, starts, lead_days, partition)}
    good = {due.due_id for due in there if due.due_id in wanted and wanted[due.due_id].starts_at == due.starts_at}
    added = [due for due_id, due in wanted.items() if due_id not in good and due.at > now]
    return Changes([due.due_id for due in there if due.due_id not in good], added)


def _all(offering: Offering, starts: Mapping[str, datetime], lead_days: Sequence[int], partition: int) -> list[Due]:
    """One for each of these sessions and lead time."""
    return [
        Due(
            due_id=identity("due", offering.offering_id, session_id, days),
            offering_id=offering.offering_id,
            session_id=session_id,
            days=days,
            at=start - timedelta(days=days),
            starts_at=start,
            partition=partition,
            version=offering.version,
        )
        for session_id, start in starts.items()
        for days in lead_days
    ]


def _starts(offering: Offering | None) -> dict[str, datetime]:
    sessions = offering.sessions if offering is not None else []
    return {session.session_id: session.starts_at for session in sessions if session.starts_at is not None}


def fires(due: Due, others: Sequence[Due], now: datetime) -> bool:
    """False for a due document that has nobody to remind any more: the session has begun, or a shorter one is due."""
    shorter = any(other.days < due.days and other.at <= now for other in others if other.session_id == due.session_id)
    return now < due.starts_at and not shorter


def end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """The next midnight in the zone whose days count."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone)


def has_seat_since(due: Due, seated_at: datetime | None, now: datetime) -> bool:
    """False for somebody who got the seat after the moment: what told them so is reminder enough.

    A time that has not come yet is another clock's and says nothing.
    """
    return seated_at is None or not due.at < seated_at <= now


def reminder(due: Due, booking_id: str, person_id: str, now: datetime) -> Message:
    """The message to one confirmed person."""
    return Message(
        message_id=identity("reminder", due.offering_id, due.session_id, due.days, due.version, booking_id),
        kind="reminder",
        person_id=person_id,
        about=person_id,
        mentions=[person_id],
        created_at=now,
        order=order_key(now, due.partition, due.due_id, booking_id),
        offering_id=due.offering_id,
        booking_id=booking_id,
        session_id=due.session_id,
        starts_at=due.starts_at,
        days=due.days,
    )
