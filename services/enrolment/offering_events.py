"""What an LMS may say of an offering as a whole, checked field by field, and what the office's clock says. Pure.

What cannot be meant is refused, and nothing else (docs/decisions/0015-what-cannot-be-meant.md).
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from shared.cloudevents import Instant, Text, check_years
from shared.events import Delegation, Format, LongText, Seats, Session


def once(name: str, field: str, ids: Iterable[str]) -> None:
    """Refuse an id that stands in the list a second time."""
    known = set[str]()
    for index, one in enumerate(ids):
        if one in known:
            raise ValueError(f"{name}[{index}].{field}: stands there twice")
        known.add(one)


def _check_sessions(sessions: list[Session], offering_format: Format | None) -> None:
    once("sessions", "session_id", (session.session_id for session in sessions))
    if not sessions and offering_format not in (None, "web_based"):
        raise ValueError("sessions: only a web_based offering may have none")


def _check_delegations(delegations: list[Delegation] | None, capacity: int | None) -> None:
    seats = delegations or []
    once("delegations", "organisation_id", (one.organisation_id for one in seats))
    if capacity is not None and sum(one.seats for one in seats) > capacity:
        raise ValueError("delegations: their seats are more than the capacity")


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
        if self.booking_opens_at and self.booking_closes_at and self.booking_closes_at < self.booking_opens_at:
            raise ValueError("booking_closes_at: lies before booking_opens_at")


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


class DeadlinePassed(msgspec.Struct, frozen=True, kw_only=True):
    """lernbus.deadline.passed.v1: `at` is the deadline that has passed."""

    offering_id: Text
    at: Instant
