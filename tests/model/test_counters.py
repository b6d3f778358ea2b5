"""Counters equal the sums over facts, whatever happens in whatever order, again and again."""

from collections import Counter
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from services.stats.consumer import StatsHandler
from services.stats.counters import Trace, counter_id, counters_of
from services.stats.domain import Fact, LeaveFact, OfferingFact
from services.stats.figures import figures
from services.stats.report import Question, answer
from services.stats.store import State, Store
from services.stats.tables import Data
from shared.cloudevents import Event
from shared.events import Attendance, Booking, Leave, Offering, Presence, Session
from shared.handler import Item
from tests.support.stats_world import BERLIN, SPRING, at, fact, leave

HANDLER = StatsHandler(Store(None, BERLIN))  # type: ignore[arg-type] # apply reads nothing
MOMENTS = st.sampled_from([at(2022), SPRING, at(2023, 12, 31, 23, 30), at(2024)])
MAYBE = st.none() | MOMENTS
WORDS = st.sampled_from([None, "x", "y.z", "$"])


@st.composite
def bookings(draw: st.DrawFn) -> Booking:
    sessions = draw(st.lists(st.sampled_from(["S1", "S2"]), unique=True))
    presence: st.SearchStrategy[Presence] = st.sampled_from(["attended", "partly", "absent", "excused"])
    found = fact(
        draw(st.sampled_from(["p", "q"])),
        booking_id=draw(st.sampled_from(["b1", "b2", "b3"])),
        version=draw(st.integers(1, 9)),
        organisation_id=draw(WORDS),
        department=draw(WORDS),
        status=draw(st.sampled_from(["confirmed", "waiting", "cancelled", "refused"])),
        seated_at=draw(MAYBE),
        waiting_since=draw(MAYBE),
        waiting_until=draw(MAYBE),
        completed_at=draw(MAYBE),
        attendance=[Attendance(session_id=one, status=draw(presence), recorded_at=draw(MOMENTS)) for one in sessions],
        cohorts=draw(st.lists(st.sampled_from(["A", "B"]), unique=True)),
    )
    return found.booking


@st.composite
def leaves(draw: st.DrawFn) -> Leave:
    days = draw(st.sampled_from([0.1, 0.2, 0.5, 5]))
    found = leave(leave_id=draw(st.sampled_from(["l1", "l2"])), days=days, ended_at=draw(MAYBE), department=draw(WORDS))
    found.leave.version = draw(st.integers(1, 9))
    return found.leave


@st.composite
def offerings(draw: st.DrawFn) -> Offering:
    starts = draw(MOMENTS)
    session = Session(session_id="S1", title="M", format="online", starts_at=starts, ends_at=starts)
    return Offering(
        offering_id="O1",
        course_id="C1",
        title="Ein Lauf",
        host_organisation_id="D",
        format=draw(st.sampled_from(["in_person", "web_based"])),
        capacity=None,
        waiting_list=True,
        delegations=[],
        sessions=[session],
        version=draw(st.integers(1, 9)),
    )


def item(data: Booking | Leave | Offering, time: datetime = SPRING) -> Item:
    event = Event("e", "lernbus/enrolment", "enrolment.booking.confirmed.v1", time, data)
    return Item(event, "O1", "enrolment.events", 3, 0)


def fold(payloads: list[Booking | Leave | Offering]) -> State:
    state = State()
    for payload in payloads:
        HANDLER.apply(state, item(payload))
    return state


def facts_of(state: State) -> list[Fact | LeaveFact]:
    return [one for one in state.entities.values() if isinstance(one, Fact | LeaveFact)]


@given(st.lists(bookings() | leaves() | offerings(), max_size=12))
def test_counters_are_the_sums_over_facts(payloads: list[Booking | Leave | Offering]) -> None:
    state = fold(payloads)
    counted = {counter_id(trace): n for trace, n in state.counters.items() if n}
    assert counted == counters_of(facts_of(state), BERLIN)


@given(st.lists(bookings() | leaves() | offerings(), max_size=12), st.sampled_from([2022, 2023, 2024]))
def test_counters_give_the_figures_of_the_report(payloads: list[Booking | Leave | Offering], year: int) -> None:
    state = fold(payloads)
    known = {one.offering_id: one for one in state.entities.values() if isinstance(one, OfferingFact)}
    tenths: Counter[str] = Counter()
    for trace, n in state.counters.items():
        offering = known.get(trace.offering_id) if isinstance(trace, Trace) else None
        for name, amount in figures(trace, offering, BERLIN, year).items():
            tenths[name] += round(amount * n * 10)
    facts = facts_of(state)
    data = Data([f for f in facts if isinstance(f, Fact)], [f for f in facts if isinstance(f, LeaveFact)], known)
    found = answer(Question(year), data, BERLIN)
    assert found is not None
    told = {name: round(10 * figure) for name, figure in found["totals"].items() if "persons" not in name}
    assert +tenths == +Counter(told)


@given(st.lists(bookings(), max_size=8), st.data())
def test_repeats_change_nothing(payloads: list[Booking], data: st.DataObject) -> None:
    state = fold([*payloads])
    before = dict(state.counters), dict(state.entities)
    again = data.draw(st.lists(st.sampled_from(payloads))) if payloads else []
    outcomes = [HANDLER.apply(state, item(one)).outcome for one in again]
    assert set(outcomes) <= {"repeated"}
    assert before == (dict(state.counters), dict(state.entities))


def test_a_cohort_keeps_the_time_at_which_the_booking_first_carried_it() -> None:
    state = State()
    carried: list[list[str]] = [[], ["A"], ["A", "B"]]
    for version, cohorts in enumerate(carried, 1):
        HANDLER.apply(state, item(fact(booking_id="b", version=version, cohorts=cohorts).booking, at(2020 + version)))
    kept = state.entities["facts", "b"]
    assert isinstance(kept, Fact)
    assert [(one.cohort, one.at.year) for one in kept.assigned] == [("A", 2022), ("B", 2023)]


def test_nobodys_name_can_be_kept() -> None:
    assert "lms.people" not in HANDLER.topics
    assert HANDLER.output is None
