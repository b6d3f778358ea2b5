"""What notifications reads: people from the LMS, outcomes from enrolment; and which kinds of mail tell of it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.notifications.messages import Kind
from shared.cloudevents import Catalogue
from shared.events import ENROLMENT_EVENTS, LMS_PEOPLE, OUTCOMES, PEOPLE

TOPICS: Final[Mapping[str, Catalogue]] = {LMS_PEOPLE: PEOPLE, ENROLMENT_EVENTS: OUTCOMES}
ERASED: Final = "lms.person.erased.v1"
APPROVAL_REQUESTED: Final = "enrolment.booking.approval_requested.v1"
BOOKING_ERASED: Final = "enrolment.booking.erased.v1"
CANCELLED: Final = "enrolment.booking.cancelled.v1"
RESCHEDULED: Final = "enrolment.offering.rescheduled.v1"
FORMAT_CHANGED: Final = "enrolment.offering.format_changed.v1"

TOLD_OF_BOOKING: Final[Mapping[str, Sequence[Kind]]] = {
    APPROVAL_REQUESTED: ("received", "approval_requested"),
    "enrolment.booking.confirmed.v1": ("confirmed",),
    "enrolment.booking.waitlisted.v1": ("waitlisted",),
    "enrolment.booking.promoted.v1": ("promoted",),
    "enrolment.booking.refused.v1": ("refused",),
}
TOLD_TO_ALL: Final[Mapping[str, Kind]] = {RESCHEDULED: "rescheduled", FORMAT_CHANGED: "format_changed"}
