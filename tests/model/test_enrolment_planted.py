"""Each invariant of seats (design section 5) finds a bug planted against it, from random events alone.

Only the invariants look here, not the naive model: they judge what is published and the outcomes.
"""

from collections.abc import Callable, Collection

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.enrolment import bookings, domain, offerings, places, seats, state
from services.enrolment.change import Change
from services.enrolment.events import BookingRequested
from services.enrolment.state import Ledger
from services.enrolment.waiting import Claimant, Queue
from shared.cloudevents import Event
from tests.support.enrolment_checks import INVARIANTS
from tests.support.enrolment_machine import Machine

Rule = Callable[[state.State, Event], state.Decision]
Plant = Callable[[pytest.MonkeyPatch], None]
RUN = settings(
    deadline=None,
    max_examples=1_000,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)


class Watched(Machine):
    """A batch for each event: they are judged before the next one stumbles over what the bug has done."""

    checks = INVARIANTS
    most = 1


def one_seat_more_than_there_are(patch: pytest.MonkeyPatch) -> None:
    real = seats.admits

    def admits(ledger: Ledger, organisation_id: str | None) -> bool:
        return real(ledger, organisation_id) or ledger.confirmed == ledger.offering.capacity

    patch.setattr(seats, "admits", admits)


def open_seats_of_delegations_counted_twice(patch: pytest.MonkeyPatch) -> None:
    def open_free(ledger: Ledger) -> int | None:
        capacity = ledger.offering.capacity
        return None if capacity is None else capacity - ledger.confirmed

    patch.setattr(seats, "open_free", open_free)


def a_lowered_capacity_that_sends_people_away(patch: pytest.MonkeyPatch) -> None:
    def request(change: Change, claimant: Claimant, data: BookingRequested) -> None:
        capacity, live = change.ledger.offering.capacity, claimant.live
        if live and live.status == "confirmed" and capacity is not None and change.ledger.confirmed > capacity:
            change.move(claimant, "enrolment.booking.cancelled.v1", "cancelled", reason="full")
        else:
            bookings.request(change, claimant, data)

    _route(patch, "lms.booking.requested.v1", domain._person(request))


def the_last_of_the_queue_first(patch: pytest.MonkeyPatch) -> None:
    real = Queue.first

    def first(self: Queue, organisations: Collection[str] | None) -> Claimant | None:
        found = real(self, organisations)
        waiting = [one for one in self._people.values() if one.waiting is not None]
        fitting = [one for one in waiting if organisations is None or one.organisation in organisations]
        return found and max(fitting, key=lambda one: one.waiting or 0)

    patch.setattr(Queue, "first", first)


def a_withdrawal_that_lets_nobody_move_up(patch: pytest.MonkeyPatch) -> None:
    def withdraw(change: Change, claimant: Claimant, _data: object) -> None:
        if claimant.live is not None:
            change.move(claimant, "enrolment.booking.cancelled.v1", "cancelled", reason="withdrawn")

    _route(patch, "lms.booking.withdrawn.v1", domain._person(withdraw))


def a_request_that_does_not_look_whether_a_booking_lives(patch: pytest.MonkeyPatch) -> None:
    def request(change: Change, claimant: Claimant, data: BookingRequested) -> None:
        status, reason = places.at_request(change.ledger, change.event.time, data.organisation_id)
        change.book(claimant, data, 0, status=status, reason=reason)

    _route(patch, "lms.booking.requested.v1", domain._person(request))


def an_event_that_is_not_remembered(patch: pytest.MonkeyPatch) -> None:
    for module in (bookings, offerings, state):
        patch.setattr(module, "remember", lambda _seen, _mark: None)


def a_change_that_is_said_to_be_a_repeat(patch: pytest.MonkeyPatch) -> None:
    def assign(known: state.State, event: Event) -> state.Decision:
        return state.Decision("repeated", bookings.assign(known, event).events)

    _route(patch, "lms.cohort.assigned.v1", assign)


PLANTED: list[tuple[str, Plant]] = [
    ("1: there was no seat for", one_seat_more_than_there_are),
    ("1: there was no seat for", open_seats_of_delegations_counted_twice),
    ("2: p[0-9]+ lost a seat", a_lowered_capacity_that_sends_people_away),
    ("3: p[0-9]+ passed somebody", the_last_of_the_queue_first),
    ("3: a seat is free beside", a_withdrawal_that_lets_nobody_move_up),
    ("4: p[0-9]+ has 2 live bookings", a_request_that_does_not_look_whether_a_booking_lives),
    ("5: outcomes", an_event_that_is_not_remembered),
    ("5: outcomes", a_change_that_is_said_to_be_a_repeat),
]


@pytest.mark.parametrize(("found", "plant"), PLANTED, ids=[plant.__name__ for _, plant in PLANTED])
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, found: str, plant: Plant) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=found):
        run_state_machine_as_test(Watched, settings=RUN)


def test_the_invariants_hold_where_nothing_is_planted() -> None:
    run_state_machine_as_test(Watched, settings=settings(RUN, max_examples=20))


def _route(patch: pytest.MonkeyPatch, kind: str, rule: Rule) -> None:
    patch.setitem(domain.ROUTES, kind, rule)
