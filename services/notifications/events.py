"""What notifications reads: people from the LMS, outcomes from enrolment. Pure."""

from collections.abc import Mapping
from typing import Final

from shared.cloudevents import Catalogue
from shared.events import ENROLMENT_EVENTS, LMS_PEOPLE, OUTCOMES, PEOPLE

TOPICS: Final[Mapping[str, Catalogue]] = {LMS_PEOPLE: PEOPLE, ENROLMENT_EVENTS: OUTCOMES}
ERASED: Final = "lms.person.erased.v1"
APPROVAL_REQUESTED: Final = "enrolment.booking.approval_requested.v1"
CANCELLED: Final = "enrolment.booking.cancelled.v1"
RESCHEDULED: Final = "enrolment.offering.rescheduled.v1"
FORMAT_CHANGED: Final = "enrolment.offering.format_changed.v1"
