from collections.abc import Iterator
from typing import Any

import pytest

from services.notifications.domain import rules
from services.notifications.events import TOPICS
from services.notifications.messages import Contact
from services.notifications.state import STEP, Entry, Outcome, Page, State
from shared.events import CONTROL, PersonErased
from shared.handler import Item
from tests.support.notifications_world import NOW, booking, item, leave, offering, person, session, told

RULES = rules((7, 1))


def apply(state: State, *items: Item) -> list[Outcome]:
    return [RULES[one.event.type](state, one) for one in items]


def given(*items: Item) -> State:
    """A state in which these were applied by an earlier batch."""
    state = State(NOW)
    apply(state, *items)
    entries = sorted(state.bookings.values(), key=lambda entry: entry.booking_id)
    live = [entry for entry in entries if entry.status in ("confirmed", "waiting")]
    return State(
        NOW,
        contacts=state.contacts,
        offerings=state.offerings,
        bookings={},
        pages={"o1": Page("", live[:STEP])},
    )


def test_every_type_that_is_read_has_a_rule() -> None:
    types = {name for catalogue in TOPICS.values() for name in catalogue} - CONTROL.keys()
    assert types == set(RULES)


@pytest.mark.parametrize(
    ("outcome", "fields", "kinds"),
    [
        ("approval_requested", {"status": "awaiting_approval"}, [("received", "p1"), ("approval_requested", None)]),
        ("confirmed", {}, [("confirmed", "p1")]),
        ("waitlisted", {"status": "waiting"}, [("waitlisted", "p1")]),
        ("promoted", {}, [("promoted", "p1")]),
        ("refused", {"status": "refused", "reason": "full"}, [("refused", "p1")]),
        ("cancelled", {"status": "cancelled", "reason": "withdrawn"}, [("cancelled", "p1")]),
        ("cancelled", {"status": "cancelled", "reason": "offering_cancelled"}, [("offering_cancelled", "p1")]),
        ("attendance_recorded", {}, []),
        ("completed", {}, []),
        ("assigned", {}, []),
        ("erased", {"person_id": "p-new"}, []),
    ],
)
def test_what_happens_to_a_booking_is_told(outcome: str, fields: dict[str, Any], kinds: list[Any]) -> None:
    state = given(item("offering.scheduled", offering()))
    assert apply(state, item(f"booking.{outcome}", booking(**fields))) == ["applied"]
    assert told(state) == kinds


def test_leave_is_told() -> None:
    state = State(NOW)
    outcomes = apply(state, item("leave.granted", leave(1)), item("leave.withdrawn", leave(2)))
    assert outcomes == ["applied", "applied"]
    assert told(state) == [("leave_granted", "p1"), ("leave_withdrawn", "p1")]


def test_what_is_not_newer_is_a_repeat_and_changes_nothing() -> None:
    state = State(NOW)
    scheduled, confirmed = item("offering.scheduled", offering(1)), item("booking.confirmed", booking(2))
    granted = item("leave.granted", leave())
    apply(state, scheduled, confirmed, granted)
    before = list(state.messages)
    assert apply(state, scheduled, confirmed, granted) == ["repeated"] * 3
    older = item("booking.cancelled", booking(1, status="cancelled"))
    assert apply(state, older) == ["repeated"]
    assert state.messages == before


def test_a_booking_of_an_unknown_offering_is_held() -> None:
    state = State(NOW)
    assert apply(state, item("booking.confirmed", booking())) == ["held"]
    assert not state.messages
    assert not state.changed


def roster() -> list[Item]:
    return [
        item("offering.scheduled", offering(1)),
        item("booking.confirmed", booking(2, "anna")),
        item("booking.waitlisted", booking(3, "bela", status="waiting")),
        item("booking.approval_requested", booking(4, "cem", status="awaiting_approval")),
        item("booking.refused", booking(5, "dora", status="refused")),
    ]


@pytest.mark.parametrize("kind", ["rescheduled", "format_changed"])
def test_a_change_is_told_to_those_who_have_a_seat_or_wait_for_one(kind: str) -> None:
    state = given(*roster())
    apply(state, item(f"offering.{kind}", offering(6)))
    assert told(state) == [(kind, "anna"), (kind, "bela")]
    assert [message.waiting for message in state.messages] == [False, True]


@pytest.mark.parametrize("kind", ["scheduled", "capacity_changed", "cancelled"])
def test_other_changes_of_an_offering_are_told_to_nobody(kind: str) -> None:
    state = given(*roster())
    apply(state, item(f"offering.{kind}", offering(6)))
    assert told(state) == []


def test_two_changes_with_one_cause_are_told_once_and_another_cause_again() -> None:
    state = given(*roster())
    apply(state, item("offering.format_changed", offering(6, cause="x")))
    apply(state, item("offering.rescheduled", offering(7, cause="x")))
    assert told(state) == [("format_changed", "anna"), ("format_changed", "bela")]
    apply(state, item("offering.rescheduled", offering(8, cause="y")))
    assert told(state)[2:] == [("rescheduled", "anna"), ("rescheduled", "bela")]


def test_a_walk_sees_what_the_same_batch_did_before() -> None:
    state = given(*roster())
    apply(
        state,
        item("booking.cancelled", booking(6, "anna", status="cancelled", reason="withdrawn")),
        item("booking.promoted", booking(7, "bela")),
        item("booking.confirmed", booking(8, "emil")),
        item("offering.rescheduled", offering(9)),
        item("booking.confirmed", booking(10, "finn")),
    )
    assert [one for one in told(state) if one[0] == "rescheduled"] == [("rescheduled", "bela"), ("rescheduled", "emil")]


def steps(state: State, change: Item, entries: list[Entry]) -> Iterator[State]:
    """Each step as the store would load it."""
    for step in range(10):
        after = state.offerings["o1"].after if step else ""
        page = Page(after, [entry for entry in entries if entry.booking_id > after][:STEP])
        state = State(NOW, offerings=state.offerings, pages={"o1": page})
        outcome = RULES[change.event.type](state, item("offering.rescheduled", change.event.data, 9, step))
        yield state
        if outcome != "more":
            return


@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP])
def test_a_large_roster_is_walked_in_steps_and_everybody_is_told_once(size: int) -> None:
    state = given(item("offering.scheduled", offering(1)))
    entries = [
        Entry(booking_id=f"b{n:05}", offering_id="o1", person_id=f"p{n:05}", status="confirmed", version=1)
        for n in range(size)
    ]
    walked = [step.messages for step in steps(state, item("offering.rescheduled", offering(2), 9), entries)]
    assert all(len(messages) <= STEP for messages in walked)
    readers = [message.person_id for messages in walked for message in messages]
    assert readers == [entry.person_id for entry in entries]
    assert len({message.message_id for messages in walked for message in messages}) == size


def test_a_page_of_another_walk_is_not_taken() -> None:
    state = given(*roster())
    state.pages["o1"] = Page("b-m", [])
    assert apply(state, item("offering.rescheduled", offering(6))) == ["more"]
    assert not state.messages


def test_a_message_has_the_same_id_whenever_it_is_planned_and_no_other_has_it() -> None:
    first, second = given(item("offering.scheduled", offering())), given(item("offering.scheduled", offering()))
    requested = item("booking.approval_requested", booking(status="awaiting_approval"))
    apply(first, requested)
    apply(second, requested)
    ids = [message.message_id for message in first.messages]
    assert ids == [message.message_id for message in second.messages]
    assert len(set(ids)) == 2


def test_a_contact_is_kept_and_its_waiting_mail_let_go() -> None:
    state = State(NOW)
    changed = item("lms.person.changed.v1", person(), 5)
    assert apply(state, changed, changed) == ["applied", "repeated"]
    assert state.contacts["p1"].person == person()
    assert state.arrived == {"p1"}


def test_an_erasure_takes_the_contact_first_and_then_the_messages_page_by_page() -> None:
    state = State(NOW, contacts={"p1": Contact("p1", 1, person())}, naming={"p1": ["m"] * STEP})
    erased = PersonErased(person_id="p1")
    rule = RULES["lms.person.erased.v1"]
    assert rule(state, item("lms.person.erased.v1", erased, 2)) == "more"
    assert state.contacts["p1"].person is None
    assert not state.cleared
    assert rule(state, item("lms.person.erased.v1", erased, 2, 1)) == "more"
    state.naming["p1"] = ["m"]
    assert rule(state, item("lms.person.erased.v1", erased, 2, 2)) == "applied"
    assert state.cleared["p1"] == ["m"]


def test_reminders_follow_the_sessions() -> None:
    state = State(NOW)
    apply(state, item("offering.scheduled", offering(1)), item("offering.cancelled", offering(2, status="cancelled")))
    assert [(len(changes.dropped), len(changes.added)) for _, changes in state.due] == [(0, 2), (1, 0)]
    apply(state, item("offering.scheduled", offering(1, "o2", sessions=[session(start=None, format="web_based")])))
    assert len(state.due) == 2
