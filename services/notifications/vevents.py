"""One session as an event of a calendar (RFC 5545): its time, place, link and alarm. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Component, Conference, Event, Timezone

from services.notifications.wording import one_line
from shared.events import Session
from shared.formats import Language

WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "de": {"join": "Teilnehmen", "link": "Link", "place": "Ort", "cancelled": "Abgesagt", "calendar": "Fortbildung"},
    "en": {"join": "Join", "link": "Link", "place": "Place", "cancelled": "Cancelled", "calendar": "Training"},
}
ALARMS: Final = {"online": timedelta(minutes=15), "web_based": timedelta(minutes=15), "in_person": timedelta(hours=1)}
"""So long before it begins a session rings, by format."""
BERLIN: Final = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
X-LIC-LOCATION:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19960331T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""
"""A rule without an end: Outlook wants one, and libraries write a list of dates that ends in 2037."""


@cache
def timezone(key: str) -> Component | None:
    """The rules of a zone, where we know them better than the library."""
    return Timezone.from_ical(BERLIN) if key == "Europe/Berlin" else None


def event_of(title: str, session: Session, language: Language, zone: ZoneInfo) -> Event:
    """A session of the offering with this title; it must have a time."""
    if session.starts_at is None or session.ends_at is None:
        raise ValueError("a session without a time is no event")
    event = Event()
    event.add("summary", _summary(one_line(title), one_line(session.title)))
    event.add("dtstart", _local(session.starts_at, zone))
    if session.ends_at > session.starts_at:  # RFC 5545, 3.8.2.2: later than the start, or left out
        event.add("dtend", _local(session.ends_at, zone))
    _add_place(event, session, language)
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", "BUSY")
    event.add("x-microsoft-disallow-counter", "TRUE")  # nobody can propose another time
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", event["summary"])
    alarm.add("trigger", -ALARMS[session.format])
    event.add_component(alarm)
    return event


def _summary(title: str, session: str) -> str:
    """Offering and session, each once."""
    if session in title:
        return title
    return session if title in session else f"{title}: {session}"


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """In the zone; but an hour that comes twice means its first coming in a calendar, so its second one is in UTC."""
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) if local.fold else local


def _add_place(event: Event, session: Session, language: Language) -> None:
    """Telephones and watches show LOCATION alone, so where there is no place the link stands there too."""
    words, lines = WORDS[language], []
    if session.location:
        lines.append(f"{words['place']}: {one_line(session.location)}")
    if session.join_url:
        lines.append(f"{words['link']}: {session.join_url}")
        event.add("url", session.join_url)
        event.conferences = [Conference(session.join_url, feature="VIDEO", label=words["join"])]
    if place := one_line(session.location) or session.join_url:
        event.add("location", place)
    if lines:
        event.add("description", "\n".join(lines))
