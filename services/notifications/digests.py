"""Several reminders of one person as one mail: each offering in its own words, its sessions together. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from services.notifications import dates
from services.notifications.messages import session_of
from services.notifications.queue import Letter
from services.notifications.texts import Own, filled, framed, values
from services.notifications.wording import Values
from shared.events import Person


def digest(letters: Sequence[Letter], reader: Person, zone: ZoneInfo, own: Own) -> tuple[str, str]:
    """Subject and body of a mail about all of these sessions, the soonest first."""
    groups: dict[str | None, list[Letter]] = {}
    for letter in sorted(letters, key=_start):
        groups.setdefault(letter.message.offering_id, []).append(letter)
    known = [_values(group, reader, zone) for group in groups.values()]
    said = [filled("reminder", reader.language, one, own) for one in known]
    more = f" (+{len(said) - 1})" if len(said) > 1 else ""
    body = framed(reader.language, known[0], "\n\n".join(text for _, text in said), own)
    return said[0][0] + more, body + "\n"


def _start(letter: Letter) -> float:
    return letter.message.starts_at.timestamp() if letter.message.starts_at else 0.0


def _values(group: Sequence[Letter], reader: Person, zone: ZoneInfo) -> Values:
    """What the text of a reminder can say, with all sessions of this offering."""
    found = [session_of(one.message, one.offering) for one in group if one.offering is not None]
    sessions = [dates.session(session, reader.language, zone) for session in found if session is not None]
    known = values(group[0].message, reader, reader, group[0].offering, zone)
    return {**known, "sessions": sessions, "dates": dates.dates(sessions, reader.language)}
