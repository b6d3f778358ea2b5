"""The payloads that more than one service knows: people, marks, and what enrolment publishes. Pure."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

import msgspec

from shared.cloudevents import Catalogue, Instant, Text, check_years

LMS_EVENTS: Final = "lms.events"
LMS_PEOPLE: Final = "lms.people"
ENROLMENT_EVENTS: Final = "enrolment.events"

Seats = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
LongText = Annotated[str, msgspec.Meta(max_length=2_000)]
Url = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"\Ahttps?://[^\s<>\"\x00-\x1f\x7f]+\Z")]
Address = Annotated[
    str,
    msgspec.Meta(
        max_length=254, pattern=r"\A[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+\Z"
    ),
]
SessionFormat = Literal["in_person", "online", "web_based"]
Format = Literal["in_person", "online", "web_based", "blended"]
Status = Literal["awaiting_approval", "confirmed", "waiting", "refused", "cancelled"]
Presence = Literal["attended", "partly", "absent", "excused"]
LIVE: Final = frozenset({"awaiting_approval", "confirmed", "waiting"})


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One module of an offering; a web-based one may have no time."""

    session_id: Text
    title: Text
    format: SessionFormat
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    location: LongText | None = None
    join_url: Url | None = None
    topics: list[Text] = []

    def __post_init__(self) -> None:
        check_years(self)
        if (self.starts_at is None) != (self.ends_at is None):
            raise ValueError("starts_at: goes with ends_at, and neither alone")
        if self.starts_at is None and self.format != "web_based":
            raise ValueError("starts_at: is missing; only a web_based session may have no time")
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValueError("ends_at: lies before starts_at")


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """Seats set aside for one organisation until `release_at`."""

    organisation_id: Text
    seats: Seats
    release_at: Instant | None = None

    def __post_init__(self) -> None:
        check_years(self)


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """What the LMS recorded of one person in one session."""

    session_id: str
    status: Presence
    recorded_at: datetime


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """When a booking was assigned with a cohort."""

    cohort: str
    at: datetime


class Booking(msgspec.Struct, kw_only=True):
    """One person's claim on one offering, as enrolment publishes it after every change.

    `assigned`: when each of the cohorts was; of bookings from before this was kept some are missing.
    `group_id`: of the group request that it came with; `all_or_nothing`: this group waits and gets its seats as one.
    """

    booking_id: str
    offering_id: str
    course_id: str
    person_id: str
    organisation_id: str | None
    department: str | None
    status_group: str | None
    status: Status
    requested_at: datetime
    reason: str | None = None
    late: bool = False
    cohorts: list[str] = []
    assigned: list[Assigned] = []
    waiting_since: datetime | None = None
    waiting_until: datetime | None = None
    seated_at: datetime | None = None
    ended_at: datetime | None = None
    attendance: list[Attendance] = []
    completed_at: datetime | None = None
    group_id: str | None = None
    all_or_nothing: bool = False
    version: int = 0
    cause: str = ""


class Offering(msgspec.Struct, kw_only=True):
    """A bookable run of a course, as enrolment publishes it after every change."""

    offering_id: str
    course_id: str
    title: str
    host_organisation_id: str
    format: Format
    capacity: int | None
    waiting_list: bool
    delegations: list[Delegation]
    sessions: list[Session]
    booking_opens_at: datetime | None = None
    booking_closes_at: datetime | None = None
    cancel_until: datetime | None = None
    approval: Literal["none", "supervisor"] = "none"
    trainers: list[str] = []
    released: list[str] = []
    status: Literal["scheduled", "cancelled"] = "scheduled"
    reason: str | None = None
    version: int = 0
    cause: str = ""


class Leave(msgspec.Struct, kw_only=True):
    """Granted educational leave; withdrawn once `ended_at` is set."""

    leave_id: str
    person_id: str
    organisation_id: str
    department: str | None
    status_group: str | None
    starts_on: date
    ends_on: date
    days: float
    subject: str
    provider: str
    ended_at: datetime | None = None
    version: int = 0
    cause: str = ""


class Course(msgspec.Struct, kw_only=True):
    """What is taught: its topics and the competencies that it serves."""

    course_id: Text
    title: Text
    topics: list[Text]
    competencies: list[Text]
    version: int = 0
    cause: str = ""


class Organisation(msgspec.Struct, kw_only=True):
    """A municipality or another employer."""

    organisation_id: Text
    name: Text
    version: int = 0
    cause: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who books: the only payload with a name and an address."""

    person_id: Text
    email: Address
    display_name: Text
    language: Literal["de", "en"]
    organisation_id: Text
    department: Text | None = None
    status_group: Text | None = None
    supervisor_id: Text | None = None


class PersonErased(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a person's record: on the topic it is a tombstone."""

    person_id: Text


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Tells how far a reader is: `offset` is the mark's own place on the partition of `lms.*` where it began."""

    mark_id: Text
    offset: int | None = None


class Restatement(msgspec.Struct, frozen=True, kw_only=True):
    """Begins or ends, on one partition, a restatement of all that enrolment keeps; a later one has a higher number."""

    generation: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Names a dead letter of a service by the place of its record; `value` (base64) replaces the record's own."""

    service: Text
    topic: Text
    partition: int
    offset: int
    value: bytes | None = None


MARK: Final = "lernbus.mark.v1"
LETTER_REPLAYED: Final = "lernbus.dead-letter.replayed.v1"
LETTER_DROPPED: Final = "lernbus.dead-letter.dropped.v1"
CONTROL: Final[Catalogue] = {MARK: Mark, LETTER_REPLAYED: DeadLetter, LETTER_DROPPED: DeadLetter}
"""What the consumer kernel itself understands, on every topic; no service sees it, and the HTTP door refuses it."""
PEOPLE: Final[Catalogue] = {"lms.person.changed.v1": Person, "lms.person.erased.v1": PersonErased, **CONTROL}
_BOOKING = (
    "approval_requested confirmed waitlisted promoted refused cancelled attendance_recorded completed assigned erased"
)
_OFFERING = "scheduled capacity_changed rescheduled format_changed cancelled"
RESTATING: Final = "enrolment.restatement.begun.v1"
RESTATED: Final = "enrolment.restatement.ended.v1"
RESTATEMENT: Final[Catalogue] = {
    "enrolment.booking.restated.v1": Booking,
    "enrolment.offering.restated.v1": Offering,
    "enrolment.leave.restated.v1": Leave,
    "enrolment.course.restated.v1": Course,
    "enrolment.organisation.restated.v1": Organisation,
    RESTATING: Restatement,
    RESTATED: Restatement,
}
"""The present state said again, for who builds its own anew: nothing has happened, and nobody is told."""
OUTCOMES: Final[Catalogue] = {
    **{f"enrolment.booking.{what}.v1": Booking for what in _BOOKING.split()},
    **{f"enrolment.offering.{what}.v1": Offering for what in _OFFERING.split()},
    "enrolment.leave.granted.v1": Leave,
    "enrolment.leave.withdrawn.v1": Leave,
    "enrolment.course.changed.v1": Course,
    "enrolment.organisation.changed.v1": Organisation,
    **RESTATEMENT,
    **CONTROL,
}
