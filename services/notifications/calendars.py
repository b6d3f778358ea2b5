"""Sessions as calendars take them: invitations and cancellations (RFC 5546), and everybody's own calendar. Pure.

One iCalendar object for one session, with one METHOD and one UID, for programs mix up several (docs/decisions/0017).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from services.notifications.messages import Kind, Message, identity
from services.notifications.vevents import WORDS, event_of, timezone
from shared.events import Offering, Session
from shared.formats import Language

Method = Literal["REQUEST", "CANCEL"]
METHODS: Final[dict[Kind, Method]] = {
    "confirmed": "REQUEST",
    "promoted": "REQUEST",
    "rescheduled": "REQUEST",
    "format_changed": "REQUEST",
    "cancelled": "CANCEL",
    "offering_cancelled": "CANCEL",
}
FIRST: Final = frozenset({"confirmed", "promoted"})
"""Kinds whose reader has nothing of this offering in the calendar yet."""


class Office(NamedTuple):
    """Who invites, and whose time is shown."""

    organiser: Address
    zone: ZoneInfo


class Invitation(NamedTuple):
    """One iCalendar object, as a part of a mail."""

    method: Method
    text: str


class Seat(NamedTuple):
    """A person's seat as their own calendar shows it; `gone` sessions are cancelled, `version` is the booking's."""

    offering: Offering
    gone: Sequence[Session]
    version: int


def uid(person_id: str, offering_id: str, session_id: str) -> str:
    """The same for ever: through withdrawals, new bookings and changes of our settings."""
    return f"{identity('session', person_id, offering_id, session_id)}@lernbus"


def invitations(
    message: Message, attendee: Address, language: Language, offering: Offering | None, office: Office
) -> list[Invitation]:
    """What a mail tells the reader's calendar: what has changed first, the rest in the order of time; nothing over."""
    method = METHODS.get(message.kind)
    if method is None or offering is None or not message.invited:
        return []
    if method == "REQUEST" and offering.status == "cancelled":
        return []
    told = [(method, session) for session in _ahead(offering.sessions, message)]
    if message.kind not in FIRST:
        told += [("CANCEL", session) for session in _ahead(message.dropped, message)]
    found = []
    for how, session in told:
        event = _event(message.about, Seat(offering, (), message.version), session, language, office)
        event.add("dtstamp", message.created_at.astimezone(UTC))
        event["attendee"] = _attendee(attendee)
        if how == "CANCEL":
            event["sequence"] = message.version  # a late one must not undo what was told since
            _cancel(event)
        found.append(Invitation(how, _object(how, [event], office)))
    return found


def subscription(person_id: str, seats: Iterable[Seat], language: Language, office: Office, now: datetime) -> str:
    """Everybody's own calendar; no person's name in it, not even the reader's (RFC 5546: PUBLISH has no ATTENDEE)."""
    events = []
    for seat in seats:
        for session in (*seat.offering.sessions, *seat.gone):
            if session.starts_at is None:
                continue
            event = _event(person_id, seat, session, language, office)
            event.add("dtstamp", now.astimezone(UTC))
            if session in seat.gone or seat.offering.status == "cancelled":
                _cancel(event)
                event["summary"] = vText(f"{WORDS[language]['cancelled']}: {event['summary']}")
            events.append(event)
    return _object("PUBLISH", events, office, WORDS[language]["calendar"])


def _ahead(sessions: Iterable[Session], message: Message) -> list[Session]:
    """Those that have a time and are not over; the changed ones first."""
    ahead = [
        (one.session_id not in message.changed, one.starts_at.timestamp(), one.session_id, one)
        for one in sessions
        if one.starts_at is not None and one.ends_at is not None and one.ends_at > message.created_at
    ]
    return [one for *_, one in sorted(ahead, key=lambda place: place[:3])]


def _event(person_id: str, seat: Seat, session: Session, language: Language, office: Office) -> Event:
    offering = seat.offering
    event = event_of(offering.title, session, language, office.zone)
    event.add("uid", uid(person_id, offering.offering_id, session.session_id))
    event.add("sequence", max(offering.version, seat.version))
    organiser = vCalAddress(f"mailto:{office.organiser.addr_spec}")
    organiser.params["cn"] = office.organiser.display_name or office.organiser.addr_spec
    event["organizer"] = organiser
    return event


def _attendee(address: Address) -> vCalAddress:
    """One alone: nobody sees who else comes. The seat is booked already, so no answer is asked for."""
    attendee = vCalAddress(f"mailto:{address.addr_spec}")
    attendee.params["cn"] = address.display_name.replace('"', "'")  # else ^' (RFC 6868), which few programs read
    attendee.params |= {"cutype": "INDIVIDUAL", "role": "REQ-PARTICIPANT", "partstat": "ACCEPTED", "rsvp": "FALSE"}
    return attendee


def _cancel(event: Event) -> None:
    event["status"], event["transp"] = vText("CANCELLED"), vText("TRANSPARENT")
    event.subcomponents.clear()


def _object(method: str, events: Iterable[Event], office: Office, name: str | None = None) -> str:
    calendar = Calendar()
    calendar.add("prodid", "-//Lernbus//Lernbus//DE")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if name is not None:
        for key, value in (("name", name), ("x-wr-calname", name), ("x-published-ttl", "PT1H")):
            calendar.add(key, value)
        calendar.add("x-wr-timezone", office.zone.key)
    own_zone = timezone(office.zone.key)
    if own_zone is not None:
        calendar.add_component(own_zone)
    for event in events:
        calendar.add_component(event)
    if own_zone is None:
        calendar.add_missing_timezones()
    return str(calendar.to_ical().decode())
