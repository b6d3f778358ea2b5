"""What an LMS may say (design section 4), checked field by field; of offerings in offering_events.py. Pure."""

from datetime import date
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from services.enrolment.offering_events import (
    CapacityChanged,
    DeadlinePassed,
    FormatChanged,
    OfferingCancelled,
    OfferingScheduled,
    Rescheduled,
    once,
)
from shared.cloudevents import EARLIEST, LATEST, Catalogue, Instant, Text, check_years
from shared.events import CONTROL, PEOPLE, Course, LongText, Organisation, Presence

People = Annotated[list["Candidate"], msgspec.Meta(max_length=1_000)]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One person of a cohort or a group."""

    person_id: Text
    organisation_id: Text | None = None
    department: Text | None = None
    status_group: Text | None = None


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
        once("people", "person_id", (one.person_id for one in self.people))

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
        if not (EARLIEST.date() <= self.starts_on and self.ends_on < LATEST.date()):
            raise ValueError("starts_on: and ends_on must lie between 1900 and 2200")
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on: lies before starts_on")
        if self.days > (self.ends_on - self.starts_on).days + 1:
            raise ValueError("days: are more than there are from starts_on to ends_on")


class LeaveWithdrawn(LeaveGranted, frozen=True, kw_only=True):
    """lms.leave.withdrawn.v1"""


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
