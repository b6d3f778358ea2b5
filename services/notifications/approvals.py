"""A supervisor's answer by a link in the mail: what stands behind the link now, and which event an answer is. Pure.

Link scanners fetch every address in a mail, so a GET only shows; the answer is a POST. docs/decisions/0020.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from services.notifications.messages import Contact, Message, identity
from services.notifications.state import Entry
from shared.cloudevents import Event, encode
from shared.events import LMS_EVENTS, Offering
from shared.keys import partition_of
from shared.publisher import Out

PURPOSE: Final = "approval"
SOURCE: Final = "lernbus/notifications"
LONGEST: Final = timedelta(days=30)
"""So long a link works at most."""
REASON: Final = 500
"""Characters of a reason."""
Answer = Literal["approved", "refused"]
Stands = Literal["open", "approved", "refused", "elsewhere", "withdrawn", "expired", "replaced"]
"""`approved`, `refused`: by this link; `elsewhere`: decided in another way; `replaced`: not this reader's any more."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor has answered by a link; `published`: it stands on the log."""

    answer: Answer
    at: datetime
    published: bool = False


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The data of lms.booking.approved.v1 and lms.booking.refused.v1."""

    offering_id: str
    person_id: str
    decided_by: str
    reason: Annotated[str, msgspec.Meta(max_length=REASON)] | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a request for approval at this moment; `message` is the mail that asked."""

    message: Message
    about: Contact | None
    entry: Entry | None
    offering: Offering | None
    decision: Decision | None = None


def expires_at(message: Message, offering: Offering) -> datetime:
    """When booking closes or the offering begins, whatever comes first; after thirty days in any case."""
    starts = [session.starts_at for session in offering.sessions if session.starts_at is not None]
    closes = [offering.booking_closes_at] if offering.booking_closes_at else []
    return min([message.created_at + LONGEST, *closes, *starts])


def stands(request: Request, now: datetime) -> Stands:
    """What a link leads to now."""
    person, reader = request.about.person if request.about else None, request.message.person_id
    if person is None or person.supervisor_id != reader or reader in (None, request.message.about):
        return "replaced"  # nobody decides about themselves either
    if request.decision is not None and request.decision.published:
        return request.decision.answer
    if request.entry is None or request.offering is None or request.entry.status == "cancelled":
        return "withdrawn"
    if request.offering.status == "cancelled":
        return "withdrawn"
    if request.entry.status != "awaiting_approval":
        return "elsewhere"
    return "expired" if now >= expires_at(request.message, request.offering) else "open"


def record(request: Request, answer: Answer, reason: str | None, now: datetime, partitions: int) -> Out:
    """The answer for `lms.events`. A link has one event id, so enrolment knows a second answer for a repeat."""
    message = request.message
    data = Decided(
        offering_id=message.offering_id or "",
        person_id=message.about,
        decided_by=message.person_id or "",
        reason=reason,
    )
    key = data.offering_id.encode()
    event = Event(identity(PURPOSE, message.message_id), SOURCE, f"lms.booking.{answer}.v1", now, data)
    return Out(LMS_EVENTS, partition_of(key, partitions), key, encode(event))
