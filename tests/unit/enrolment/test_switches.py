"""Moves, switches of the format and limits that fall away: the bookings stay."""

from datetime import timedelta
from typing import Any

import pytest

from shared.cloudevents import Event
from tests.support.enrolment import NOON, SESSION, World, delegation, lms, scheduled

HOUR = timedelta(hours=1)
ONLINE = [{**SESSION, "session_id": "s9", "format": "online", "location": None, "join_url": "https://bbb.example/1"}]
KEPT = [delegation("jena", 1)]


def on(kind: str, **data: Any) -> Event:
    return lms(f"offering.{kind}", after=HOUR, offering_id="o1", **data)


def of(person: str, organisation: str | None = None) -> Event:
    return lms("booking.requested", offering_id="o1", person_id=person, organisation_id=organisation)


def group(*people: str) -> Event:
    listed = [{"person_id": one} for one in people]
    more: dict[str, Any] = {"group_id": "g", "requested_by": "boss", "all_or_nothing": True, "people": listed}
    return lms("group.requested", offering_id="o1", **more)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (on("rescheduled", sessions=[{**SESSION, "starts_at": "2024-11-21T08:00:00+01:00"}]), "rescheduled"),
        (on("format_changed", format="online", sessions=ONLINE), "format_changed"),
        (on("format_changed", format="web_based", sessions=[]), "format_changed"),
        (scheduled(format="online", sessions=ONLINE, delegations=KEPT), "format_changed"),
    ],
    ids=["moved", "online", "without times", "scheduled again"],
)
def test_bookings_queue_and_seats_stay_and_one_event_tells_it(event: Event, told: str) -> None:
    world = World()
    world.push(scheduled(delegations=KEPT), of("a", "jena"), of("b"), of("c"), of("d", "jena"))
    before, seats = world.bookings(), world.view().seats
    assert world.push(event) == [f"offering.{told}"]
    assert world.told[-1].data.sessions == event.data.sessions
    assert (world.bookings(), world.view().seats) == (before, seats)
    assert [one.waiting_position for one in before] == [None, None, 1, 2]


def test_a_substitute_without_times_keeps_the_limit_until_an_event_lifts_it() -> None:
    world = World()
    world.push(scheduled(capacity=1), *map(of, "abc"), on("format_changed", format="web_based", sessions=[]))
    assert world.statuses() == {"a": "confirmed", "b": "waiting", "c": "waiting"}
    assert world.push(on("capacity_changed", capacity=None)) == ["offering.capacity_changed", *["booking.promoted"] * 2]
    assert world.push(of("d")) == ["booking.confirmed"]
    assert world.view().seats.free is None


def test_scheduled_again_may_switch_and_lift_the_limit_at_once() -> None:
    world = World()
    world.push(scheduled(capacity=1), *map(of, "ab"))
    told = world.push(scheduled(capacity=None, format="web_based", sessions=[]))
    assert told == ["offering.format_changed", "offering.capacity_changed", "booking.promoted"]


@pytest.mark.parametrize("limit", [1, 1_000])
def test_without_a_limit_all_move_up_in_their_order_groups_and_delegations_too(limit: int) -> None:
    world = World(limit=limit)
    seats = [delegation("jena", 1), delegation("bonn", 1)]
    world.push(scheduled(capacity=2, delegations=seats))
    for event in (of("a", "jena"), of("x"), of("b", "jena"), group("g", "h", "i"), of("y"), of("c", "jena")):
        world.push(event)
    assert [one.person_id for one in world.bookings() if one.status == "waiting"] == [*"xbghiyc"]
    before = len(world.told)
    world.push(on("capacity_changed", capacity=None))
    assert [event.data.person_id for event in world.told[before + 1 :]] == [*"xbghiyc"]


def test_without_a_limit_who_awaits_approval_still_does() -> None:
    world = World()
    world.push(scheduled(capacity=0, approval="supervisor"), of("a"), group("g", "h"))
    for capacity in (5, None):
        assert world.push(on("capacity_changed", capacity=capacity)) == ["offering.capacity_changed"]
    assert set(world.statuses().values()) == {"awaiting_approval"}
    assert world.view().seats.confirmed == 0


def test_back_to_the_hall_removes_nobody_and_seats_nobody_beyond_it() -> None:
    world = World()
    world.push(scheduled(capacity=None, format="web_based", sessions=[]), *map(of, "abc"))
    world.push(scheduled(capacity=2), of("d"))
    assert world.statuses() == {"a": "confirmed", "b": "confirmed", "c": "confirmed", "d": "waiting"}


def test_a_late_withdrawal_is_marked_and_its_seat_still_moves_on() -> None:
    world = World()
    world.push(scheduled(capacity=1, cancel_until=NOON), of("a"), of("b"))
    told = world.push(lms("booking.withdrawn", after=HOUR, offering_id="o1", person_id="a"))
    assert told == ["booking.cancelled", "booking.promoted"]
    assert [(one.person_id, one.status, one.late) for one in world.bookings()] == [
        ("a", "cancelled", True),
        ("b", "confirmed", False),
    ]


def test_a_release_opens_what_is_unused_and_takes_no_seat_from_the_delegation() -> None:
    world = World()
    seats = [delegation("jena", 3, HOUR), delegation("bonn", 1)]
    world.push(scheduled(capacity=4, delegations=seats), of("a", "jena"), *map(of, "xyz"), of("b", "bonn"))
    world.push(lms("deadline.passed", after=HOUR, offering_id="o1", at=NOON + HOUR))
    assert [one.person_id for one in world.bookings() if one.status == "confirmed"] == [*"axyb"]
    host = [
        (one.organisation_id, one.seats, one.confirmed, one.waiting, one.released) for one in world.view().delegations
    ]
    assert host == [("jena", 3, 1, 0, True), ("bonn", 1, 1, 0, False)]
    assert world.push(of("c", "jena")) == ["booking.waitlisted"]
    assert world.view().delegations[0].waiting == 1
