"""What stats keeps of bookings, leaves, offerings, courses and organisations, and how an event changes it. Pure."""

from datetime import datetime, tzinfo

import msgspec

from shared.events import Booking, Course, Delegation, Format, Leave, Offering, Organisation


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
    """What counting and the overview of seats need of an offering. `ends_at`: the end of its last session."""

    offering_id: str
    course_id: str
    title: str
    format: Format
    status: str
    capacity: int | None
    waiting_list: bool
    delegations: list[Delegation]
    released: list[str]
    sessions: list[SessionFact]
    ends_at: datetime | None
    version: int


Entity = Fact | LeaveFact | OfferingFact | Course | Organisation
Payload = Booking | Leave | Offering | Course | Organisation
KEPT = tuple(name for name in OfferingFact.__struct_fields__ if name not in ("sessions", "ends_at"))


def changed(old: Entity | None, data: Payload, time: datetime, partition: int) -> Entity:
    """The entity after an event of this time; the version was found to be newer."""
    match data:
        case Booking():
            return Fact(booking=data, assigned=_assigned(old, data, time), partition=partition)
        case Leave():
            return LeaveFact(leave=data, partition=partition)
        case Offering():
            sessions = [SessionFact(one.session_id, one.starts_at, one.topics) for one in data.sessions]
            ends_at = max((one.ends_at for one in data.sessions if one.ends_at), default=None)
            return OfferingFact(**{name: getattr(data, name) for name in KEPT}, sessions=sessions, ends_at=ends_at)
    return data


def year_of(moment: datetime, zone: tzinfo) -> int:
    """The local year: 23:30 UTC on 31 December is next year in Berlin."""
    return moment.astimezone(zone).year


def month_of(moment: datetime, zone: tzinfo) -> int:
    """The local month as a number: twelve a year, so that the year is `month // 12`."""
    local = moment.astimezone(zone)
    return local.year * 12 + local.month - 1


def _assigned(old: Entity | None, data: Booking, time: datetime) -> list[Assignment]:
    """As was known; else as the booking says; one that does not say was assigned with the event that first told it."""
    known = {one.cohort: Assignment(one.cohort, one.at) for one in data.assigned}
    if isinstance(old, Fact):
        known |= {one.cohort: one for one in old.assigned}
    return [known.get(cohort) or Assignment(cohort, time) for cohort in data.cohorts]
