"""What a batch of notifications touches, and what an event may do to it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from services.notifications.certified import Certificate
from services.notifications.messages import Contact, Message
from services.notifications.moved import Gone
from services.notifications.reminders import Changes, Due
from shared.cloudevents import Event
from shared.events import Attendance, Course, Offering, Organisation, Status

STEP: Final = 1_000
"""So many people of a roster, or messages of an erased person, are dealt with in one transaction."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A booking as far as the roster needs it: never a name or an address, those are read with each page.

    `since`: the version in which it came to its status, so those who wait are in the order of the queue (enrolment
    gives a place with the version); 0 in what was kept before this was. `erased`: of a person who has been erased.
    """

    booking_id: str
    offering_id: str
    person_id: str
    status: Status
    version: int
    since: int = 0
    organisation_id: str | None = None
    department: str | None = None
    reason: str | None = None
    late: bool = False
    cohorts: list[str] = []
    requested_at: datetime | None = None
    waiting_since: datetime | None = None
    waiting_until: datetime | None = None
    seated_at: datetime | None = None
    ended_at: datetime | None = None
    attendance: list[Attendance] = []
    completed_at: datetime | None = None
    group_id: str | None = None
    all_or_nothing: bool = False
    erased: bool = False


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An offering; `told`: the cause of the last change that its people were told, `after`: how far that walk is.

    `changed`: the sessions that its last change was about; `gone`: those that it has no more and that were to come.
    `told_in`: kind of message to all -> the version in which it was told last.
    """

    offering: Offering
    told: str = ""
    after: str = ""
    changed: list[str] = []
    gone: list[Gone] = []
    told_in: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Page:
    """At most STEP entries of a roster behind `after`, in the order of booking_id."""

    after: str
    entries: Sequence[Entry]


@dataclass(slots=True)
class State:
    """What a batch touches, as loaded and as changed since. `leaves`: leave_id -> version."""

    now: datetime
    contacts: dict[str, Contact] = field(default_factory=dict)
    offerings: dict[str, Known] = field(default_factory=dict)
    bookings: dict[str, Entry] = field(default_factory=dict)
    leaves: dict[str, int] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    lead_days: dict[str, Sequence[int]] = field(default_factory=dict)
    """Offerings that have lead times of their own."""
    naming: dict[str, Sequence[str]] = field(default_factory=dict)
    """Ids of at most STEP messages that may name a person who is being erased."""
    changed: set[tuple[str, str]] = field(default_factory=set)
    """Collection and id of what has changed."""
    messages: list[Message] = field(default_factory=list)
    due: list[tuple[str, Changes]] = field(default_factory=list)
    """offering_id and what changes of its due reminders, in order."""
    rosters: list[tuple[str, Changes]] = field(default_factory=list)
    """The same for the lists that trainers get."""
    updates: list[Due] = field(default_factory=list)
    """Lists that late changes make due, unless they are."""
    courses: dict[str, Course] = field(default_factory=dict)
    certificates: dict[str, Certificate | None] = field(default_factory=dict)
    """By booking; None: it is to go."""
    codes: dict[str, str] = field(default_factory=dict)
    """A fresh code for each booking that may earn a certificate."""
    arrived: set[str] = field(default_factory=set)
    cleared: dict[str, Sequence[str]] = field(default_factory=dict)
    """Erased person -> messages to clear of name and address."""


Outcome = Literal["applied", "more", "repeated", "held"]
"""What became of an event. `more`: its effect is not complete; `held`: it cannot be applied before another one came."""


class Cause(Protocol):
    """An event, and where it stands on the log. `step` counts the transactions that it has already taken."""

    @property
    def event(self) -> Event:
        """The event."""

    @property
    def partition(self) -> int:
        """The partition of its topic."""

    @property
    def offset(self) -> int:
        """Its place there."""

    @property
    def step(self) -> int:
        """The step that it has reached."""


Rule = Callable[[State, Cause], Outcome]
