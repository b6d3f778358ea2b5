"""The words of the mails: one template per kind and language; the first line is the subject.

Templates get `reader` and `about` (people), `title`, `offering`, `sessions` (lines of each), `message` and `leave`.
Whatever they print is one line without control characters, so that no title can add a line or a header.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notifications.messages import Message, session_of
from shared.events import Leave, Offering, Person, Session

Language = Literal["de", "en"]
T = TypeVar("T")
_DAYS: Final = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "de": (
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
_FORMATS: Final = {
    "de": {
        "in_person": "in Präsenz",
        "online": "online",
        "web_based": "als Web-Training",
        "blended": "teils vor Ort, teils online",
    },
    "en": {
        "in_person": "in person",
        "online": "online",
        "web_based": "as web-based training",
        "blended": "partly on site, partly online",
    },
}
_PATTERNS: Final = {
    "de": ("{day}, {start} bis {end} Uhr", "{day}, {start} Uhr bis {last}, {end} Uhr"),
    "en": ("{day}, {start} to {end}", "{day}, {start} to {last}, {end}"),
}


def one_line(value: T) -> T | str:
    """Text without line breaks and control characters; anything else as it is."""
    if not isinstance(value, str):
        return value
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", value).strip()


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text: there is nothing to escape, and `finalize` takes the line breaks
    finalize=one_line,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(
    message: Message, reader: Person, about: Person, offering: Offering | None, zone: ZoneInfo
) -> tuple[str, str]:
    """Subject and body, in the reader's language."""
    language: Language = reader.language
    template = _environment.get_template(f"{language}/{message.kind}.txt")
    text = template.render(
        reader=reader,
        about=about,
        message=message,
        title=offering.title if offering else "",
        format=_FORMATS[language][offering.format] if offering else "",
        sessions=[_session(session, language, zone) for session in _sessions(message, offering)],
        leave=message.leave,
        period=_period(message.leave, language) if message.leave else "",
    )
    subject, _, body = text.partition("\n")
    return subject.strip(), re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


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


def _session(session: Session, language: Language, zone: ZoneInfo) -> dict[str, str | None]:
    return {
        "title": session.title,
        "format": _FORMATS[language][session.format],
        "kind": session.format,
        "time": _time(session, language, zone),
        "location": session.location,
        "join_url": session.join_url,
    }


def _time(session: Session, language: Language, zone: ZoneInfo) -> str | None:
    """Such as: Donnerstag, 21. November 2024, 09:00 bis 12:30 Uhr. None without a time."""
    if session.starts_at is None or session.ends_at is None:
        return None
    start, end = (moment.astimezone(zone) for moment in (session.starts_at, session.ends_at))
    pattern = _PATTERNS[language][start.date() != end.date()]
    return pattern.format(day=day(start, language), last=day(end, language), start=f"{start:%H:%M}", end=f"{end:%H:%M}")


def day(moment: date | datetime, language: Language) -> str:
    """Such as: Donnerstag, 21. November 2024, or: Thursday, 21 November 2024."""
    dot = "." if language == "de" else ""
    return f"{_DAYS[language][moment.weekday()]}, {moment.day}{dot} {_MONTHS[language][moment.month - 1]} {moment.year}"


def _period(leave: Leave, language: Language) -> str:
    first, last, days = day(leave.starts_on, language), day(leave.ends_on, language), f"{leave.days:g}"
    if language == "de":
        until = f"{first} bis {last}" if leave.ends_on != leave.starts_on else first
        return f"{until} ({days.replace('.', ',')} {'Tag' if leave.days == 1 else 'Tage'})"
    until = f"{first} to {last}" if leave.ends_on != leave.starts_on else first
    return f"{until} ({days} {'day' if leave.days == 1 else 'days'})"
