"""The words of the mails: one text per kind and language, ours or the office's, within one frame of greeting and close.

Ours stand in `templates/<language>/<kind>.txt`: the subject, an empty line, the text. What they can say is in `values`;
whatever they print is one line without control characters, so that no title can add a line or a header.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from re import sub
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.notifications import dates
from services.notifications.messages import Message, session_of
from services.notifications.wording import Lines, Values, WordingError, fill, one_line
from shared.events import Offering, Person, Session
from shared.formats import Language

FRAME: Final = "frame"
"""The text around all others; it has no subject."""
_FOLDER: Final = Path(__file__).parent / "templates"


class Wording(msgspec.Struct, frozen=True):
    """A text as it is written; `number` is its version, 0 for ours."""

    subject: str
    text: str
    number: int = 0


@dataclass
class Own:
    """The office's own texts, by kind and language, and what was wrong with one when it was used."""

    wordings: Mapping[tuple[str, Language], Wording] = field(default_factory=dict)
    problems: dict[tuple[str, Language], WordingError] = field(default_factory=dict)


@cache
def built_in(kind: str, language: Language) -> Wording:
    """Our own text."""
    text = (_FOLDER / language / f"{kind}.txt").read_text("utf-8")
    if kind == FRAME:
        return Wording("", text)
    subject, _, text = text.partition("\n")
    return Wording(subject, text.lstrip("\n"))


def render(
    message: Message,
    reader: Person,
    about: Person,
    offering: Offering | None,
    zone: ZoneInfo,
    own: Own | None = None,
    **more: Any,
) -> tuple[str, str]:
    """Subject and body, in the reader's language; `more` are further values that this kind has."""
    known = {**values(message, reader, about, offering, zone), **more}
    own = own or Own()
    subject, text = filled(message.kind, reader.language, known, own)
    return subject, framed(reader.language, known, text, own) + "\n"


def framed(language: Language, known: Values, text: str, own: Own) -> str:
    """The text with greeting and close."""
    return filled(FRAME, language, {"reader": known["reader"], "text": Lines(text)}, own)[1]


def filled(kind: str, language: Language, known: Values, own: Own) -> tuple[str, str]:
    """By the office's own text; by ours where there is none, or where it fails: no mail is lost by it."""
    if (mine := own.wordings.get((kind, language))) is not None:
        try:
            return compose(kind, mine, known)
        except WordingError as error:
            own.problems[kind, language] = error
    return compose(kind, built_in(kind, language), known)


def compose(kind: str, wording: Wording, known: Values) -> tuple[str, str]:
    """Subject and text. Raises WordingError."""
    subject = str(one_line(fill(wording.subject.strip(), known)))
    text = sub(r"\n{3,}", "\n\n", fill(wording.text.replace("\r\n", "\n"), known)).strip()
    if not text or (not subject and kind != FRAME):
        raise WordingError("empty", 0, "text" if subject or kind == FRAME else "subject")
    return subject, text


def values(message: Message, reader: Person, about: Person, offering: Offering | None, zone: ZoneInfo) -> Values:
    """All that a text can say, as plain data, in the reader's language."""
    language = reader.language
    sessions = [dates.session(session, language, zone) for session in _sessions(message, offering)]
    leave = message.leave
    return {
        "reader": {"display_name": reader.display_name},
        "about": {"display_name": about.display_name},
        "message": {"waiting": message.waiting, "late": message.late, "booking_reason": message.booking_reason},
        "title": offering.title if offering else "",
        "format": dates.form(offering.format, language) if offering else "",
        "sessions": sessions,
        "dates": dates.dates(sessions, language),
        "leave": {"subject": leave.subject, "provider": leave.provider} if leave else None,
        "period": dates.period(leave, language) if leave else "",
    }


def _sessions(message: Message, offering: Offering | None) -> Sequence[Session]:
    if offering is None:
        return ()
    if message.kind != "reminder":
        return sorted(offering.sessions, key=_start)
    session = session_of(message, offering)
    return [session] if session else []


def _start(session: Session) -> float:
    """Sessions without a time come last, in their order."""
    return session.starts_at.timestamp() if session.starts_at else float("inf")
