"""What an LMS may say (design section 4), checked field by field, and what the office's clock says. Pure."""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from shared.cloudevents import Catalogue, Instant, Text, check_years
from shared.events import (
    CONTROL,
    PEOPLE,
    Course,
    Delegation,
    Format,
    LongText,
    Organisation,
    Presence,
    Seats,
    Session,
)

People = Annotated[list["Candidate"], msgspec.Meta(max_length=1_000)]


def _check_sessions(sessions: list[Session], offering_format: Format | None) -> None:
    if len({session.session_id for session in sessions}) < len(sessions):
        raise ValueError("sessions: a session_id stands there twice")
    if not sessions and offering_format not in (None, "web_based"):
        raise ValueError("sessions: only a web_based offering may have none")


def _check_delegations(delegations: list[Delegation] | None, capacity: int | None) -> None:
    seats = delegations or []
    if len({one.organisation_id for one in seats}) < len(seats):
        raise ValueError("delegations: an organisation stands there twice")
    if capacity is not None and sum(one.seats for one in seats) > capacity:
        raise ValueError("delegations: their seats are more than the capacity")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One person of a cohort or a group."""

    person_id: Text
    organisation_id: Text | None = None
    department: Text | None = None
    status_group: Text | None = None


class OfferingScheduled(msgspec.Struct, frozen=True, kw_only=True):
    """lms.offering.scheduled.v1"""

    offering_id: Text
    course_id: Text
    title: Text
    host_organisation_id: Text
    format: Format
    capacity: Seats | None
    waiting_list: bool
    sessions: list[Session]
    approval: Literal["none", "supervisor"]
    delegations: list[Delegation] | None = None
    booking_opens_at: Instant | None = None
    booking_closes_at: Instant | None = None
    cancel_until: Instant | None = None
    trainers: list[Text] | None = None

    def __post_init__(self) -> None:
        check_years(self)
        _check_sessions(self.sessions, self.format)
        _check_delegations(self.delegations, self.capacity)


class CapacityChanged(msgspec.Struct, frozen=True, kw_only=True):
    """lms.offering.capacity_changed.v1"""

    offering_id: Text
    capacity: Seats | None
    delegations: list[Delegation] | None = None
    requested_by: Text | None = None

    def __post_init__(self) -> None:
        _check_delegations(self.delegations, self.capacity)


class Rescheduled(msgspec.Struct, frozen=True, kw_only=True):
    """lms.offering.rescheduled.v1"""

    offering_id: Text
    sessions: list[Session]
    requested_by: Text | None = None

    def __post_init__(self) -> None:
        _check_sessions(self.sessions, None)


class FormatChanged(msgspec.Struct, frozen=True, kw_only=True):
    """lms.offering.format_changed.v1"""

    offering_id: Text
    format: Format
    sessions: list[Session]
    requested_by: Text | None = None

    def __post_init__(self) -> None:
        _check_sessions(self.sessions, self.format)


class OfferingCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """lms.offering.cancelled.v1"""

    offering_id: Text
    reason: LongText | None = None
    requested_by: Text | None = None


class BookingRequested(msgspec.Struct, frozen=True, kw_only=True):
    """lms.booking.requested.v1"""

    offering_id: Text
    person_id: Text
    organisation_id: Text | None = None
    department: Text | None = None
    status_group: Text | None = None
    requested_by: Text | None = None


class BookingApproved(msgspec.Struct, frozen=True, kw_only=True):
    """lms.booking.approved.v1"""

    offering_id: Text
    person_id: Text
    decided_by: Text
    reason: LongText | None = None


class BookingRefused(msgspec.Struct, frozen=True, kw_only=True):
    """lms.booking.refused.v1"""

    offering_id: Text
    person_id: Text
    decided_by: Text
    reason: LongText | None = None


class BookingWithdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """lms.booking.withdrawn.v1"""

    offering_id: Text
    person_id: Text
    reason: LongText | None = None
    requested_by: Text | None = None


class CohortAssigned(msgspec.Struct, frozen=True, kw_only=True):
    """lms.cohort.assigned.v1"""

    offering_id: Text
    cohort: Text
    mandatory: bool
    people: People


class GroupRequested(msgspec.Struct, frozen=True, kw_only=True):
    """lms.group.requested.v1: `organisation_id` is that of the people who come without one of their own."""

    offering_id: Text
    group_id: Text
    requested_by: Text
    all_or_nothing: bool
    people: Annotated[list[Candidate], msgspec.Meta(min_length=1, max_length=1_000)]
    organisation_id: Text | None = None

    def __post_init__(self) -> None:
        known = set[str]()
        for index, one in enumerate(self.people):
            if one.person_id in known:
                raise ValueError(f"people[{index}].person_id: stands there twice")
            known.add(one.person_id)

    @property
    def candidates(self) -> list[Candidate]:
        """The people, with the group's organisation where they have none."""
        return [
            one if one.organisation_id else replace(one, organisation_id=self.organisation_id) for one in self.people
        ]


class AttendanceRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """lms.attendance.recorded.v1"""

    offering_id: Text
    session_id: Text
    person_id: Text
    status: Presence
    recorded_by: Text | None = None


class CompletionRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """lms.completion.recorded.v1"""

    offering_id: Text
    person_id: Text
    completed_at: Instant

    def __post_init__(self) -> None:
        check_years(self)


class LeaveGranted(msgspec.Struct, frozen=True, kw_only=True):
    """lms.leave.granted.v1"""

    leave_id: Text
    person_id: Text
    organisation_id: Text
    starts_on: date
    ends_on: date
    days: Annotated[float, msgspec.Meta(gt=0, le=366)]
    subject: Text
    provider: Text
    department: Text | None = None
    status_group: Text | None = None

    def __post_init__(self) -> None:
        if not date(1900, 1, 1) <= self.starts_on <= self.ends_on < date(2200, 1, 1):
            raise ValueError("starts_on: and ends_on must be in order and lie between 1900 and 2200")


class LeaveWithdrawn(LeaveGranted, frozen=True, kw_only=True):
    """lms.leave.withdrawn.v1"""


class DeadlinePassed(msgspec.Struct, frozen=True, kw_only=True):
    """lernbus.deadline.passed.v1: `at` is the deadline that has passed."""

    offering_id: Text
    at: Instant


LMS: Final[Catalogue] = {
    "lms.organisation.changed.v1": Organisation,
    "lms.course.changed.v1": Course,
    "lms.offering.scheduled.v1": OfferingScheduled,
    "lms.offering.capacity_changed.v1": CapacityChanged,
    "lms.offering.rescheduled.v1": Rescheduled,
    "lms.offering.format_changed.v1": FormatChanged,
    "lms.offering.cancelled.v1": OfferingCancelled,
    "lms.booking.requested.v1": BookingRequested,
    "lms.booking.approved.v1": BookingApproved,
    "lms.booking.refused.v1": BookingRefused,
    "lms.booking.withdrawn.v1": BookingWithdrawn,
    "lms.group.requested.v1": GroupRequested,
    "lms.cohort.assigned.v1": CohortAssigned,
    "lms.attendance.recorded.v1": AttendanceRecorded,
    "lms.completion.recorded.v1": CompletionRecorded,
    "lms.leave.granted.v1": LeaveGranted,
    "lms.leave.withdrawn.v1": LeaveWithdrawn,
}
"""What the HTTP door takes for `lms.events`; people go to `lms.people`."""
DOOR: Final[Catalogue] = {**LMS, **{name: shape for name, shape in PEOPLE.items() if name not in CONTROL}}
LOG: Final[Catalogue] = {**LMS, "lernbus.deadline.passed.v1": DeadlinePassed, **CONTROL}
