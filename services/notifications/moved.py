"""What became of an offering's sessions, as far as calendars must be told: which are new, changed or gone. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from services.notifications.messages import Kind
from shared.events import Offering, Session, Status

INVITING: Final[frozenset[Kind]] = frozenset({"confirmed", "promoted", "rescheduled", "format_changed"})


class Gone(msgspec.Struct, frozen=True):
    """A session that an offering has no more, since this version."""

    session: Session
    version: int


def compared(old: Offering, before: Sequence[Gone], new: Offering, now: datetime) -> tuple[list[str], list[Gone]]:
    """Ids of the sessions that are new or not as they were; and those that are gone and would still be to come.

    `before`: those that were gone already. One that has come back is gone no more.
    """
    was = {session.session_id: session for session in old.sessions}
    present = {session.session_id for session in new.sessions}
    changed = [session.session_id for session in new.sessions if was.get(session.session_id) != session]
    lost = [*before, *(Gone(session, new.version) for session in old.sessions)]
    gone = [one for one in lost if one.session.session_id not in present]
    return changed, [one for one in gone if one.session.ends_at is not None and one.session.ends_at > now]


def dropped_since(known: Sequence[Gone], version: int) -> list[Session]:
    """The sessions that went after a booking had this version."""
    return [one.session for one in known if one.version > version]


def is_invited(kind: Kind, status: Status, seated_at: datetime | None) -> bool:
    """Whether the sessions stand in the person's calendar, or did until now."""
    return status == "confirmed" if kind in INVITING else seated_at is not None
