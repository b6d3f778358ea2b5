"""What every event of the LMS does: state + event -> new state + what is told. No clock, no input, no output.

One event belongs to one offering (bookings.py, group_requests.py, offerings.py) or to an entity of its own
(records.py). Who gets a seat is computed in seats.py; waiting.py holds the waiting list, groups.py the groups on it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from services.enrolment import bookings, group_requests, offerings, records
from services.enrolment.state import Decision, State
from shared.cloudevents import Event

# a rule -> the function of state and event that applies it
_person = partial(partial, bookings.about_person)
_offering = partial(partial, offerings.about_offering)
_kept = partial(partial, records.about_kept)

ROUTES: Final[Mapping[str, Callable[[State, Event], Decision]]] = {
    "lms.organisation.changed.v1": _kept("enrolment.organisation.changed.v1", records.replaced),
    "lms.course.changed.v1": _kept("enrolment.course.changed.v1", records.replaced),
    "lms.leave.granted.v1": _kept("enrolment.leave.granted.v1", records.granted),
    "lms.leave.withdrawn.v1": _kept("enrolment.leave.withdrawn.v1", records.withdrawn),
    "lms.offering.scheduled.v1": offerings.scheduled,
    "lms.offering.capacity_changed.v1": _offering(offerings.change_capacity),
    "lms.offering.rescheduled.v1": _offering(offerings.reschedule),
    "lms.offering.format_changed.v1": _offering(offerings.change_format),
    "lms.offering.cancelled.v1": _offering(offerings.cancel),
    "lernbus.deadline.passed.v1": offerings.deadline,
    "lms.booking.requested.v1": _person(bookings.request),
    "lms.booking.approved.v1": _person(bookings.approve),
    "lms.booking.refused.v1": _person(bookings.refuse),
    "lms.booking.withdrawn.v1": _person(bookings.withdraw),
    "lms.attendance.recorded.v1": _person(bookings.attend),
    "lms.completion.recorded.v1": _person(bookings.complete),
    "lms.cohort.assigned.v1": bookings.assign,
    "lms.group.requested.v1": group_requests.request_group,
}


def decide(state: State, event: Event, step: int = 0) -> Decision:
    """Apply one event, or the next step of one. Raises Invalid before it has changed anything."""
    return ROUTES[event.type](state, event) if step == 0 else offerings.go_on(state, event)
