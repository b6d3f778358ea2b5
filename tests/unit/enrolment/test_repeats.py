"""Late, early, twice: what comes again changes nothing and says so, and what comes too early waits."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.enrolment.events import LOG
from shared.cloudevents import Event
from shared.events import CONTROL
from tests.support.enrolment import NOON, SESSION, World, delegation, lms, scheduled

HOUR = timedelta(hours=1)
MOVED = [{**SESSION, "location": "Solingen"}]
LEAVE: dict[str, Any] = {
    "leave_id": "l1",
    "person_id": "p1",
    "organisation_id": "jena",
    "starts_on": "2023-05-02",
    "ends_on": "2023-05-06",
    "days": 5,
    "subject": "Politik",
    "provider": "VHS",
}
GROUP: dict[str, Any] = {"group_id": "g", "requested_by": "boss", "people": [{"person_id": "a"}, {"person_id": "b"}]}


def on(kind: str, **data: Any) -> Event:
    return lms(kind, after=HOUR, offering_id="o1", **data)


def of(kind: str, **data: Any) -> Event:
    return on(kind, person_id="a", **data)


ASKED = [scheduled(), of("booking.requested")]
AWAITING = [scheduled(approval="supervisor"), of("booking.requested")]
RELEASED = [scheduled(capacity=1, delegations=[delegation("jena", 1, HOUR)]), of("booking.requested")]
EVENTS: list[tuple[list[Event], Event]] = [
    ([], lms("organisation.changed", organisation_id="jena", name="Jena")),
    ([], lms("course.changed", course_id="c1", title="Vielfalt", topics=[], competencies=[])),
    ([], scheduled()),
    (ASKED, on("offering.capacity_changed", capacity=9)),
    (ASKED, on("offering.rescheduled", sessions=MOVED)),
    (ASKED, on("offering.format_changed", format="web_based", sessions=[])),
    (ASKED, on("offering.cancelled", reason="ill")),
    ([scheduled()], of("booking.requested")),
    (AWAITING, of("booking.approved", decided_by="boss")),
    (AWAITING, of("booking.refused", decided_by="boss")),
    (ASKED, of("booking.withdrawn")),
    ([scheduled(capacity=1)], on("group.requested", all_or_nothing=True, **GROUP)),
    ([scheduled(capacity=1)], on("group.requested", all_or_nothing=False, **GROUP)),
    (ASKED, on("cohort.assigned", cohort="2023", mandatory=True, people=[{"person_id": "a"}, {"person_id": "b"}])),
    (ASKED, of("attendance.recorded", session_id="s1", status="partly")),
    (ASKED, of("completion.recorded", completed_at=NOON)),
    ([], lms("leave.granted", **LEAVE)),
    ([lms("leave.granted", **LEAVE)], lms("leave.withdrawn", **LEAVE)),
    (RELEASED, on("deadline.passed", at=NOON + HOUR)),
]


def kept(world: World) -> str:
    """All that is kept, but for which events were the last."""
    rows = [(name, one, found) for name, rows in world.store.documents.items() for one, found in rows.items()]
    return str([(name, one, {key: it for key, it in found.items() if key != "seen"}) for name, one, found in rows])


def test_these_are_all_types_of_events() -> None:
    assert {event.type for _, event in EVENTS} == LOG.keys() - CONTROL.keys()


@pytest.mark.parametrize("new_id", [False, True], ids=["the same id", "the same meaning"])
@pytest.mark.parametrize(("before", "event"), EVENTS, ids=[f"{n} {event.type}" for n, (_, event) in enumerate(EVENTS)])
def test_a_repeat_changes_nothing_and_says_so(before: list[Event], event: Event, *, new_id: bool) -> None:
    world = World()
    world.push(*before)
    assert world.push(event), "something is told of it"
    assert world.outcomes == ["applied"]
    once = kept(world)
    assert world.push(replace(event, id="again", time=event.time + HOUR) if new_id else event) == []
    assert world.outcomes == ["repeated"]
    assert kept(world) == once


@pytest.mark.parametrize(
    "event",
    [event for _, event in EVENTS if hasattr(event.data, "offering_id") and "scheduled" not in event.type],
    ids=str,
)
def test_what_is_about_an_unknown_offering_is_held_and_leaves_no_trace(event: Event) -> None:
    world = World()
    assert world.push(event) == []
    assert world.outcomes == ["held"]
    assert kept(world) == kept(World())


def test_the_order_is_the_log_s_whatever_the_times_say() -> None:
    """The offering arrives last, and what was held for it follows in its order; times go backwards meanwhile."""
    requests = [lms("booking.requested", after=-n * HOUR, offering_id="o1", person_id=f"p{n}") for n in range(4)]
    late, early = World(), World()
    assert late.push(*requests) == []
    late.push(scheduled(), *requests)
    early.push(scheduled(), *requests)
    statuses = {"p0": "confirmed", "p1": "confirmed", "p2": "waiting", "p3": "waiting"}
    assert late.statuses() == early.statuses() == statuses
    assert [one.waiting_position for one in late.bookings()] == [None, None, 1, 2]


def test_an_event_that_is_older_than_what_is_known_is_applied_when_the_log_has_it_last() -> None:
    world = World()
    world.push(scheduled(), on("offering.capacity_changed", capacity=9))
    world.push(lms("offering.capacity_changed", after=-HOUR, offering_id="o1", capacity=5))
    assert world.view().seats.capacity == 5
