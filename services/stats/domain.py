"""What stats keeps of bookings, leaves, offerings, courses and organisations, and how an event changes it. Pure."""

from datetime import datetime, tzinfo

import msgspec

from shared.events import Booking, Course, Format, Leave, Offering, Organisation


class Assignment(msgspec.Struct, frozen=True):
    """When a booking was first seen to carry a cohort."""

    cohort: str
    at: datetime


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as last heard, and when its cohorts were assigned."""

    booking: Booking
    assigned: list[Assignment] = []
    partition: int

    @property
    def version(self) -> int:
        """The booking's."""
        return self.booking.version


class LeaveFact(msgspec.Struct, frozen=True, kw_only=True):
    """A leave as last heard."""

    leave: Leave
    partition: int

    @property
    def version(self) -> int:
        """The leave's."""
        return self.leave.version


class SessionFact(msgspec.Struct, frozen=True):
    """What counting needs of a session."""

    session_id: str
    starts_at: datetime | None
    topics: list[str]


class OfferingFact(msgspec.Struct, frozen=True, kw_only=True):
    """What counting needs of an offering."""

    offering_id: str
    course_id: str
    title: str
    format: Format
    status: str
    sessions: list[SessionFact]
    version: int


Entity = Fact | LeaveFact | OfferingFact | Course | Organisation
Payload = Booking | Leave | Offering | Course | Organisation


def changed(old: Entity | None, data: Payload, time: datetime, partition: int) -> Entity:
    """The entity after an event of this time; the version was found to be newer."""
    match data:
        case Booking():
            return Fact(booking=data, assigned=_assigned(old, data, time), partition=partition)
        case Leave():
            return LeaveFact(leave=data, partition=partition)
        case Offering():
            sessions = [SessionFact(one.session_id, one.starts_at, one.topics) for one in data.sessions]
            kept = {name: getattr(data, name) for name in ("offering_id", "course_id", "title", "format", "status")}
            return OfferingFact(**kept, sessions=sessions, version=data.version)
    return data


def year_of(moment: datetime, zone: tzinfo) -> int:
    """The local year: 23:30 UTC on 31 December is next year in Berlin."""
    return moment.astimezone(zone).year


def session_years(offering: OfferingFact | None, zone: tzinfo) -> dict[str, int]:
    """{session_id: year} of the sessions that have a time."""
    sessions = offering.sessions if offering else []
    return {one.session_id: year_of(one.starts_at, zone) for one in sessions if one.starts_at}


def _assigned(old: Entity | None, data: Booking, time: datetime) -> list[Assignment]:
    known = {one.cohort: one for one in old.assigned} if isinstance(old, Fact) else {}
    return [known.get(cohort) or Assignment(cohort, time) for cohort in data.cohorts]
