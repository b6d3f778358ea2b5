"""Random events of all types for one offering and what stands beside it, in batches of different lengths."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.cloudevents import Event
from shared.errors import Invalid
from tests.support.enrolment import OFFERING, lms
from tests.support.enrolment_checks import ALL, Check, Checked
from tests.support.enrolment_plans import (
    ASKING,
    BATCH,
    CAPACITY,
    FORMAT,
    HOURS,
    LEAVE,
    LEAVES,
    NUMBERS,
    PEOPLE,
    PERSON,
    PLAN,
    SEATS,
    SESSIONS,
    as_known,
    as_listed,
    as_sent,
    at,
    fitting,
    held_in,
)
from tests.support.naive_enrolment import Told

STEP = 3
"""So small that steps, and heads of the waiting list that do not reach, are common."""
Says = Callable[[], list[Told] | None]
"""What the model says of an event, when it is its turn: None for a dead letter."""


class Machine(RuleBasedStateMachine):
    """`checks` follow every batch, which has up to `most` events."""

    checks: ClassVar[Sequence[Check]] = ALL
    most: ClassVar[int] = 6

    def __init__(self) -> None:
        super().__init__()
        self.checked = Checked(STEP)
        self.naive, self.records, self.world = self.checked.naive, self.checked.records, self.checked.world
        self.pending: list[Event] = []
        self.history: list[tuple[Event, list[str]]] = []
        self.last: dict[str, list[str]] = {}
        self.is_broken = False

    @initialize(plan=PLAN, early=st.lists(ASKING, max_size=3))
    def begin(self, *, plan: dict[str, Any], early: list[Any]) -> None:
        """What comes before its offering is held without a trace, and applied in its order once that is there."""
        held = [self.event("booking.requested", 0, person_id=one, organisation_id=of) for one, of in early]
        before = str(self.world.store.documents)
        self.world.push(*held)
        assert (self.world.outcomes, str(self.world.store.documents)) == (["held"] * len(held), before)
        self.schedule(plan=plan, hour=0, batch=bool(early))
        for event, (person, organisation) in zip(held, early, strict=True):
            self.push(event, [person], lambda: self.naive.request(person, organisation, event.time), batch=True)  # noqa: B023

    # --- the offering -----------------------------------------------------------------------------------------------

    @rule(plan=PLAN, hour=HOURS, batch=BATCH)
    def schedule(self, *, plan: dict[str, Any], hour: int, batch: bool) -> None:
        seats, opens = fitting(plan["capacity"], plan["seats"]), plan["opens"]
        data: dict[str, Any] = {
            **{name: plan[name] for name in ("format", "capacity", "waiting_list", "approval")},
            "sessions": held_in(plan["format"], plan["sessions"]),
            "booking_opens_at": at(opens),
            "booking_closes_at": None if opens is None else at(opens + 4),
            "cancel_until": at(plan["until"]),
        }
        sent = {**OFFERING, **data, "delegations": as_sent(seats)}
        event, known = lms("offering.scheduled", after=timedelta(hours=hour), **sent), as_known(seats)
        self.push(event, [""], lambda: self.naive.schedule({**data, "delegations": known}, event.time), batch=batch)

    @rule(capacity=CAPACITY, seats=st.one_of(st.none(), SEATS), hour=HOURS, batch=BATCH)
    def change_capacity(self, *, capacity: int | None, seats: list[Any] | None, hour: int, batch: bool) -> None:
        seats = None if seats is None else fitting(capacity, seats)
        sent: dict[str, Any] = {} if seats is None else {"delegations": as_sent(seats)}
        event = self.event("offering.capacity_changed", hour, capacity=capacity, **sent)
        known = None if seats is None else as_known(seats)
        self.push(event, [""], lambda: self.naive.change_capacity(capacity, known, event.time), batch=batch)

    @rule(sessions=SESSIONS, batch=BATCH)
    def reschedule(self, *, sessions: list[Any], batch: bool) -> None:
        event = self.event("offering.rescheduled", 0, sessions=sessions)
        self.push(event, [""], lambda: self.naive.reschedule(sessions), batch=batch)

    @rule(form=FORMAT, sessions=SESSIONS, batch=BATCH)
    def change_format(self, *, form: str, sessions: list[Any], batch: bool) -> None:
        sessions = held_in(form, sessions)
        event = self.event("offering.format_changed", 0, format=form, sessions=sessions)
        self.push(event, [""], lambda: self.naive.change_format(form, sessions), batch=batch)

    @rule(hour=HOURS, later=st.sampled_from([0, 0, 1, -1]), batch=BATCH)
    def pass_deadline(self, *, hour: int, later: int, batch: bool) -> None:
        event = self.event("deadline.passed", hour + later, at=at(hour))  # known by its effect, not by its id
        self.push(event, [], lambda: self.naive.pass_deadline(event.data.at, event.time), batch=batch)

    @precondition(lambda self: len(self.history) > 25)
    @rule(batch=BATCH)
    def cancel_offering(self, *, batch: bool) -> None:
        self.push(self.event("offering.cancelled", 0), [""], self.naive.cancel, batch=batch)

    # --- people on the offering -------------------------------------------------------------------------------------

    @rule(people=st.lists(ASKING, min_size=1, max_size=6), hour=HOURS, batch=BATCH)
    def request(self, *, people: list[tuple[str, str | None]], hour: int, batch: bool) -> None:
        for one in people:
            self._request(*one, hour, batch=batch)

    def _request(self, person: str, organisation: str | None, hour: int, *, batch: bool) -> None:
        event = self.event("booking.requested", hour, person_id=person, organisation_id=organisation)
        self.push(event, [person], lambda: self.naive.request(person, organisation, event.time), batch=batch)

    @rule(people=st.lists(ASKING, max_size=9), cohort=st.sampled_from("AB"), batch=BATCH)
    def assign(self, *, people: list[tuple[str, str | None]], cohort: str, batch: bool) -> None:
        event = self.event("cohort.assigned", 0, cohort=cohort, mandatory=True, people=as_listed(people))
        self.push(event, [one for one, _ in people], lambda: self.naive.assign(cohort, people), batch=batch)

    @rule(
        people=st.lists(ASKING, min_size=1, max_size=5, unique_by=lambda one: one[0]),
        group=st.tuples(st.sampled_from("GHI"), st.sampled_from([True, True, False])),
        hour=HOURS,
        batch=BATCH,
    )
    def request_group(
        self, *, people: list[tuple[str, str | None]], group: tuple[str, bool], hour: int, batch: bool
    ) -> None:
        name, together = group
        data = {"group_id": name, "requested_by": "boss", "all_or_nothing": together, "people": as_listed(people)}
        event = self.event("group.requested", hour, **data)
        self.push(
            event,
            [one for one, _ in people],
            lambda: self.naive.request_group(name, people, event.time, together=together),
            batch=batch,
        )

    @rule(people=st.lists(PEOPLE, min_size=1, max_size=3), hour=HOURS, batch=BATCH)
    def withdraw(self, *, people: list[str], hour: int, batch: bool) -> None:
        for one in people:
            self._withdraw(one, hour, batch=batch)

    def _withdraw(self, person: str, hour: int, *, batch: bool) -> None:
        event = self.event("booking.withdrawn", hour, person_id=person)
        self.push(event, [person], lambda: self.naive.withdraw(person, event.time), batch=batch)

    @rule(number=NUMBERS, yes=st.booleans(), batch=BATCH)
    def decide(self, *, number: int, yes: bool, batch: bool) -> None:
        person = self.somebody("awaiting_approval", number)
        kind, of = ("approved", self.naive.approve) if yes else ("refused", self.naive.refuse)
        event = self.event(f"booking.{kind}", 0, person_id=person, decided_by="boss")
        self.push(event, [person], lambda: of(person), batch=batch)

    @rule(
        number=NUMBERS,
        session=st.sampled_from(["s1", "s1", "s2"]),
        status=st.sampled_from(["attended", "partly", "absent", "excused"]),
        batch=BATCH,
    )
    def attend(self, *, number: int, session: str, status: str, batch: bool) -> None:
        person = self.somebody("confirmed", number)
        event = self.event("attendance.recorded", 0, person_id=person, session_id=session, status=status)
        self.push(event, [person], lambda: self.naive.attend(person, session, status), batch=batch)

    @rule(number=NUMBERS, hour=st.integers(0, 1), batch=BATCH)
    def complete(self, *, number: int, hour: int, batch: bool) -> None:
        person = self.somebody("confirmed", number)
        event = self.event("completion.recorded", 0, person_id=person, completed_at=at(hour))
        self.push(event, [person], lambda: self.naive.complete(person, event.data.completed_at), batch=batch)

    # --- beside it --------------------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["course", "organisation"]), number=st.sampled_from("12"), name=st.sampled_from("XY"))
    def change_record(self, *, kind: str, number: str, name: str) -> None:
        data: dict[str, Any] = {"title": name, "topics": [name], "competencies": []}
        data = {f"{kind}_id": f"{kind}{number}", **(data if kind == "course" else {"name": name})}
        event = lms(f"{kind}.changed", **data)
        self.push(event, [f"{kind}{number}"], lambda: self.records.replace(kind, number, data), batch=True)

    @rule(leave=LEAVES, days=st.integers(1, 2))
    def grant(self, *, leave: tuple[str, str], days: int) -> None:
        name, person = leave
        data = {**LEAVE, "leave_id": name, "person_id": person, "days": days}
        event = lms("leave.granted", **data)
        self.push(event, [name], lambda: self.records.grant(name, person, data), batch=True)

    @rule(leave=LEAVES, days=st.integers(1, 2))
    def withdraw_leave(self, *, leave: tuple[str, str], days: int) -> None:
        name, person = leave
        data = {**LEAVE, "leave_id": name, "person_id": person, "days": days}
        event = lms("leave.withdrawn", **data)
        self.push(event, [name], lambda: self.records.withdraw(name, person, data), batch=True)

    @rule(person=PEOPLE, organisation=st.sampled_from(["jena", "bonn"]), department=st.sampled_from(["Amt", None]))
    def change_person(self, *, person: str, organisation: str, department: str | None) -> None:
        data = {**PERSON, "person_id": person, "organisation_id": organisation, "department": department}
        self.push_person(lms("person.changed", **data), organisation, department, None)

    @rule(person=PEOPLE)
    def erase_person(self, *, person: str) -> None:
        """His bookings stay as they are."""
        self.push_person(lms("person.erased", person_id=person), None, None, None)

    @precondition(lambda self: self.history)
    @rule(number=st.integers(1, 20), batch=BATCH)
    def repeat(self, *, number: int, batch: bool) -> None:
        """An event that is among the last eight of everybody it concerns changes nothing."""
        event, targets = self.history[-min(number, len(self.history))]
        if all(event.id in self.last[target] for target in targets):
            self.push(event, [], list, batch=batch)

    def somebody(self, status: str, number: int) -> str:
        """One of the bookings with this status, or somebody without one."""
        people = [one.person for one in self.naive.bookings if one.status == status]
        return people[number] if number < len(people) else f"p{number}"

    # --- how they are applied ---------------------------------------------------------------------------------------

    def event(self, kind: str, hour: int, **data: Any) -> Event:
        return lms(kind, after=timedelta(hours=hour), offering_id="o1", **data)

    def push_person(self, event: Event, *attributes: str | None) -> None:
        self.pending.append(event)
        self.records.people[event.data.person_id] = attributes
        self.checked.outcomes.append("applied")

    def push(self, event: Event, targets: list[str], says: Says, *, batch: bool) -> None:
        before = repr((self.naive, self.records))
        told = says()
        if told is None:
            self.refused(event)
            return
        self.pending.append(event)
        self.checked.expected += told
        self.checked.outcomes.append("applied" if told or repr((self.naive, self.records)) != before else "repeated")
        if targets:
            self.history.append((event, targets))
        for target in targets:
            self.last[target] = [*(one for one in self.last.get(target, []) if one != event.id), event.id][-8:]
        if not batch or len(self.pending) >= self.most:
            self.apply()

    def refused(self, event: Event) -> None:
        """A dead letter leaves no trace."""
        self.apply()
        before = str(self.world.store.documents)
        with pytest.raises(Invalid):
            self.world.push(event)
        assert str(self.world.store.documents) == before

    def apply(self) -> None:
        self.is_broken, known = True, len(self.world.told)
        self.world.push(*self.pending)
        self.checked.pushed, self.checked.new = self.pending, self.world.told[known:]
        for check in self.checks:
            check(self.checked)
        self.pending, self.checked.expected, self.checked.outcomes = [], [], []
        self.is_broken = False

    def teardown(self) -> None:
        if self.history and not self.is_broken:
            self.apply()
