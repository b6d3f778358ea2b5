"""The fine print about bookings."""

from datetime import timedelta
from typing import Any

import pytest

from shared.cloudevents import Event
from shared.errors import Invalid
from tests.support.enrolment import NOON, World, lms, scheduled

HOUR = timedelta(hours=1)


def of(person: str, kind: str = "booking.requested", after: timedelta = timedelta(0), **data: Any) -> Event:
    return lms(kind, after=after, offering_id="o1", person_id=person, **data)


def cohort(name: str, *people: str, event_id: str | None = None) -> Event:
    listed = [{"person_id": person} for person in people]
    return lms("cohort.assigned", event_id=event_id, offering_id="o1", cohort=name, mandatory=True, people=listed)


@pytest.fixture
def world() -> World:
    world = World()
    world.push(scheduled())
    return world


def test_a_booking_carries_what_the_request_said_and_null_for_the_rest(world: World) -> None:
    world.push(of("a", organisation_id="jena", department="Amt 51", event_id="request-1"))
    booking = world.told[-1].data
    assert (booking.organisation_id, booking.department, booking.status_group) == ("jena", "Amt 51", None)
    assert (booking.course_id, booking.requested_at, booking.seated_at) == ("c1", NOON, NOON)
    assert (booking.version, booking.cause, len(booking.booking_id)) == (2, "request-1", 32)


def test_the_id_of_a_booking_is_that_of_its_request_and_tells_nothing_of_the_person(world: World) -> None:
    other = World()
    other.push(scheduled(), of("somebody else", event_id="request-1"))
    world.push(of("a", event_id="request-1"))
    assert world.bookings()[0].booking_id == other.bookings()[0].booking_id


def test_a_request_while_a_booking_lives_changes_nothing(world: World) -> None:
    world.push(of("a"))
    assert world.outcome(of("a", after=HOUR)) == "repeated"
    assert len(world.bookings()) == 1


def test_a_request_after_a_withdrawal_is_a_new_booking_at_the_end_of_the_queue(world: World) -> None:
    world.push(*map(of, "abcd"), of("c", "booking.withdrawn"), of("c"))
    assert [(one.person_id, one.status, one.waiting_position) for one in world.bookings()[2:]] == [
        ("c", "cancelled", None),
        ("d", "waiting", 1),
        ("c", "waiting", 2),
    ]


@pytest.mark.parametrize(
    ("hours", "status", "reason"),
    [(0.9, "refused", "not_open"), (1, "confirmed", None), (2.9, "confirmed", None), (3, "refused", "closed")],
)
def test_the_window_is_judged_by_the_time_of_the_request(hours: float, status: str, reason: str | None) -> None:
    world = World()
    world.push(scheduled(booking_opens_at=NOON + HOUR, booking_closes_at=NOON + 3 * HOUR), of("a", after=hours * HOUR))
    assert [(one.status, one.reason) for one in world.bookings()] == [(status, reason)]


def test_who_awaits_approval_holds_no_seat_and_waits_from_the_approval_on() -> None:
    world = World()
    world.push(scheduled(capacity=1, approval="supervisor"), of("a"), of("b"))
    assert world.view().seats.awaiting_approval == 2
    assert world.push(of("b", "booking.approved", decided_by="boss")) == ["booking.confirmed"]
    assert world.push(of("a", "booking.approved", 2 * HOUR, decided_by="boss")) == ["booking.waitlisted"]
    assert world.bookings()[0].waiting_since == NOON + 2 * HOUR


def test_an_approval_for_a_full_offering_without_a_queue_is_a_refusal_as_full() -> None:
    world = World()
    world.push(scheduled(capacity=0, approval="supervisor", waiting_list=False), of("a"))
    assert world.push(of("a", "booking.approved", decided_by="boss")) == ["booking.refused"]
    assert world.bookings()[0].reason == "full"


def test_a_refused_approval_ends_the_booking_and_a_second_answer_changes_nothing() -> None:
    world = World()
    world.push(scheduled(approval="supervisor"), of("a"), of("a", "booking.refused", decided_by="boss"))
    assert [(one.status, one.reason) for one in world.bookings()] == [("refused", "approval_refused")]
    assert world.outcome(of("a", "booking.approved", decided_by="boss")) == "repeated"


@pytest.mark.parametrize(("hours", "late"), [(1, False), (1.1, True)])
def test_a_withdrawal_after_the_limit_is_accepted_and_marked_late(hours: float, *, late: bool) -> None:
    world = World()
    world.push(scheduled(cancel_until=NOON + HOUR), of("a"), of("a", "booking.withdrawn", hours * HOUR))
    booking = world.bookings()[0]
    assert (booking.status, booking.reason, booking.late) == ("cancelled", "withdrawn", late)
    assert booking.ended_at == NOON + hours * HOUR


def test_a_withdrawal_without_a_booking_changes_nothing_and_is_recognised_later(world: World) -> None:
    early = of("a", "booking.withdrawn")
    assert world.outcome(early) == "repeated"
    world.push(of("a"))
    assert world.outcome(early) == "repeated"
    assert world.statuses() == {"a": "confirmed"}


def test_an_event_is_recognised_among_the_last_eight_of_the_person(world: World) -> None:
    first = of("a", "booking.withdrawn")
    world.push(of("a"), first, *[of("a", "booking.withdrawn") for _ in range(6)], of("a"))
    assert world.outcome(first) == "repeated"
    assert world.statuses() == {"a": "confirmed"}


def test_an_old_request_never_makes_its_booking_a_second_time(world: World) -> None:
    old = of("a")
    world.push(old, *[of("a", "booking.withdrawn") for _ in range(9)])
    assert world.outcome(old) == "repeated"
    assert len(world.bookings()) == 1


def test_the_same_id_of_another_source_is_another_event(world: World) -> None:
    withdrawal = of("a", "booking.withdrawn", event_id="1")
    world.push(of("a", event_id="1"), withdrawal)
    assert world.statuses() == {"a": "confirmed"}, "the same source and id: a repeat, whatever its type"
    other = Event("1", "lms/other", withdrawal.type, withdrawal.time, withdrawal.data)
    assert world.push(other) == ["booking.cancelled"]


def test_a_cohort_is_booked_in_the_order_of_its_list_without_approval_and_window() -> None:
    world = World()
    world.push(scheduled(approval="supervisor", booking_opens_at=NOON + HOUR))
    assert world.push(cohort("2023", "c", "a", "b")) == [*["booking.confirmed"] * 2, "booking.waitlisted"]
    assert [(one.person_id, one.cohorts) for one in world.bookings()] == [(one, ["2023"]) for one in "cab"]


def test_whoever_is_booked_already_gets_the_cohort_added_once(world: World) -> None:
    world.push(of("a"))
    assert world.push(cohort("2023", "a", "b")) == ["booking.assigned", "booking.confirmed"]
    assert world.outcome(cohort("2023", "a", "b")) == "repeated"
    assert world.push(cohort("2024", "a")) == ["booking.assigned"]
    assert world.bookings()[0].cohorts == ["2023", "2024"]


def test_a_cohort_pushed_again_books_nobody_who_withdrew_meanwhile(world: World) -> None:
    first = cohort("2023", "a", "b")
    world.push(first, of("a", "booking.withdrawn"))
    assert world.outcome(first) == "repeated"
    assert world.statuses() == {"a": "cancelled", "b": "confirmed"}


def test_somebody_listed_twice_is_booked_once(world: World) -> None:
    assert world.push(cohort("2023", "a", "a")) == ["booking.confirmed"]


def test_attendance_keeps_the_latest_status_of_each_session(world: World) -> None:
    world.push(of("a"))
    for session, status in (("s1", "absent"), ("s2", "partly"), ("s1", "attended")):
        world.push(of("a", "attendance.recorded", HOUR, session_id=session, status=status))
    assert [(one.session_id, one.status) for one in world.bookings()[0].attendance] == [
        ("s1", "attended"),
        ("s2", "partly"),
    ]
    same = of("a", "attendance.recorded", 2 * HOUR, session_id="s2", status="partly")
    assert world.outcome(same) == "repeated"


def test_a_completion_is_kept_and_told_once(world: World) -> None:
    done = NOON + 3 * HOUR
    world.push(of("a"))
    assert world.push(of("a", "completion.recorded", completed_at=done)) == ["booking.completed"]
    assert world.outcome(of("a", "completion.recorded", completed_at=done)) == "repeated"
    assert world.bookings()[0].completed_at == done


@pytest.mark.parametrize("person", ["stranger", "waiting", "withdrawn"])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("attendance.recorded", {"session_id": "s1", "status": "attended"}),
        ("completion.recorded", {"completed_at": NOON}),
    ],
)
def test_who_has_no_seat_has_no_attendance_and_nothing_is_changed(person: str, kind: str, data: dict[str, Any]) -> None:
    world = World()
    world.push(
        scheduled(capacity=1), *map(of, ["withdrawn", "seated", "waiting"]), of("withdrawn", "booking.withdrawn")
    )
    world.push(of("waiting", "booking.withdrawn"), of("other"), of("waiting"))
    before = str(world.store.documents)
    with pytest.raises(Invalid) as refused:
        world.push(of(person, kind, **data))
    assert (refused.value.reason, str(world.store.documents)) == ("no_booking", before)


@pytest.mark.parametrize("event", [of("a"), of("a", "booking.withdrawn"), cohort("2023", "a")], ids=str)
def test_an_event_for_an_unknown_offering_is_held_and_leaves_no_trace(event: Event) -> None:
    world = World()
    assert world.outcome(event) == "held"
    assert not world.store.documents["claimants"]
    world.push(scheduled())
    assert world.outcome(event) != "held"
