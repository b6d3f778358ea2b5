"""Whether a message still tells what is true: what is newer supersedes what has not been sent yet. Pure.

A message about a booking tells a state; once the booking is in another one, a message about that was planned as well,
and the older says what is no longer so. A change of sessions is superseded by the next one that tells at least as much.
docs/decisions/0018 has the reasons.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from services.notifications.messages import Kind, Message
from shared.events import Status

SUPERSEDED: Final = "superseded"
TOLD_STATES: Final[Mapping[Kind, Collection[Status]]] = {
    "received": {"awaiting_approval"},
    "approval_requested": {"awaiting_approval"},
    "waitlisted": {"waiting"},
    "confirmed": {"confirmed"},
    "promoted": {"confirmed"},
    "reminder": {"confirmed"},
    "rescheduled": {"confirmed", "waiting"},
    "format_changed": {"confirmed", "waiting"},
}
"""The states of a booking in which a message of this kind is true. The others tell an end, which stays true."""
TELL_AS_MUCH: Final[Mapping[Kind, Collection[Kind]]] = {
    "rescheduled": {"rescheduled", "format_changed"},
    "format_changed": {"format_changed"},
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at this moment of what a message tells. `told`: kind -> the last version told to a roster.

    `status`: the booking's; None where the message is about none, or the booking is not known.
    """

    status: Status | None = None
    told: Mapping[str, int] = {}
    leave_version: int = 0


def is_superseded(message: Message, now: Standing) -> bool:
    """True once something newer is told, or something else is the case."""
    if message.leave is not None:
        return message.leave.version < now.leave_version
    states = TOLD_STATES.get(message.kind)
    if states is not None and now.status is not None and now.status not in states:
        return True
    return any(now.told.get(kind, 0) > message.version for kind in TELL_AS_MUCH.get(message.kind, ()))
