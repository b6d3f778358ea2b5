"""Who was assigned, and who of them has fulfilled it."""

from datetime import timedelta
from typing import Any

from services.enrolment.cohorts import AssignedCohort, cohorts_of
from shared.cloudevents import Event
from shared.events import Assigned
from tests.support.enrolment import NOON, World, lms, scheduled

DAY = timedelta(days=1)
WBT: dict[str, Any] = {"format": "web_based", "sessions": []}


def assigned(*people: str, cohort: str = "2023", run: str = "o1", mandatory: bool = True) -> Event:
    listed = [{"person_id": one} for one in people]
    return lms("cohort.assigned", offering_id=run, cohort=cohort, mandatory=mandatory, people=listed)


def of(person: str, kind: str = "booking.requested", run: str = "o1", **data: Any) -> Event:
    return lms(kind, offering_id=run, person_id=person, **data)


def attended(person: str, run: str = "o1", status: str = "attended") -> Event:
    return of(person, "attendance.recorded", run, session_id="s1", status=status)


def completed(person: str, run: str = "o1") -> Event:
    return of(person, "completion.recorded", run, completed_at=NOON)


def lists(*events: Event, runs: tuple[str, ...] = ("o1",)) -> list[AssignedCohort]:
    """The cohorts of the first run, after these events."""
    world = World()
    world.push(*events)
    return cohorts_of(runs[0], "c1", [one for run in runs for one in world.store.claimants(run)])


def people(*events: Event, runs: tuple[str, ...] = ("o1",)) -> dict[str, tuple[bool, str | None, str | None]]:
    (cohort,) = lists(*events, runs=runs)
    return {one.person_id: (one.fulfilled, one.offering_id, one.status) for one in cohort.people}


def test_who_attended_or_completed_has_fulfilled_it_and_the_others_have_not() -> None:
    seats = scheduled(capacity=4)
    (cohort,) = lists(
        seats, assigned("d", "c", "b", "a", "e"), attended("c"), completed("b"), attended("a", status="absent")
    )
    assert (cohort.cohort, cohort.mandatory, cohort.assigned, cohort.fulfilled, cohort.open) == ("2023", True, 5, 2, 3)
    assert [(one.person_id, one.fulfilled, one.offering_id, one.status) for one in cohort.people] == [
        ("d", False, "o1", "confirmed"),
        ("c", True, "o1", "confirmed"),
        ("b", True, "o1", "confirmed"),
        ("a", False, "o1", "confirmed"),
        ("e", False, "o1", "waiting"),
    ]


def test_a_withdrawal_leaves_the_person_assigned_and_a_new_request_is_seen() -> None:
    events = [scheduled(), assigned("a"), of("a", "booking.withdrawn")]
    assert people(*events) == {"a": (False, None, "cancelled")}
    assert people(*events, of("a")) == {"a": (False, "o1", "confirmed")}
    assert people(*events, of("a"), attended("a")) == {"a": (True, "o1", "confirmed")}


def test_another_run_of_the_same_course_fulfils_it_and_one_of_another_course_does_not() -> None:
    runs = ("o1", "o2", "o3")
    events = [scheduled(), scheduled(offering_id="o2"), scheduled(offering_id="o3", course_id="c2")]
    events += [assigned("a", "b"), of("a", "booking.withdrawn"), of("a", run="o2"), of("b", run="o3")]
    assert people(*events, runs=runs) == {"a": (False, "o2", "confirmed"), "b": (False, "o1", "confirmed")}
    done = [attended("a", "o2"), attended("b", "o3")]
    assert people(*events, *done, runs=runs) == {"a": (True, "o2", "confirmed"), "b": (False, "o1", "confirmed")}


def test_a_seat_elsewhere_is_shown_rather_than_a_place_in_the_queue_here() -> None:
    events = [scheduled(capacity=0), scheduled(offering_id="o2"), assigned("a"), of("a", run="o2")]
    assert people(*events, runs=("o1", "o2")) == {"a": (False, "o2", "confirmed")}


def test_a_format_switch_changes_nothing() -> None:
    events = [scheduled(), assigned("a", "b"), attended("a")]
    switch = lms("offering.format_changed", offering_id="o1", **WBT)
    assert lists(*events, switch) == lists(*events)
    assert people(*events, switch, completed("b"))["b"] == (True, "o1", "confirmed")


def test_a_cancelled_run_leaves_it_open_until_another_one_is_attended() -> None:
    events = [scheduled(), scheduled(offering_id="o2"), assigned("a"), lms("offering.cancelled", offering_id="o1")]
    assert people(*events, runs=("o1", "o2")) == {"a": (False, None, "cancelled")}
    late = [assigned("b"), of("a", run="o2"), attended("a", "o2")]
    known = people(*events, *late, runs=("o1", "o2"))
    assert known == {"a": (True, "o2", "confirmed"), "b": (False, None, "refused")}


def test_taking_part_counts_even_if_the_booking_ended_afterwards_and_a_correction_counts_too() -> None:
    events = [scheduled(), assigned("a"), attended("a", status="partly")]
    ended = [*events, of("a", "booking.withdrawn")]
    assert people(*ended) == {"a": (True, "o1", "cancelled")}
    assert people(*ended, of("a")) == {"a": (True, "o1", "cancelled")}, "a new booking is not what fulfilled it"
    assert people(*events, attended("a", status="absent")) == {"a": (False, "o1", "confirmed")}


def test_each_cohort_has_its_list_and_what_was_said_last_tells_whether_it_is_mandatory() -> None:
    events = [scheduled(), of("x"), assigned("a"), assigned("a", "x", cohort="2022", mandatory=False)]
    known = lists(*events)
    assert [(one.cohort, one.mandatory, [it.person_id for it in one.people]) for one in known] == [
        ("2022", False, ["x", "a"]),
        ("2023", True, ["a"]),
    ]
    world = World()
    world.push(*events)
    assert world.outcome(assigned("a", mandatory=False)) == "applied"
    assert world.outcome(assigned("a", mandatory=False)) == "repeated"
    assert not any(one.mandatory for one in cohorts_of("o1", "c1", world.store.claimants("o1")))


def test_an_old_assignment_pushed_again_does_not_undo_a_newer_one() -> None:
    first = assigned("a")
    later = [assigned("a", mandatory=False), *[of("a", "booking.withdrawn") for _ in range(9)]]
    (cohort,) = lists(scheduled(), first, *later, first)
    assert not cohort.mandatory


def test_an_offering_without_cohorts_has_no_list() -> None:
    assert lists(scheduled(), of("a"), attended("a")) == []


def test_a_booking_carries_when_each_of_its_cohorts_was_assigned() -> None:
    listed = [{"person_id": "a"}]
    later = lms("cohort.assigned", after=DAY, offering_id="o1", cohort="2024", mandatory=True, people=listed)
    world = World()
    world.push(scheduled(), assigned("a"), later, assigned("a"))

    [claimant] = world.store.claimants("o1")
    kept = claimant.bookings[0].booking.assigned
    assert kept == [Assigned(cohort="2023", at=NOON), Assigned(cohort="2024", at=NOON + DAY)]
    assert world.told[-1].data.assigned == kept
