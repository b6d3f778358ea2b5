"""What an event about a person does to the bookings on an offering (design section 4, "Fine print"). Pure."""

from collections.abc import Callable
from typing import Any

from services.enrolment import seats
from services.enrolment.change import TOLD_AS, Change, booking_id
from services.enrolment.events import (
    AttendanceRecorded,
    BookingRequested,
    BookingWithdrawn,
    Candidate,
    CohortAssigned,
    CompletionRecorded,
)
from services.enrolment.state import Decision, State, mark_of, remember
from services.enrolment.waiting import Claimant
from shared.cloudevents import Event
from shared.errors import Invalid
from shared.events import Attendance, Booking, Status

Rule = Callable[[Change, Claimant, Any], None]
Place = tuple[Status, str | None]
"""A status, and the reason of a refusal."""


def about_person(rule: Rule, state: State, event: Event) -> Decision:
    """Apply an event about one person on one offering."""
    if (ledger := state.ledgers.get(event.data.offering_id)) is None:
        return Decision("held")
    claimant = state.claimant(event.data.offering_id, event.data.person_id)
    if (mark := mark_of(event)) in claimant.seen:
        return Decision("repeated")
    change = Change(state, ledger, event)
    rule(change, claimant, event.data)
    remember(claimant.seen, mark)
    state.changed_claimants.add(claimant.id)
    return change.decision()


def assign(state: State, event: Event) -> Decision:
    """Apply the assignment of a cohort: everybody in the order of the list, without approval and window."""
    data: CohortAssigned = event.data
    if (ledger := state.ledgers.get(data.offering_id)) is None:
        return Decision("held")
    change, mark = Change(state, ledger, event), mark_of(event)
    for index, candidate in enumerate(data.people):
        claimant = state.claimant(data.offering_id, candidate.person_id)
        if mark not in claimant.seen:
            _assign(change, claimant, candidate, index)
            remember(claimant.seen, mark)
            state.changed_claimants.add(claimant.id)
    return change.decision()


def request(change: Change, claimant: Claimant, data: BookingRequested) -> None:
    """A new booking, unless one lives or this request has made one already."""
    if claimant.live or _has_made(change.event, 0, claimant):
        return
    status, reason = _place_at_request(change, data.organisation_id)
    change.book(claimant, data, 0, status=status, reason=reason)


def approve(change: Change, claimant: Claimant, _data: object) -> None:
    """A booking that awaits approval gets a seat, or waits from now on, or is refused as full."""
    if (booking := _awaiting(claimant)) is not None:
        status, reason = _place(change, booking.organisation_id)
        change.move(claimant, TOLD_AS[status], status, reason=reason)


def refuse(change: Change, claimant: Claimant, _data: object) -> None:
    """A booking that awaits approval is refused."""
    if _awaiting(claimant) is not None:
        change.move(claimant, TOLD_AS["refused"], "refused", reason="approval_refused")


def withdraw(change: Change, claimant: Claimant, _data: BookingWithdrawn) -> None:
    """The live booking ends, late or not, and whoever may have the seat moves up."""
    if claimant.live is not None:
        until = change.ledger.offering.cancel_until
        late = until is not None and change.event.time > until
        change.move(claimant, TOLD_AS["cancelled"], "cancelled", reason="withdrawn", late=late)
        change.promote()


def attend(change: Change, claimant: Claimant, data: AttendanceRecorded) -> None:
    """The latest status per session, in the order in which the sessions were first recorded."""
    attendance = {one.session_id: one for one in _seated(claimant).attendance}
    before = attendance.get(data.session_id)
    if before is None or before.status != data.status:
        attendance[data.session_id] = Attendance(
            session_id=data.session_id, status=data.status, recorded_at=change.event.time
        )
        change.amend(claimant, "enrolment.booking.attendance_recorded.v1", attendance=list(attendance.values()))


def complete(change: Change, claimant: Claimant, data: CompletionRecorded) -> None:
    """The moment of the completion, the latest that was told."""
    if _seated(claimant).completed_at != data.completed_at:
        change.amend(claimant, "enrolment.booking.completed.v1", completed_at=data.completed_at)


def _assign(change: Change, claimant: Claimant, candidate: Candidate, index: int) -> None:
    cohort = change.event.data.cohort
    if (booking := claimant.live) is None:
        if not _has_made(change.event, index, claimant):
            status, reason = _place(change, candidate.organisation_id)
            change.book(claimant, candidate, index, status=status, reason=reason, cohorts=[cohort])
    elif cohort not in booking.cohorts:
        change.amend(claimant, "enrolment.booking.assigned.v1", cohorts=[*booking.cohorts, cohort])


def _place_at_request(change: Change, organisation_id: str | None) -> Place:
    offering, time = change.ledger.offering, change.event.time
    if offering.status == "scheduled":
        if offering.booking_opens_at is not None and time < offering.booking_opens_at:
            return "refused", "not_open"
        if offering.booking_closes_at is not None and time >= offering.booking_closes_at:
            return "refused", "closed"
        if offering.approval == "supervisor":
            return "awaiting_approval", None
    return _place(change, organisation_id)


def _place(change: Change, organisation_id: str | None) -> Place:
    """Where somebody comes who asks now: nobody who waits could take the seat, else they would have it already."""
    if change.ledger.offering.status == "cancelled":
        return "refused", "offering_cancelled"
    if seats.admits(change.ledger, organisation_id):
        return "confirmed", None
    return ("waiting", None) if change.ledger.offering.waiting_list else ("refused", "full")


def _has_made(event: Event, index: int, claimant: Claimant) -> bool:
    """Whether this request is older than the last events, but its booking shows that it was here."""
    return bool(claimant.bookings) and booking_id(event, index) in {
        claim.booking.booking_id for claim in claimant.bookings
    }


def _awaiting(claimant: Claimant) -> Booking | None:
    booking = claimant.live
    return booking if booking is not None and booking.status == "awaiting_approval" else None


def _seated(claimant: Claimant) -> Booking:
    booking = claimant.live
    if booking is None or booking.status != "confirmed":
        raise Invalid("no_booking", "data.person_id", "has no seat on this offering")
    return booking
