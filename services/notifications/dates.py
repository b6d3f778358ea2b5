"""Times, sessions and periods as the mails say them, in the reader's language. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from services.notifications.phrases import phrases
from services.notifications.wording import Lines, one_line
from shared.events import Leave, Session
from shared.formats import Language

_DAY: Final = {"de": "EEEE, d. MMMM y", "en": "EEEE, d MMMM y"}
_LOCALE: Final = {"de": "de_DE", "en": "en_GB"}


def form(code: str, language: Language) -> str:
    """How a session or an offering is held."""
    _ = phrases(language).gettext
    return {
        "in_person": _("in person"),
        "online": _("online"),
        "web_based": _("as web-based training"),
        "blended": _("partly on site, partly online"),
    }[code]


@lru_cache(maxsize=4_096)
def day(moment: date, language: Language) -> str:
    """Such as: Donnerstag, 21. November 2024, or: Thursday, 21 November 2024."""
    return format_date(moment, _DAY[language], locale=_LOCALE[language])


def time(start: datetime, end: datetime, language: Language, zone: ZoneInfo) -> str:
    """Such as: Donnerstag, 21. November 2024, 09:00 bis 12:30 Uhr."""
    _ = phrases(language).gettext
    first, last = start.astimezone(zone), end.astimezone(zone)
    one_day, more_days = _("{day}, {start} to {end}"), _("{day}, {start} to {last}, {end}")
    return (one_day if first.date() == last.date() else more_days).format(
        day=day(first.date(), language), last=day(last.date(), language), start=f"{first:%H:%M}", end=f"{last:%H:%M}"
    )


def period(leave: Leave, language: Language) -> str:
    """Such as: Montag, 2. Dezember 2024 bis Freitag, 6. Dezember 2024 (5 Tage)."""
    say = phrases(language)
    number = format_decimal(leave.days, locale=_LOCALE[language])
    days = say.ngettext("{days} day", "{days} days", 1 if leave.days == 1 else 2).format(days=number)
    first, last = day(leave.starts_on, language), day(leave.ends_on, language)
    if first == last:
        return say.gettext("{day} ({days})").format(day=first, days=days)
    return say.gettext("{first} to {last} ({days})").format(first=first, last=last, days=days)


def session(session: Session, language: Language, zone: ZoneInfo) -> dict[str, Any]:
    """A session as plain data for the texts."""
    start, end = session.starts_at, session.ends_at
    return {
        "title": session.title,
        "format": form(session.format, language),
        "kind": session.format,
        "time": time(start, end, language, zone) if start and end else None,
        "location": session.location,
        "join_url": session.join_url,
    }


def dates(sessions: Sequence[dict[str, Any]], language: Language) -> Lines:
    """All sessions with time, place and link, some lines each."""
    _ = phrases(language).gettext
    none = _("This training has no fixed dates: you learn whenever it suits you.")
    return Lines("\n\n".join("\n".join(_lines(one, language)) for one in sessions) or none)


def _lines(session: dict[str, Any], language: Language) -> Iterable[str]:
    _ = phrases(language).gettext
    place, link, unknown = _("Place"), _("Link"), _("to be announced")
    no_time = _("no fixed time: you learn whenever it suits you")
    yield f"* {one_line(session['title'])} ({session['format']})"
    yield f"  {session['time'] or no_time}"
    if session["location"] or session["kind"] == "in_person":
        yield f"  {place}: {one_line(session['location']) or unknown}"
    if session["join_url"] or session["kind"] == "online":
        yield f"  {link}: {one_line(session['join_url']) or unknown}"
