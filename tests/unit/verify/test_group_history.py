"""Histories of all-or-nothing groups that break the rule, and what the auditor of enrolment says to them."""

from typing import Any

from services.enrolment.state import Group
from tests.unit.verify.test_enrolment_history import Log, audited, kept, recounted

GROUP: dict[str, Any] = {"group_id": "g", "all_or_nothing": True}


def together(log: Log, what: str, *people: str, cause: str) -> Log:
    for person in people:
        getattr(log, what)(person, cause=cause, **GROUP)
    return log


def queued() -> Log:
    """Two seats, one taken by a; g1 and g2 wait together."""
    log = Log(capacity=2).confirmed("a")
    return together(log, "waitlisted", "g1", "g2", cause="group")


def said(log: Log) -> list[str]:
    return [f"{one.invariant} {one.detail}" for one in audited(log)]


def test_a_group_may_wait_beside_a_seat_that_is_not_enough_and_somebody_later_may_take_it() -> None:
    assert said(queued()) == []
    assert said(queued().confirmed("b")) == []


def test_a_group_is_promoted_as_a_whole_before_whoever_came_later() -> None:
    log = queued().cancelled("a", cause="gone")
    assert said(together(log, "promoted", "g1", "g2", cause="gone")) == []


def test_a_group_of_which_only_some_have_seats_is_named() -> None:
    log = queued().cancelled("a", cause="gone")
    assert said(together(log, "promoted", "g1", cause="gone")) == [
        "1 group g got some of its seats after version 6, and is all or nothing",
        "2 all seats of group g are free after version 6, and it waits",
    ]


def test_a_group_that_waits_though_all_its_seats_are_free_is_named() -> None:
    assert said(queued().cancelled("a")) == ["2 all seats of group g are free after version 5, and it waits"]


def test_who_passes_a_group_that_could_have_all_its_seats_is_named() -> None:
    log = queued().cancelled("a", cause="gone").confirmed("b", cause="gone")
    assert said(log) == ["2 booking b-b passed group g, which could have all its seats"]


def test_somebody_who_waits_longer_than_the_group_is_not_passed_by_it() -> None:
    log = together(Log().confirmed("a").waitlisted("b"), "waitlisted", "g1", cause="group").cancelled("a", cause="gone")
    assert said(together(log, "promoted", "g1", cause="gone")) == [
        "2 booking b-g1 passed b-b, which waited longer and could have the seat"
    ]


def test_what_is_kept_of_a_group_is_counted_anew() -> None:
    log = queued()
    entities = [one for _, one in log.events[1:]]
    ledger, people = kept(*entities, groups={"g": Group("g", 2, {}, number=1)})  # type: ignore[arg-type]
    ledger.offering.capacity = 2
    for number, one in enumerate(people[1:], 1):
        one.waiting, one.grouped, one.group = None, number, "g"
    assert recounted(ledger, people) == []
    ledger.groups["g"].size = 3
    assert recounted(ledger, people) == ["1 group g is counted with 3 people, and 2 are kept"]
    ledger.groups["g"].size = 2
    ledger.offering.capacity = 3
    assert recounted(ledger, people) == ["2 all seats of a group of 2 are free, and it waits"]
