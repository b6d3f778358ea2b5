"""Groups: all or nothing, or one by one (docs/decisions/0013-groups.md)."""

from datetime import timedelta
from typing import Any

import pytest

from services.enrolment import door, groups
from services.enrolment.state import Attributes
from shared.cloudevents import Event
from shared.errors import Invalid
from tests.support.enrolment import NOON, World, delegation, lms, scheduled

HOUR = timedelta(hours=1)


def of(person: str, kind: str = "booking.requested", organisation: str | None = None, **data: Any) -> Event:
    more: dict[str, Any] = {"organisation_id": organisation} if organisation else {}
    return lms(kind, offering_id="o1", person_id=person, **more, **data)


def group(*people: str, together: bool = True, name: str = "g", **changes: Any) -> Event:
    """People as "a" or "a@jena"."""
    listed = [dict(zip(("person_id", "organisation_id"), one.split("@"), strict=False)) for one in people]
    data = {"group_id": name, "requested_by": "boss", "all_or_nothing": together, "people": listed, **changes}
    return lms("group.requested", offering_id="o1", **data)


def offered(capacity: int | None, *before: Event, **changes: Any) -> World:
    world = World(3)
    world.push(scheduled(capacity=capacity, **changes), *before)
    return world


def resized(capacity: int | None, **changes: Any) -> Event:
    return lms("offering.capacity_changed", offering_id="o1", capacity=capacity, **changes)


def decided(*people: str, how: str = "approved") -> list[Event]:
    return [of(one, f"booking.{how}", decided_by="boss") for one in people]


def states(world: World) -> str:
    """The last booking of everybody by its first letter: confirmed, waiting, awaiting, refused; x: cancelled."""
    letters = {"cancelled": "x"}
    return " ".join(f"{one}:{letters.get(status, status[0])}" for one, status in world.statuses().items())


def test_all_members_get_their_seats_at_once_or_wait_in_one_row() -> None:
    world = offered(3)
    assert world.push(group("a", "b")) == ["booking.confirmed"] * 2
    assert world.push(group("c", "d", name="h")) == ["booking.waitlisted"] * 2
    assert [(one.group_id, one.all_or_nothing, one.waiting_position) for one in world.bookings()] == [
        *[("g", True, None)] * 2,
        ("h", True, 1),
        ("h", True, 2),
    ]


def test_without_all_or_nothing_each_is_booked_in_the_order_of_the_list() -> None:
    world = offered(1, group("b", "a", together=False))
    assert states(world) == "b:c a:w"
    assert [(one.group_id, one.all_or_nothing) for one in world.bookings()] == [("g", False)] * 2
    assert world.push(of("b", "booking.withdrawn")) == ["booking.cancelled", "booking.promoted"]


def test_a_later_single_takes_the_seat_that_the_group_cannot_use_and_the_group_keeps_its_place() -> None:
    world = offered(2, of("x"), group("a", "b"), of("y"))
    assert states(world) == "x:c a:w b:w y:c"
    world.push(of("z"), of("x", "booking.withdrawn"), of("y", "booking.withdrawn"))
    assert states(world) == "x:x a:w b:w y:x z:c", "one seat at a time goes to z, who needs only one"
    assert world.push(resized(3)) == ["offering.capacity_changed", *["booking.promoted"] * 2]


def test_seats_that_would_do_for_the_group_go_to_it_before_a_later_single() -> None:
    world = offered(0, group("a", "b"), of("z"))
    world.push(resized(2))
    assert states(world) == "a:c b:c z:w"


def test_a_withdrawal_shrinks_the_group_until_it_fits() -> None:
    world = offered(2, of("x"), group("a", "b", "c"), of("z"))
    world.push(of("y"), of("z", "booking.withdrawn"), of("y", "booking.withdrawn"))
    assert world.push(of("b", "booking.withdrawn")) == ["booking.cancelled"]
    assert world.push(of("a", "booking.withdrawn")) == ["booking.cancelled", "booking.promoted"]
    assert states(world) == "x:c a:x b:x c:c z:x y:x"


def test_of_two_groups_the_first_that_fits_is_confirmed_in_the_order_of_the_queue() -> None:
    world = offered(0, group("a", "b", "c"), group("d", "e", name="h"), group("f", "i", name="j"))
    world.push(resized(2))
    assert states(world) == "a:w b:w c:w d:c e:c f:w i:w"
    world.push(resized(5))
    assert states(world) == "a:c b:c c:c d:c e:c f:w i:w"


def test_members_take_the_seats_of_their_delegations_and_open_ones_for_the_rest() -> None:
    world = offered(4, delegations=[delegation("jena", 2), delegation("bonn", 1, HOUR)])
    world.push(group("a@jena", "b@jena", "c@jena"), group("d@jena", "e", "f", name="h"))
    assert states(world) == "a:c b:c c:c d:w e:w f:w"
    world.push(of("d", "booking.withdrawn"), of("f", "booking.withdrawn"))
    assert world.statuses()["e"] == "waiting", "the last seat is Bonn's"
    assert world.push(lms("deadline.passed", offering_id="o1", at=NOON + HOUR, after=HOUR)) == [
        *("offering.capacity_changed", "booking.promoted")
    ]


def test_seats_of_a_delegation_are_no_use_while_as_many_are_confirmed_as_may_be() -> None:
    world = offered(2, of("x"), of("y"), resized(2, delegations=[delegation("jena", 1)]), group("a@jena"))
    assert states(world) == "x:c y:c a:w"


def test_a_group_that_waits_is_counted_for_a_delegation_that_comes_later() -> None:
    world = offered(0, group("a@jena", "b@jena"), of("z"))
    world.push(resized(2, delegations=[delegation("jena", 2)]))
    assert states(world) == "a:c b:c z:w"


def test_the_organisation_of_the_group_is_that_of_members_without_one() -> None:
    world = offered(2, group("a", "b@bonn", organisation_id="jena"))
    assert [one.organisation_id for one in world.bookings()] == ["jena", "bonn"]


def test_whoever_has_a_live_booking_keeps_it_and_is_no_member() -> None:
    world = offered(2, of("a"), group("a", "b", "c"))
    assert states(world) == "a:c b:w c:w"
    assert world.bookings()[0].group_id is None
    assert world.outcome(group("a", name="h")) == "repeated"


@pytest.mark.parametrize(
    ("changes", "moment", "reason"),
    [
        ({"waiting_list": False}, 0, "full"),
        ({"booking_opens_at": NOON + HOUR}, 0, "not_open"),
        ({"booking_closes_at": NOON}, 0, "closed"),
    ],
)
def test_a_group_is_refused_as_a_whole(changes: dict[str, Any], moment: int, reason: str) -> None:
    world = offered(1, group("a", "b", after=moment * HOUR), **changes)
    assert [(one.status, one.reason) for one in world.bookings()] == [("refused", reason)] * 2
    assert not world.store.ledger("o1").groups


def test_a_group_without_a_limit_has_seats_and_one_larger_than_the_offering_waits() -> None:
    assert set(offered(None, group(*"abcdefgh")).statuses().values()) == {"confirmed"}
    assert set(offered(2, group(*"abcdefgh")).statuses().values()) == {"waiting"}


def test_a_group_that_awaits_approval_claims_once_all_is_decided() -> None:
    world = offered(2, group(*"abc"), approval="supervisor")
    assert world.push(*decided("a")) == []
    assert world.results[-1].outcome == "applied"
    assert world.outcome(decided("a", how="refused")[0]) == "repeated", "it does not await a decision any more"
    assert world.push(*decided("b", how="refused")) == ["booking.refused"]
    assert world.push(*decided("c")) == ["booking.confirmed"] * 2
    assert states(world) == "a:c b:r c:c"


def test_a_withdrawal_may_be_the_last_decision_and_a_full_offering_lets_the_group_wait() -> None:
    world = offered(1, group(*"abc"), *decided("a", "b"), approval="supervisor")
    assert world.push(of("c", "booking.withdrawn")) == ["booking.cancelled", *["booking.waitlisted"] * 2]
    assert world.push(of("a", "booking.withdrawn")) == ["booking.cancelled", "booking.promoted"]
    assert not world.store.ledger("o1").groups


def test_a_cancelled_offering_ends_the_group_and_refuses_the_next() -> None:
    world = offered(1, group(*"abcd"), lms("offering.cancelled", offering_id="o1"), group("e", name="h"))
    assert [one.reason for one in world.bookings()] == ["offering_cancelled"] * 5
    assert [one.group for one in world.store.claimants("o1")] == [None] * 5


def test_the_same_event_changes_nothing_and_the_same_group_stands_while_it_waits() -> None:
    first = group("a", "b")
    world = offered(1, first)
    assert world.outcome(first) == "repeated"
    assert world.outcome(group("a", "b", "c")) == "repeated"
    world.push(of("a", "booking.withdrawn"))
    assert world.outcome(first) == "repeated"
    assert states(world) == "a:x b:c"
    assert world.push(group("a", "b")) == ["booking.waitlisted"], "it does not wait any more: a asks anew"


def test_more_groups_than_a_walk_may_ask_are_refused_as_full() -> None:
    world = offered(1, *(group(f"a{n}", f"b{n}", name=f"g{n}") for n in range(groups.MOST)))
    assert len(world.store.ledger("o1").groups) == groups.MOST
    world.push(group("a", "b"), group("c", name="h"))
    assert [world.statuses()[one] for one in "abc"] == ["refused", "refused", "confirmed"]


def test_a_group_moves_in_one_step_however_small_the_steps_are() -> None:
    world = offered(0, of("x"), group(*"abcde"), group(*"fg", name="h"), of("y"))
    world.push(resized(9))
    assert states(world) == "x:c a:c b:c c:c d:c e:c f:c g:c y:c"
    assert [len(one.events) for one in world.results] == [1, 1, 5, 3]
    assert [event.data.person_id for event in world.told[-9:]] == [*"xabcdefgy"]


def test_the_receiver_fills_what_is_missing_of_members_after_the_organisation_of_their_group() -> None:
    sent = group("a", "b@bonn", organisation_id="jena")
    assert door.incomplete([sent]) == {"a", "b"}
    (filled,) = door.fill(
        [sent], {"a": Attributes(1, "erfurt", "Amt 51", "Beamte"), "b": Attributes(1, None, "Amt 20")}
    )
    assert [(one.organisation_id, one.department, one.status_group) for one in filled.data.people] == [
        ("jena", "Amt 51", "Beamte"),
        ("bonn", "Amt 20", None),
    ]


@pytest.mark.parametrize(
    ("people", "field"),
    [(["a", "b", "a"], "data.people[2].person_id"), ([], "data.people"), (["a", ""], "data.people[1].person_id")],
)
def test_a_list_that_cannot_be_meant_is_refused_with_the_field(people: list[str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        group(*people)
    assert refused.value.field == field
