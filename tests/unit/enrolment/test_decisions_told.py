"""What is told and kept of each decision, to the letter: names, causes, reasons, numbers; and what is held."""

from datetime import timedelta
from typing import Any

import pytest

from services.enrolment import groups
from services.enrolment.change import booking_id
from services.enrolment.domain import decide
from services.enrolment.state import Group, Ledger, State, mark_of
from shared.cloudevents import Event
from shared.errors import Invalid
from tests.support.enrolment import NOON, SESSION, World, delegation, item, lms, scheduled

HOUR = timedelta(hours=1)
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


def of(person: str, kind: str = "booking.requested", organisation: str | None = None, **data: Any) -> Event:
    more: dict[str, Any] = {"organisation_id": organisation} if organisation else {}
    return lms(kind, offering_id="o1", person_id=person, **more, **data)


def on(kind: str, **data: Any) -> Event:
    return lms(kind, offering_id="o1", **data)


def group(*people: str, together: bool = True, name: str = "g", **more: Any) -> Event:
    listed = [dict(zip(("person_id", "organisation_id"), one.split("@"), strict=False)) for one in people]
    return on("group.requested", group_id=name, requested_by="boss", all_or_nothing=together, people=listed, **more)


def cohort(*people: str, **more: Any) -> Event:
    listed = [dict(zip(("person_id", "organisation_id"), one.split("@"), strict=False)) for one in people]
    return on("cohort.assigned", cohort="2023", mandatory=True, people=listed, **more)


def offered(*events: Event, **changes: Any) -> World:
    world = World(3)
    world.push(scheduled(**changes), *events)
    return world


UNKNOWN = [
    on("offering.capacity_changed", capacity=3),
    on("offering.rescheduled", sessions=[SESSION]),
    on("offering.format_changed", format="online", sessions=[SESSION]),
    on("offering.cancelled"),
    on("deadline.passed", at=NOON),
    group("a"),
    cohort("a"),
    of("a"),
]


@pytest.mark.parametrize("event", UNKNOWN, ids=lambda event: event.type)
def test_whatever_is_about_an_unknown_offering_is_held(event: Event) -> None:
    state = State()
    assert decide(state, event).outcome == "held"
    assert not state.changed_ledgers | state.changed_claimants


def test_what_gets_seats_is_nothing_before_somebody_names_it() -> None:
    assert State().named["o1"] == set()


def test_every_event_has_source_and_id_time_and_cause() -> None:
    world = offered()
    request, seen = of("a"), of("a", "attendance.recorded", session_id="s1", status="attended")
    course = lms("course.changed", after=HOUR, course_id="c1", title="A", topics=[], competencies=[])
    leave = lms("leave.granted", after=HOUR, **LEAVE)
    world.push(request, seen, course, leave)
    booking = booking_id(request, 0)
    assert [(one.source, one.id) for one in world.told] == [
        ("lernbus/enrolment", name) for name in ("o1.1", f"{booking}.2", f"{booking}.3", "c1.1", "l1.1")
    ]
    assert [one.data.cause for one in world.told[1:]] == [request.id, seen.id, course.id, leave.id]
    assert [one.time for one in world.told[1:]] == [NOON, NOON, NOON + HOUR, NOON + HOUR]


def test_a_booking_keeps_what_the_request_says_of_the_person_and_its_number() -> None:
    world = offered(of("a", organisation="jena", department="Amt", status_group="azubi"), of("b"))
    booking = world.bookings()[0]
    assert (booking.organisation_id, booking.department, booking.status_group) == ("jena", "Amt", "azubi")
    assert [claim.seq for one in world.store.claimants("o1") for claim in one.bookings] == [1, 2]


def test_sessions_may_go_only_where_all_is_web_based() -> None:
    world = offered()
    with pytest.raises(Invalid) as refused:
        world.push(on("offering.rescheduled", sessions=[]))
    assert (refused.value.reason, refused.value.field) == ("invalid", "data.sessions")
    assert refused.value.detail == "only a web_based offering may have none"
    web = offered(format="web_based")
    assert web.push(on("offering.rescheduled", sessions=[])) == ["offering.rescheduled"]


@pytest.mark.parametrize(
    ("form", "title"), [("online", "Auftakt"), ("in_person", "Neu")], ids=["the format alone", "the sessions alone"]
)
def test_a_change_of_format_changes_both(form: str, title: str) -> None:
    world = offered()
    world.push(on("offering.format_changed", format=form, sessions=[{**SESSION, "title": title}]))
    offering = world.view().offering
    assert (offering.format, offering.sessions[0].title) == (form, title)


def test_a_cancelled_offering_keeps_the_reason_and_needs_no_step_where_nobody_is() -> None:
    world = offered()
    world.push(on("offering.cancelled", reason="ill"))
    assert (world.view().offering.reason, world.results[-1].more) == ("ill", False)


def test_the_steps_of_a_cancellation_are_applied() -> None:
    world = offered(*map(of, "abcde"))
    world.push(on("offering.cancelled"))
    assert [one.outcome for one in world.results] == ["applied"] * 3


def test_who_has_no_seat_is_told_so_with_the_field() -> None:
    with pytest.raises(Invalid) as refused:
        offered().push(of("a", "completion.recorded", completed_at=NOON))
    assert (refused.value.reason, refused.value.field) == ("no_booking", "data.person_id")
    assert refused.value.detail == "has no seat on this offering"


def test_who_awaits_approval_has_no_moment_yet() -> None:
    booking = offered(of("a"), approval="supervisor").bookings()[0]
    assert (booking.seated_at, booking.waiting_since, booking.ended_at) == (None, None, None)


def test_nothing_passes_before_its_time() -> None:
    with pytest.raises(Invalid) as refused:
        offered().push(on("deadline.passed", at=NOON + HOUR))
    assert (refused.value.reason, refused.value.field) == ("invalid", "data.at")
    assert refused.value.detail == "lies after the event's own time"


def test_a_group_takes_the_seats_of_a_delegation_that_are_left_and_no_more() -> None:
    seats = [delegation("jena", 2), delegation("bonn", 1)]
    world = offered(of("a", organisation="jena"), capacity=3, delegations=seats)
    assert world.push(group("b@jena", "c@jena"), group("d@jena", name="h")) == [
        *["booking.waitlisted"] * 2,
        "booking.confirmed",
    ]
    assert world.push(group("e@jena", name="i")) == ["booking.waitlisted"]


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (on("offering.capacity_changed", capacity=9), "the counters know of somebody who waits, and nobody does"),
        (on("offering.cancelled"), "the counters know of bookings that live, and there are none"),
    ],
    ids=["walk", "cancellation"],
)
def test_counters_that_know_of_more_people_than_there_are_are_a_bug_and_no_endless_walk(
    event: Event, complaint: str
) -> None:
    world = offered(capacity=0)
    world.store.documents["offerings"]["o1"]["waiting"] = 1
    with pytest.raises(RuntimeError, match=f"^{complaint}$"):
        world.push(event)


def test_who_is_assigned_to_a_cancelled_offering_is_refused() -> None:
    world = offered(on("offering.cancelled"), cohort("a"))
    assert [(one.status, one.reason) for one in world.bookings()] == [("refused", "offering_cancelled")]


def test_one_more_group_than_may_await_approval_is_refused_as_full() -> None:
    world = offered(approval="supervisor")
    world.push(*(group(f"p{number}", name=f"g{number}") for number in range(groups.MOST + 1)))
    assert [(one.status, one.reason) for one in world.bookings()[-2:]] == [
        *(("awaiting_approval", None), ("refused", "full"))
    ]


def test_a_decided_group_without_a_waiting_list_is_refused_as_full() -> None:
    world = offered(group("a", "b"), capacity=1, approval="supervisor", waiting_list=False)
    world.push(*(of(one, "booking.approved", decided_by="boss") for one in "ab"))
    assert [(one.status, one.reason) for one in world.bookings()] == [("refused", "full")] * 2


def test_a_group_stands_where_its_first_member_stands() -> None:
    world = offered(of("x"), of("y"), group("a", "b"), capacity=1)
    assert [one.number for one in world.store.ledger("o1").groups.values()] == [2]
    late = offered(of("x", "booking.withdrawn"), of("y"), capacity=0, approval="supervisor")
    late.push(of("y", "booking.approved", decided_by="boss"), group("a", "b"))
    late.push(*(of(one, "booking.approved", decided_by="boss") for one in "ab"))
    assert [one.number for one in late.store.ledger("o1").groups.values()] == [2]


def test_who_leaves_a_group_is_no_longer_counted_with_the_delegation() -> None:
    world = offered(of("x"), group("a@jena", "b@jena", "c"), capacity=1, delegations=[delegation("jena", 0)])
    world.push(of("a", "booking.withdrawn"))
    (waiting,) = world.store.ledger("o1").groups.values()
    assert (waiting.size, waiting.of) == (2, {"jena": 1})


def test_who_was_approved_with_a_group_is_asked_for_anew_the_next_time() -> None:
    world = offered(group("a"), approval="supervisor")
    world.push(of("a", "booking.approved", decided_by="boss"), of("a", "booking.withdrawn"), of("a"))
    assert world.push(of("a", "booking.refused", decided_by="boss")) == ["booking.refused"]


@pytest.mark.parametrize(("limit", "read"), [(1, ["g0"]), (3, ["g0"]), (4, ["g0", "g1"]), (6, ["g0", "g1", "g2"])])
def test_a_step_reads_one_group_at_least_and_of_more_as_many_as_it_may_change(limit: int, read: list[str]) -> None:
    world = offered()
    ledger: Ledger = world.store.ledger("o1")
    ledger.groups = {f"g{number}": Group(f"g{number}", 2, {}, 0, 0) for number in range(3)}
    assert groups.next_to_read(ledger, limit) == read


def test_no_group_is_read_for_an_offering_that_is_cancelled() -> None:
    ledger = offered(on("offering.cancelled")).store.ledger("o1")
    ledger.groups = {"g": Group("g", 2, {}, 0, 0)}
    assert groups.next_to_read(ledger, 9) == []


def test_every_place_of_a_list_makes_a_booking_of_its_own_id() -> None:
    lists = [cohort("a", "b"), group("c", "d"), group("e", "f", together=False, name="h")]
    world = offered(*lists, capacity=9)
    assert [one.booking_id for one in world.bookings()] == [booking_id(event, n) for event in lists for n in (0, 1)]


@pytest.mark.parametrize("event", [cohort("a"), group("a"), group("a", together=False)], ids=["cohort", "all", "each"])
def test_a_list_that_was_here_long_ago_books_nobody_again(event: Event) -> None:
    world = offered(event, *(of("a", "booking.withdrawn") for _ in range(9)))
    assert world.outcome(event) == "repeated"
    assert world.statuses() == {"a": "cancelled"}


def test_a_group_that_booked_nobody_is_recognised_too() -> None:
    event = group("a")
    world = offered(of("a"), event, of("a", "booking.withdrawn"))
    assert world.outcome(event) == "repeated"
    assert world.statuses() == {"a": "cancelled"}


@pytest.mark.parametrize(
    "events",
    [
        [group("a@jena", together=False)],
        [cohort("a@jena")],
        [scheduled(capacity=1, delegations=[delegation("jena", 1)], approval="supervisor"),
         of("a", organisation="jena"), of("a", "booking.approved", decided_by="boss")],
    ],
    ids=["group", "cohort", "approval"],
)  # fmt: skip
def test_seats_set_aside_are_found_by_the_organisation_however_somebody_asks(events: list[Event]) -> None:
    world = offered(*events, capacity=1, delegations=[delegation("jena", 1)])
    assert world.statuses() == {"a": "confirmed"}


def test_free_are_the_seats_that_are_neither_taken_nor_kept() -> None:
    world = offered(of("a", organisation="jena"), of("x"), capacity=6, delegations=[delegation("jena", 3)])
    assert world.view().seats.free == 6 - 3 - 1


def test_a_delegation_with_all_its_seats_takes_none_of_another_one() -> None:
    world = offered(capacity=2, delegations=[delegation("jena", 1), delegation("bonn", 1)])
    world.push(of("a", organisation="jena"), of("b", organisation="jena"))
    assert world.statuses() == {"a": "confirmed", "b": "waiting"}


def test_seats_whose_time_has_come_when_the_offering_becomes_known_are_released_at_once() -> None:
    world = World()
    world.push(scheduled(delegations=[delegation("jena", 1, HOUR), delegation("bonn", 1, 2 * HOUR)], after=HOUR))
    assert world.told[0].data.released == ["jena"]


def test_marks_stay_as_they_are_for_they_are_kept() -> None:
    """64 bits with a sign: what MongoDB keeps as one number."""
    event = lms("offering.cancelled", event_id="e1", offering_id="o1")
    assert mark_of(event) == 927797785269043134
    marks = [mark_of(lms("offering.cancelled", event_id=f"e{number}", offering_id="o1")) for number in range(20)]
    assert all(-(2**63) <= one < 2**63 for one in marks)
    assert min(marks) < 0 < max(marks)


def test_an_unknown_leave_that_is_withdrawn_has_ended() -> None:
    world = World()
    world.push(lms("leave.withdrawn", after=HOUR, **LEAVE))
    assert world.told[0].data.ended_at == NOON + HOUR


def test_of_two_records_of_a_person_at_one_place_the_first_counts_with_all_its_attributes() -> None:
    data: dict[str, Any] = {"person_id": "p1", "email": "a@b.de", "display_name": "Ada", "language": "de"}
    state = State()
    for organisation in ("jena", "bonn"):
        known = lms("person.changed", **data, organisation_id=organisation, department="Amt", status_group="azubi")
        World().handler.apply(state, item(known, offset=7))
    kept = state.people["p1"]
    assert (kept.organisation_id, kept.department, kept.status_group) == ("jena", "Amt", "azubi")
