"""What is told of an offering, and of what stands beside the offerings."""

from datetime import timedelta
from typing import Any

import pytest

from shared.cloudevents import Event
from shared.errors import Invalid
from tests.support.enrolment import NOON, SESSION, World, delegation, item, lms, scheduled

HOUR = timedelta(hours=1)
MOVED = [{**SESSION, "location": "Solingen"}]
LEAVE: dict[str, Any] = {
    "leave_id": "l1",
    "person_id": "p1",
    "organisation_id": "jena",
    "starts_on": "2023-05-02",
    "ends_on": "2023-05-06",
    "days": 5,
    "subject": "Politische Bildung",
    "provider": "VHS",
}


@pytest.fixture
def world() -> World:
    world = World()
    world.push(scheduled())
    return world


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"title": "Neu"}, ["scheduled"]),
        ({"capacity": 9}, ["capacity_changed"]),
        ({"delegations": [delegation("jena", 1)]}, ["capacity_changed"]),
        ({"sessions": MOVED}, ["rescheduled"]),
        ({"format": "online"}, ["format_changed"]),
        ({"format": "online", "sessions": MOVED, "title": "Neu"}, ["format_changed"]),
        ({"capacity": 9, "sessions": MOVED}, ["rescheduled", "capacity_changed"]),
    ],
)
def test_a_known_offering_scheduled_again_tells_each_kind_of_difference_once(
    world: World, changes: dict[str, object], told: list[str]
) -> None:
    assert world.push(scheduled(**changes)) == [f"offering.{kind}" for kind in told]
    offering = world.view().offering
    assert offering.title == changes.get("title", "Qualifizierung")
    assert [event.data.version for event in world.told] == [*range(1, len(told) + 2)]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (lms("offering.capacity_changed", offering_id="o1", capacity=3), "offering.capacity_changed"),
        (lms("offering.rescheduled", offering_id="o1", sessions=MOVED), "offering.rescheduled"),
        (lms("offering.format_changed", offering_id="o1", format="online", sessions=MOVED), "offering.format_changed"),
        (lms("offering.cancelled", offering_id="o1", reason="ill"), "offering.cancelled"),
    ],
    ids=str,
)
def test_a_change_is_told_with_the_whole_offering_and_the_same_again_is_a_repeat(
    world: World, event: Event, told: str
) -> None:
    assert world.push(event) == [told]
    assert (world.told[-1].data.title, world.told[-1].data.cause) == ("Qualifizierung", event.id)
    assert world.outcome(event) == "repeated"
    assert world.outcome(Event("another id", event.source, event.type, event.time, event.data)) == "repeated"


def test_an_old_change_pushed_again_does_not_undo_a_newer_one(world: World) -> None:
    raised = lms("offering.capacity_changed", offering_id="o1", capacity=30)
    world.push(raised, lms("offering.capacity_changed", offering_id="o1", capacity=20))
    assert world.outcome(raised) == "repeated"
    assert world.view().seats.capacity == 20


def test_only_a_web_based_offering_may_lose_all_its_sessions(world: World) -> None:
    with pytest.raises(Invalid):
        world.push(lms("offering.rescheduled", offering_id="o1", sessions=[]))
    assert world.push(scheduled(format="web_based", sessions=[])) == ["offering.format_changed"]


def test_a_release_that_has_passed_stays_passed_unless_it_is_put_off(world: World) -> None:
    world.push(scheduled(delegations=[delegation("jena", 1, HOUR)]))
    world.push(lms("deadline.passed", after=HOUR, offering_id="o1", at=NOON + HOUR))
    world.push(
        lms("offering.capacity_changed", offering_id="o1", capacity=5, delegations=[delegation("jena", 2, HOUR)])
    )
    assert world.view().offering.released == ["jena"]
    later = [delegation("jena", 2, 2 * HOUR)]
    world.push(lms("offering.capacity_changed", offering_id="o1", capacity=5, delegations=later))
    assert world.view().offering.released == []


def test_a_step_of_an_event_that_is_complete_changes_nothing(world: World) -> None:
    """The kernel goes on with an event to let held records go, also when it never concerned an offering."""
    state = world.store.load_now([])
    for event in (scheduled(), lms("leave.granted", **LEAVE)):
        result = world.handler.apply(state, item(event, step=1))
        assert (result.outcome, [*result.events], result.more) == ("applied", [], False)


def test_a_course_and_an_organisation_are_told_when_they_change_with_versions_of_their_own(world: World) -> None:
    course: dict[str, Any] = {"course_id": "c1", "title": "Vielfalt", "topics": ["Rassismus"], "competencies": []}
    assert world.push(lms("course.changed", **course)) == ["course.changed"]
    assert world.outcome(lms("course.changed", **course)) == "repeated"
    world.push(lms("course.changed", **{**course, "title": "Vielfalt II"}))
    world.push(lms("organisation.changed", organisation_id="jena", name="Jena"))
    assert [(event.data.version, event.id) for event in world.told[1:]] == [(1, "c1.1"), (2, "c1.2"), (1, "jena.1")]


def test_a_leave_is_granted_once_and_withdrawn_once(world: World) -> None:
    granted = lms("leave.granted", **LEAVE)
    assert world.push(granted) == ["leave.granted"]
    assert world.outcome(lms("leave.granted", **LEAVE)) == "repeated"
    assert world.push(lms("leave.withdrawn", after=HOUR, **LEAVE)) == ["leave.withdrawn"]
    assert (world.told[-1].data.ended_at, world.told[-1].data.version) == (NOON + HOUR, 2)
    assert world.outcome(lms("leave.withdrawn", **LEAVE)) == "repeated"
    assert world.outcome(granted) == "repeated", "the old grant pushed again"
    assert world.push(lms("leave.granted", **LEAVE)) == ["leave.granted"], "a new grant"
    assert world.told[-1].data.ended_at is None


def test_the_withdrawal_of_an_unknown_leave_is_kept_and_told(world: World) -> None:
    assert world.push(lms("leave.withdrawn", **LEAVE)) == ["leave.withdrawn"]
    assert world.told[-1].data.days == 5


def test_of_a_person_attributes_are_kept_and_after_an_erasure_nothing(world: World) -> None:
    person: dict[str, Any] = {
        "person_id": "p1",
        "email": "a@b.de",
        "display_name": "Ada",
        "language": "de",
        "organisation_id": "jena",
    }
    state = world.store.load_now([])
    assert world.handler.apply(state, item(lms("person.changed", **person), offset=7)).events == ()
    world.store.commit_now(state)
    kept = {"_id": "p1", "offset": 7, "organisation_id": "jena", "department": None, "status_group": None}
    assert world.store.documents["people"] == {"p1": kept}
    state = world.store.load_now([])
    world.handler.apply(state, item(lms("person.erased", person_id="p1"), offset=8))
    world.store.commit_now(state)
    assert not any(world.store.documents["people"]["p1"][name] for name in ("organisation_id", "department"))
