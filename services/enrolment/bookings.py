"""What an event about a person does to the bookings on an offering (design section 4, "Fine print"). Pure."""

from collections.abc import Callable
from typing import Any

from services.enrolment import places
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
from services.enrolment.waiting import Assignment, Claimant
from shared.cloudevents import Event
from shared.errors import Invalid
from shared.events import Assigned, Attendance, Booking

Rule = Callable[[Change, Claimant, Any], None]


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
    if claimant.live or has_made(change.event, 0, claimant):
        return
    status, reason = places.at_request(change.ledger, change.event.time, data.organisation_id)
    change.book(claimant, data, 0, status=status, reason=reason)


def approve(change: Change, claimant: Claimant, _data: object) -> None:
    """A booking that awaits approval gets a seat, or waits from now on, or is refused as full; a group all at once."""
    if (booking := _awaiting(claimant)) is None:
        return
    if claimant.group is None:
        status, reason = places.of_person(change.ledger, booking.organisation_id)
        change.move(claimant, TOLD_AS[status], status, reason=reason)
    else:
        change.ledger.groups[claimant.group].awaiting -= 1
        claimant.approved = change.noted = True
        change.promote()


def refuse(change: Change, claimant: Claimant, _data: object) -> None:
    """A booking that awaits approval is refused; it may have been the last that its group waited for."""
    if _awaiting(claimant) is not None:
        change.move(claimant, TOLD_AS["refused"], "refused", reason="approval_refused")
        change.promote()


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


def has_made(event: Event, index: int, claimant: Claimant) -> bool:
    """Whether this request is older than the last events, but its booking shows that it was here."""
    return bool(claimant.bookings) and booking_id(event, index) in {
        claim.booking.booking_id for claim in claimant.bookings
    }


def _assign(change: Change, claimant: Claimant, candidate: Candidate, index: int) -> None:
    if has_made(change.event, index, claimant):
        return
    _keep_assignment(change, claimant)
    cohort = change.event.data.cohort
    assigned = Assigned(cohort=cohort, at=change.event.time)
    if (booking := claimant.live) is None:
        status, reason = places.of_person(change.ledger, candidate.organisation_id)
        change.book(claimant, candidate, index, status=status, reason=reason, cohorts=[cohort], assigned=[assigned])
    elif cohort not in booking.cohorts:
        with_it = {"cohorts": [*booking.cohorts, cohort], "assigned": [*booking.assigned, assigned]}
        change.amend(claimant, "enrolment.booking.assigned.v1", **with_it)


def _keep_assignment(change: Change, claimant: Claimant) -> None:
    """Once per cohort, mandatory or not as was said last."""
    assigned = Assignment(change.event.data.cohort, change.event.data.mandatory)
    if assigned not in claimant.assigned:
        claimant.assigned = [*(one for one in claimant.assigned if one.cohort != assigned.cohort), assigned]
        change.noted = True


def _awaiting(claimant: Claimant) -> Booking | None:
    booking = claimant.live
    awaits = booking is not None and booking.status == "awaiting_approval" and not claimant.approved
    return booking if awaits else None


def _seated(claimant: Claimant) -> Booking:
    booking = claimant.live
    if booking is None or booking.status != "confirmed":
        raise Invalid("no_booking", "data.person_id", "has no seat on this offering")
    return booking
