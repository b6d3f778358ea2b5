"""Who gets a seat, and who moves up."""

from datetime import timedelta
from typing import Any

import pytest

from shared.cloudevents import Event
from tests.support.enrolment import NOON, World, delegation, item, lms, scheduled

HOUR = timedelta(hours=1)


def request(person: str, organisation: str | None = None, after: timedelta = timedelta(0), **more: str) -> Event:
    return lms(
        "booking.requested", after=after, offering_id="o1", person_id=person, organisation_id=organisation, **more
    )


def withdraw(person: str, after: timedelta = timedelta(0)) -> Event:
    return lms("booking.withdrawn", after=after, offering_id="o1", person_id=person)


def of_offering(kind: str, after: timedelta = timedelta(0), **data: Any) -> Event:
    return lms(kind, after=after, offering_id="o1", **data)


@pytest.fixture
def world() -> World:
    return World()


def seated(world: World) -> list[str]:
    return [one.person_id for one in world.bookings() if one.status == "confirmed"]


def test_the_first_get_the_seats_and_the_others_wait_in_their_order(world: World) -> None:
    told = world.push(scheduled(), *map(request, "abcd"))
    assert told == ["offering.scheduled", *["booking.confirmed"] * 2, *["booking.waitlisted"] * 2]
    assert [one.waiting_position for one in world.bookings()] == [None, None, 1, 2]


def test_the_order_is_the_log_s_whatever_the_times_say(world: World) -> None:
    world.push(scheduled(capacity=1), request("late", after=9 * HOUR), request("early"))
    assert seated(world) == ["late"]


def test_without_a_waiting_list_a_request_for_a_full_offering_is_refused(world: World) -> None:
    world.push(scheduled(capacity=0, waiting_list=False), request("a"))
    assert [(one.status, one.reason, one.ended_at) for one in world.bookings()] == [("refused", "full", NOON)]


def test_without_a_limit_everybody_gets_a_seat(world: World) -> None:
    world.push(scheduled(capacity=None), *map(request, "abcdef"))
    assert seated(world) == [*"abcdef"]
    assert world.view().seats.free is None


def test_after_a_withdrawal_the_first_in_the_queue_moves_up(world: World) -> None:
    world.push(scheduled(), *map(request, "abcd"))
    assert world.push(withdraw("a", 2 * HOUR)) == ["booking.cancelled", "booking.promoted"]
    promoted = world.bookings()[2]
    assert (promoted.person_id, promoted.status) == ("c", "confirmed")
    assert (promoted.waiting_since, promoted.waiting_until) == (NOON, NOON + 2 * HOUR)
    assert promoted.seated_at == NOON + 2 * HOUR


def test_who_leaves_the_queue_frees_no_seat(world: World) -> None:
    world.push(scheduled(), *map(request, "abcd"))
    assert world.push(withdraw("c")) == ["booking.cancelled"]
    assert [one.waiting_position for one in world.bookings()] == [None, None, None, 1]


def test_a_raised_capacity_moves_the_queue_up_in_its_order(world: World) -> None:
    world.push(scheduled(capacity=1), *map(request, "abcd"))
    assert world.push(of_offering("offering.capacity_changed", capacity=3)) == [
        "offering.capacity_changed",
        *["booking.promoted"] * 2,
    ]
    assert seated(world) == [*"abc"]


def test_a_lowered_capacity_removes_nobody_and_seats_nobody_before_it_is_reached(world: World) -> None:
    world.push(scheduled(capacity=3), *map(request, "abcd"), of_offering("offering.capacity_changed", capacity=1))
    assert seated(world) == [*"abc"]
    world.push(withdraw("a"), withdraw("b"))
    assert seated(world) == ["c"]
    world.push(withdraw("c"))
    assert seated(world) == ["d"]


def test_the_seats_of_a_delegation_are_kept_for_its_people(world: World) -> None:
    world.push(scheduled(capacity=2, delegations=[delegation("jena", 1)]), request("a"), request("b"))
    assert seated(world) == ["a"]
    world.push(request("c", "jena"))
    assert seated(world) == ["a", "c"]


def test_a_delegation_may_take_open_seats_beyond_its_own(world: World) -> None:
    world.push(scheduled(capacity=2, delegations=[delegation("jena", 1)]), *[request(one, "jena") for one in "abc"])
    assert seated(world) == [*"ab"]


def test_when_a_delegation_s_person_leaves_its_own_next_person_moves_up_past_others(world: World) -> None:
    """The others could not take that seat, so nobody is overtaken."""
    world.push(
        scheduled(capacity=2, delegations=[delegation("jena", 1)]),
        *[request("x"), request("a", "jena"), request("y"), request("b", "jena")],
    )
    world.push(withdraw("a"))
    assert seated(world) == ["x", "b"]
    assert [result.more for result in world.results] == [False], "the delegation's own queue had been read"


def test_an_open_seat_goes_to_the_first_even_if_a_delegation_waits_behind(world: World) -> None:
    world.push(
        scheduled(capacity=2, delegations=[delegation("jena", 1)]),
        *[request("x"), request("a", "jena"), request("y"), request("b", "jena")],
    )
    world.push(withdraw("x"))
    assert seated(world) == ["a", "y"]


def test_a_passed_deadline_opens_the_seats_to_all(world: World) -> None:
    world.push(scheduled(capacity=1, delegations=[delegation("jena", 1, HOUR)]), request("x"))
    deadline = of_offering("deadline.passed", HOUR, at=NOON + HOUR)
    assert world.push(deadline) == ["offering.capacity_changed", "booking.promoted"]
    assert [(one.seats, one.released) for one in world.view().delegations] == [(1, True)]
    again = of_offering("deadline.passed", 2 * HOUR, at=NOON + HOUR)
    assert world.outcome(again) == "repeated"


def test_the_same_deadline_passes_again_for_seats_that_were_set_aside_later(world: World) -> None:
    """It is always told with the same id: that of the offering and the moment."""
    world.push(scheduled(capacity=1, delegations=[delegation("jena", 1, HOUR)]), request("x"))
    deadline = of_offering("deadline.passed", HOUR, at=NOON + HOUR)
    world.push(deadline)
    delegations = [delegation("bonn", 2, HOUR)]
    world.push(
        of_offering("offering.capacity_changed", capacity=3, delegations=delegations), request("y"), request("z")
    )
    assert seated(world) == ["x"]
    world.push(deadline)
    assert seated(world) == ["x", "y", "z"]


def test_a_deadline_that_another_delegation_has_does_not_open_this_one_s_seats(world: World) -> None:
    delegations = [delegation("jena", 1, HOUR), delegation("bonn", 1, 3 * HOUR)]
    world.push(scheduled(capacity=2, delegations=delegations), request("x"), request("y"))
    world.push(of_offering("deadline.passed", HOUR, at=NOON + HOUR))
    assert seated(world) == ["x"]
    assert world.store.documents["offerings"]["o1"]["next_deadline"] == NOON + 3 * HOUR


@pytest.mark.parametrize("kind", ["scheduled", "capacity_changed"])
def test_a_change_after_the_deadline_opens_the_seats_at_once(world: World, kind: str) -> None:
    before = scheduled(capacity=1, delegations=[delegation("jena", 1, HOUR)])
    world.push(before, request("x"))
    changes = {
        "scheduled": scheduled(capacity=1, delegations=[delegation("jena", 1, HOUR)], after=HOUR),
        "capacity_changed": of_offering("offering.capacity_changed", HOUR, capacity=1),
    }
    assert world.push(changes[kind]) == ["offering.capacity_changed", "booking.promoted"]


def test_new_delegations_count_the_people_who_are_there_already(world: World) -> None:
    """Their organisation had no seats, so nobody had counted them."""
    world.push(scheduled(capacity=2), request("a", "a.$b"), request("x"), request("y"), request("b", "a.$b"))
    world.push(of_offering("offering.capacity_changed", capacity=3, delegations=[delegation("a.$b", 1)]))
    assert [(one.seats, one.confirmed, one.waiting) for one in world.view().delegations] == [(1, 1, 1)]
    assert seated(world) == ["a", "x", "y"]


def test_delegations_of_an_offering_made_in_the_same_batch_count_its_people_too(world: World) -> None:
    change = of_offering("offering.capacity_changed", capacity=2, delegations=[delegation("jena", 1)])
    world.push(scheduled(), request("a", "jena"), change, request("b", "jena"), request("c", "jena"))
    assert [(one.confirmed, one.waiting) for one in world.view().delegations] == [(2, 1)]


def test_capacity_without_delegations_leaves_them_and_an_empty_list_removes_them(world: World) -> None:
    world.push(scheduled(delegations=[delegation("jena", 1)]), of_offering("offering.capacity_changed", capacity=5))
    assert world.view().seats.free == 4
    world.push(of_offering("offering.capacity_changed", capacity=5, delegations=[]))
    assert world.view().seats.free == 5
    assert world.view().delegations == []


def test_a_long_walk_is_done_in_steps_and_told_in_the_order_of_the_queue() -> None:
    world, people = World(limit=3), [f"p{number}" for number in range(10)]
    world.push(scheduled(capacity=0), *map(request, people))
    world.push(of_offering("offering.capacity_changed", capacity=8))
    assert [result.more for result in world.results] == [True, True, True, False]
    assert [event.data.person_id for event in world.told[11:][1:]] == people[:8]


def test_heads_of_the_queue_that_a_batch_did_not_read_are_found_in_the_next_step() -> None:
    """a's seat is set aside for jena, whose next person stands behind more people than withdrawals were read."""
    world = World()
    world.push(scheduled(capacity=2, delegations=[delegation("jena", 1)]), request("a", "jena"), request("x"))
    world.push(*map(request, ["w1", "w2", "w3"]), request("b", "jena"))
    world.push(of_offering("offering.capacity_changed", capacity=1, delegations=[delegation("jena", 1)]), withdraw("x"))
    world.push(withdraw("a"))
    assert seated(world) == ["b"]


def test_a_cancelled_offering_is_told_first_and_ends_every_live_booking_in_steps() -> None:
    world = World(limit=2)
    world.push(scheduled(), *map(request, "abcde"), withdraw("b"))
    told = world.push(of_offering("offering.cancelled", HOUR, reason="ill"))
    assert told == ["offering.cancelled", *["booking.cancelled"] * 4]
    assert [one.reason for one in world.bookings()] == [
        "offering_cancelled" if one != "b" else "withdrawn" for one in "abcde"
    ]
    assert world.view().seats.confirmed == world.view().seats.waiting == 0


def test_the_walk_over_a_cancelled_offering_goes_on_behind_the_last_booking_it_ended() -> None:
    """Else every step would read again what the steps before it have ended."""
    world = World(limit=2)
    world.push(scheduled(), *map(request, "abc"))
    world.push(of_offering("offering.cancelled"))
    assert world.store.ledger("o1").walked == "o1\nc"


def test_a_step_of_another_event_does_not_go_on_with_a_walk() -> None:
    """Held records are let go within the steps of the event that they waited for."""
    world = World(limit=1)
    world.push(scheduled(capacity=0), *map(request, "abc"))
    change, other = of_offering("offering.capacity_changed", capacity=3), scheduled()
    state = world.store.load_now([item(change)])
    assert world.handler.apply(state, item(change)).more
    world.store.commit_now(state)
    steps = [item(other, step=1), item(change, step=1)]
    state = world.store.load_now(steps)
    assert [len(world.handler.apply(state, one).events) for one in steps] == [0, 1]


def test_nothing_revives_a_cancelled_offering(world: World) -> None:
    world.push(scheduled(), of_offering("offering.cancelled"))
    for event in (scheduled(capacity=9), of_offering("offering.capacity_changed", capacity=9)):
        assert world.outcome(event) == "repeated"
    assert world.push(request("a")) == ["booking.refused"]
    assert [one.reason for one in world.bookings()] == ["offering_cancelled"]
    assert world.outcome(of_offering("offering.cancelled")) == "repeated"


def test_a_queue_that_is_in_memory_as_a_whole_moves_up_in_steps_too() -> None:
    world = World(limit=3)
    world.push(scheduled(capacity=0), *map(request, "abcdefgh"), of_offering("offering.capacity_changed", capacity=8))
    assert [len(result.events) for result in world.results[9:]] == [3, 3, 3]
    assert seated(world) == [*"abcdefgh"]


def test_a_delegation_whose_queue_was_not_read_is_not_overtaken_by_one_whose_was() -> None:
    """Seats of both are free, and only the queue of the one whose member left was read."""
    world = World()
    world.push(scheduled(capacity=3, delegations=[delegation("jena", 1), delegation("bonn", 1)]))
    world.push(request("a", "jena"), request("x"), of_offering("offering.capacity_changed", capacity=1))
    world.push(*map(request, ["w1", "w2", "w3"]), request("first", "bonn"), request("second", "jena"))
    world.push(withdraw("x"))
    world.push(withdraw("a"))
    assert seated(world) == ["first"]
    assert [result.more for result in world.results] == [True, False]
