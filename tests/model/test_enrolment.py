"""Random events against a naive model of section 4, and what must always hold after every step (section 5)."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from services.enrolment.state import Ledger
from shared.cloudevents import Event
from shared.errors import Invalid
from shared.events import LIVE
from tests.support.enrolment import NOON, OFFERING, SESSION, World, lms
from tests.support.naive_enrolment import NaiveOffering, Told

STEP = 3
"""So small that steps, and heads of the waiting list that do not reach, are common."""
PEOPLE = st.sampled_from([f"p{number}" for number in range(12)])
ORGANISATIONS = st.sampled_from(["jena", "jena", "bonn", "a.$b", None])
HOURS = st.integers(0, 6)
CAPACITY = st.sampled_from([0, 1, 2, 3, 3, 4, 4, 5, 6, 7, None])
SEATS = st.lists(
    st.tuples(st.sampled_from(["jena", "bonn", "a.$b"]), st.integers(0, 3), st.one_of(st.none(), HOURS)),
    max_size=3,
    unique_by=lambda one: one[0],
)
MOMENT = st.sampled_from([None, None, None, 0, 1, 3])
BATCH = st.booleans()
PLAN = st.fixed_dictionaries(
    {
        "capacity": CAPACITY,
        "seats": SEATS,
        "waiting_list": st.sampled_from([True] * 5 + [False]),
        "approval": st.sampled_from(["none"] * 4 + ["supervisor"]),
        "format": st.sampled_from(["in_person"] * 4 + ["blended"]),
        "title": st.sampled_from(["Auftakt", "Abschluss"]),
        "opens": MOMENT,
        "until": MOMENT,
    }
)


def at(hour: int | None) -> datetime | None:
    return None if hour is None else NOON + timedelta(hours=hour)


def fitting(capacity: int | None, delegations: list[Any]) -> list[Any]:
    """The delegations that the capacity has room for."""
    found: list[Any] = []
    for one in delegations:
        if capacity is None or sum(seats for _, seats, _ in found) + one[1] <= capacity:
            found.append(one)
    return found


def as_sent(delegations: list[Any]) -> list[dict[str, Any]]:
    return [{"organisation_id": one, "seats": seats, "release_at": at(hour)} for one, seats, hour in delegations]


def as_known(delegations: list[Any]) -> list[Any]:
    return [(one, seats, at(hour)) for one, seats, hour in delegations]


class Enrolment(RuleBasedStateMachine):
    """One offering. Events are collected and applied as batches of different lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.naive = World(STEP), NaiveOffering()
        self.pending: list[Event] = []
        self.expected: list[Told] = []
        self.history: list[tuple[Event, list[str]]] = []
        self.last: dict[str, list[str]] = {}

    # --- events -----------------------------------------------------------------------------------------------------

    @initialize(plan=PLAN)
    def begin(self, *, plan: dict[str, Any]) -> None:
        self.schedule(plan=plan, hour=0, batch=False)

    @rule(plan=PLAN, hour=HOURS, batch=BATCH)
    def schedule(self, *, plan: dict[str, Any], hour: int, batch: bool) -> None:
        seats, opens = fitting(plan["capacity"], plan["seats"]), plan["opens"]
        data: dict[str, Any] = {
            "format": plan["format"],
            "capacity": plan["capacity"],
            "waiting_list": plan["waiting_list"],
            "approval": plan["approval"],
            "sessions": [{**SESSION, "title": plan["title"]}],
            "booking_opens_at": at(opens),
            "booking_closes_at": None if opens is None else at(opens + 4),
            "cancel_until": at(plan["until"]),
        }
        sent = {**OFFERING, **data, "delegations": as_sent(seats)}
        event = lms("offering.scheduled", after=timedelta(hours=hour), **sent)
        expected = self.naive.schedule({**data, "delegations": as_known(seats)}, event.time)
        self.push(event, [""], expected, batch=batch)

    @rule(capacity=CAPACITY, seats=st.one_of(st.none(), SEATS), hour=HOURS, batch=BATCH)
    def change_capacity(self, *, capacity: int | None, seats: list[Any] | None, hour: int, batch: bool) -> None:
        seats = None if seats is None else fitting(capacity, seats)
        sent: dict[str, Any] = {} if seats is None else {"delegations": as_sent(seats)}
        event = self.event("offering.capacity_changed", hour, capacity=capacity, **sent)
        known = None if seats is None else as_known(seats)
        self.push(event, [""], self.naive.change_capacity(capacity, known, event.time), batch=batch)

    @rule(hour=HOURS, batch=BATCH)
    def pass_deadline(self, *, hour: int, batch: bool) -> None:
        event = self.event("deadline.passed", hour, at=at(hour))
        self.push(event, [""], self.naive.pass_deadline(event.time), batch=batch)

    @precondition(lambda self: len(self.history) > 60)
    @rule(batch=BATCH)
    def cancel_offering(self, *, batch: bool) -> None:
        self.push(self.event("offering.cancelled", 0), [""], self.naive.cancel(), batch=batch)

    @rule(people=st.lists(st.tuples(PEOPLE, ORGANISATIONS), min_size=1, max_size=6), hour=HOURS, batch=BATCH)
    def request(self, *, people: list[tuple[str, str | None]], hour: int, batch: bool) -> None:
        for person, organisation in people:
            event = self.event("booking.requested", hour, person_id=person, organisation_id=organisation)
            self.push(event, [person], self.naive.request(person, organisation, event.time), batch=batch)

    @rule(people=st.lists(st.tuples(PEOPLE, ORGANISATIONS), max_size=9), cohort=st.sampled_from("AB"), batch=BATCH)
    def assign(self, *, people: list[tuple[str, str | None]], cohort: str, batch: bool) -> None:
        listed = [{"person_id": person, "organisation_id": organisation} for person, organisation in people]
        event = self.event("cohort.assigned", 0, cohort=cohort, mandatory=True, people=listed)
        self.push(event, [person for person, _ in people], self.naive.assign(cohort, people), batch=batch)

    @rule(
        people=st.lists(st.tuples(PEOPLE, ORGANISATIONS), min_size=1, max_size=5, unique_by=lambda one: one[0]),
        group_id=st.sampled_from("GHI"),
        together=st.sampled_from([True, True, False]),
        hour=HOURS,
        batch=BATCH,
    )
    def request_group(
        self, *, people: list[tuple[str, str | None]], group_id: str, together: bool, hour: int, batch: bool
    ) -> None:
        listed = [{"person_id": person, "organisation_id": organisation} for person, organisation in people]
        data = {"group_id": group_id, "requested_by": "boss", "all_or_nothing": together, "people": listed}
        event = self.event("group.requested", hour, **data)
        expected = self.naive.request_group(group_id, people, event.time, together=together)
        self.push(event, [person for person, _ in people], expected, batch=batch)

    @rule(people=st.lists(PEOPLE, min_size=1, max_size=3), hour=HOURS, batch=BATCH)
    def withdraw(self, *, people: list[str], hour: int, batch: bool) -> None:
        for person in people:
            event = self.event("booking.withdrawn", hour, person_id=person)
            self.push(event, [person], self.naive.withdraw(person, event.time), batch=batch)

    @rule(person=PEOPLE, yes=st.booleans(), batch=BATCH)
    def decide(self, *, person: str, yes: bool, batch: bool) -> None:
        kind, of = ("approved", self.naive.approve) if yes else ("refused", self.naive.refuse)
        self.push(
            self.event(f"booking.{kind}", 0, person_id=person, decided_by="boss"), [person], of(person), batch=batch
        )

    @rule(person=PEOPLE, status=st.sampled_from(["attended", "absent"]), batch=BATCH)
    def attend(self, *, person: str, status: str, batch: bool) -> None:
        event = self.event("attendance.recorded", 0, person_id=person, session_id="s1", status=status)
        self.push_or_refuse(event, person, self.naive.attend(person, "s1", status), batch=batch)

    @rule(person=PEOPLE, hour=HOURS, batch=BATCH)
    def complete(self, *, person: str, hour: int, batch: bool) -> None:
        event = self.event("completion.recorded", 0, person_id=person, completed_at=at(hour))
        self.push_or_refuse(event, person, self.naive.complete(person, event.data.completed_at), batch=batch)

    @precondition(lambda self: self.history)
    @rule(number=st.integers(1, 20), batch=BATCH)
    def repeat(self, *, number: int, batch: bool) -> None:
        """An event that is among the last eight of everybody it concerns changes nothing."""
        event, targets = self.history[-min(number, len(self.history))]
        if all(event.id in self.last[target] for target in targets):
            self.push(event, [], [], batch=batch)

    def event(self, kind: str, hour: int, **data: Any) -> Event:
        return lms(kind, after=timedelta(hours=hour), offering_id="o1", **data)

    # --- checks -----------------------------------------------------------------------------------------------------

    def push(self, event: Event, targets: list[str], expected: list[Told], *, batch: bool) -> None:
        self.pending.append(event)
        self.expected += expected
        if targets:
            self.history.append((event, targets))
        for target in targets:
            self.last[target] = [*(one for one in self.last.get(target, []) if one != event.id), event.id][-8:]
        if not batch or len(self.pending) >= 6:
            self.apply()

    def push_or_refuse(self, event: Event, person: str, expected: list[Told] | None, *, batch: bool) -> None:
        if expected is not None:
            self.push(event, [person], expected, batch=batch)
            return
        self.apply()
        before = str(self.world.store.documents)
        with pytest.raises(Invalid, match="no_booking"):
            self.world.push(event)
        assert str(self.world.store.documents) == before

    def apply(self) -> None:
        known = len(self.world.told)
        self.world.push(*self.pending)
        assert [said(event) for event in self.world.told[known:]] == self.expected
        self.pending, self.expected = [], []
        for check in (self.as_the_model, self.seats_and_queue, self.one_live, self.versions, self.counters):
            check()

    def teardown(self) -> None:
        if self.history:
            self.apply()

    def as_the_model(self) -> None:
        queue = self.naive.queue
        assert [
            (
                *(one.person_id, one.organisation_id, one.status, one.reason, one.late, one.cohorts, one.completed_at),
                {seen.session_id: seen.status for seen in one.attendance},
                *(one.waiting_position, one.group_id),
            )
            for one in self.world.bookings()
        ] == [
            (
                *(one.person, one.organisation, one.status, one.reason, one.late, one.cohorts, one.completed_at),
                one.attendance,
                *(queue.index(one) + 1 if one.status == "waiting" else None, one.group_id),
            )
            for one in self.naive.bookings
        ]

    def seats_and_queue(self) -> None:
        """Section 5, 2: no free seat beside a waiting person who may have it."""
        waiting = [one for one in self.world.bookings() if one.status == "waiting"]
        assert not [one for one in waiting if not one.all_or_nothing and self.naive.may(one.organisation_id)]
        assert not self.naive.walk(), "no group that could have its seats waits"

    def one_live(self) -> None:
        """Section 5, 3."""
        live = Counter(one.person_id for one in self.world.bookings() if one.status in LIVE)
        assert not live or max(live.values()) == 1

    def versions(self) -> None:
        assert [event.data.version for event in self.world.told] == [*range(1, len(self.world.told) + 1)]
        assert len({event.id for event in self.world.told}) == len(self.world.told)

    def counters(self) -> None:
        ledger, bookings = self.world.store.ledger("o1"), self.world.bookings()
        counted = Counter(one.status for one in bookings)
        assert (ledger.confirmed, ledger.waiting, ledger.awaiting) == (
            *(counted["confirmed"], counted["waiting"], counted["awaiting_approval"]),
        )
        by = Counter((one.organisation_id, one.status) for one in bookings)
        assert {one: (tally.seats, tally.confirmed, tally.waiting) for one, tally in ledger.tallies.items()} == {
            one: (seats, by[one, "confirmed"], by[one, "waiting"]) for one, seats in self.naive.set_aside().items()
        }
        assert ledger.walking is None
        self.groups(ledger)

    def groups(self, ledger: Ledger) -> None:
        """What an offering counts of its groups is what its people say."""
        people = [one for one in self.world.store.claimants("o1") if one.group is not None]
        sizes = Counter(one.group for one in people)
        undecided = Counter(one.group for one in people if self.naive.undecided(one.person_id))
        assert {one.group_id: (one.size, one.awaiting) for one in ledger.groups.values()} == {
            one: (size, undecided[one]) for one, size in sizes.items()
        }
        of = Counter((one.group, one.live.organisation_id) for one in people if one.live)
        for group in ledger.groups.values():
            assert {one: people for one, people in group.of.items() if people} == {
                one: of[group.group_id, one] for one in ledger.tallies if of[group.group_id, one]
            }


def said(event: Event) -> Told:
    return event.type.removeprefix("enrolment.").removesuffix(".v1"), getattr(event.data, "person_id", "")


TestEnrolment = Enrolment.TestCase
TestEnrolment.settings = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], stateful_step_count=40)
