"""Counters equal the sums over facts, whatever happens in whatever order, again and again."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.stats.columns import ALL, PERSONAL, Cell, Owner
from services.stats.consumer import StatsHandler
from services.stats.counters import Counts, Seat
from services.stats.domain import Fact, LeaveFact, OfferingFact
from services.stats.figures import COHORT, MEASURES, MILLION
from services.stats.state import State
from services.stats.store import Store
from services.stats.told import tabulate
from shared.cloudevents import Event
from shared.events import LIVE, Attendance, Booking, Course, Leave, Offering, Presence, Session
from shared.handler import Item
from tests.support.naive_stats import Cell as NaiveCell
from tests.support.naive_stats import Data
from tests.support.naive_stats import tabulate as naive_tabulate
from tests.support.stats_world import BERLIN, SPRING, at, columns_of, fact, leave

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
        status=draw(st.sampled_from(["confirmed", "waiting", "cancelled", "refused", "awaiting_approval"])),
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


def fold(payloads: Sequence[Booking | Leave | Offering]) -> State:
    state = State(Counts(BERLIN))
    for payload in payloads:
        state.apply(item(payload))
    return state


def facts_of(state: State) -> list[Fact | LeaveFact]:
    return [one for one in state.entities.values() if isinstance(one, Fact | LeaveFact)]


def sums(state: State) -> list[Counter[Any]]:
    counts = state.counts
    return [counts.counters, counts.sums, counts.seats]


def counted(state: State) -> list[dict[Any, int]]:
    """What is not 0."""
    return [{key: n for key, n in one.items() if n} for one in sums(state)]


def afresh(state: State) -> State:
    """The same facts, heard of in their last form only, offerings first."""
    new = State(Counts(BERLIN))
    for place, one in sorted(state.entities.items(), key=lambda pair: pair[0][0] != "offerings"):
        new.take(place, one)
    return new


EVENTS = st.lists(bookings() | leaves() | offerings(), max_size=12)


@given(EVENTS)
def test_counters_are_the_sums_over_facts(payloads: list[Booking | Leave | Offering]) -> None:
    state = fold(payloads)
    assert counted(state) == counted(afresh(state))
    assert all(n > 0 for n in state.counts.counters.values() if n)


@given(EVENTS, st.randoms())
def test_neither_order_nor_repeats_matter(payloads: list[Booking | Leave | Offering], random: Random) -> None:
    for number, one in enumerate(payloads, 1):  # versions without a tie; cohorts have the time of their first event
        one.version = number
        if isinstance(one, Booking):
            one.cohorts = []
    shuffled = [*payloads, *payloads]
    random.shuffle(shuffled)
    assert counted(fold(payloads)) == counted(fold(shuffled))


@given(EVENTS, st.integers(0, 12))
def test_what_a_batch_did_not_see_is_loaded(payloads: list[Booking | Leave | Offering], cut: int) -> None:
    """Two batches give what one gives: the second one knows of an offering's facts only by its counters."""
    first = fold(payloads[:cut])
    second = State(Counts(BERLIN), entities=dict(first.entities))
    for name, number in first.counts.counters.items():
        if number:
            second.counts.stands(name, first.counts.traces[name], number)
    for payload in payloads[cut:]:
        second.apply(item(payload))
    for mine, gained in zip(sums(first), sums(second), strict=True):
        mine.update(gained)
    assert counted(first) == counted(fold(payloads))


@given(EVENTS, st.sampled_from([2022, 2023, 2024]))
def test_sums_give_the_figures_of_the_report(payloads: list[Booking | Leave | Offering], year: int) -> None:
    state = fold(payloads)
    millionths: Counter[str] = Counter()
    for (_, _, counts_in, measure), n in state.counts.sums.items():
        if counts_in == year or -year <= counts_in < 0:
            millionths[measure] += n if measure == "leave_days" else n * MILLION
    totals = naive_tabulate(data_of(state), year, BERLIN).whole.totals
    told = {name: round(MILLION * totals.figure(name)) for name in MEASURES if "persons" not in name}
    assert +millionths == +Counter(told)


def data_of(state: State) -> Data:
    facts = facts_of(state)
    return Data(
        facts=[one for one in facts if isinstance(one, Fact)],
        leaves=[one for one in facts if isinstance(one, LeaveFact)],
        offerings={one.offering_id: one for one in state.entities.values() if isinstance(one, OfferingFact)},
        courses={"C1": Course(course_id="C1", title="K", topics=["T", "U"], competencies=["K"], version=1)},
    )


@given(EVENTS, st.sampled_from([2022, 2023, 2024]))
def test_the_columns_of_a_year_give_what_all_bookings_give(
    payloads: list[Booking | Leave | Offering], year: int
) -> None:
    data = data_of(fold(payloads))
    told, tables = tabulate(columns_of(data, year), {}), naive_tabulate(data, year, BERLIN)
    found = {(owner, cell): row for owner, cells in told.items() for cell, row in cells.items() if cell[0] != "month"}
    expected: dict[tuple[Owner, Cell], NaiveCell] = {(None, ALL): tables.whole.totals}
    for name, rows in tables.whole.rows.items():
        for value, cell in rows.items():
            expected[((name, value), ALL) if name in PERSONAL else (None, (name, value))] = cell
    expected |= {(None, ("cohort", key)): cell for key, cell in tables.whole.cohorts.items()}
    for organisation, table in tables.narrowed.items():
        own: Owner = ("organisation", organisation)
        expected |= {(own, ("cohort", key)): cell for key, cell in table.cohorts.items()}
        expected |= {
            (own, (name, value)): cell
            for name, rows in table.rows.items()
            for value, cell in rows.items()
            if name != "organisation"
        }
    counted = {
        place: {m: cell.figure(m) for m in (*MEASURES, *COHORT) if cell.figure(m)} for place, cell in expected.items()
    }
    own_rows = {
        place: row
        for place, row in found.items()
        if place[0] is None or place[0][0] == "organisation" or place[1] == ALL
    }
    assert {place: dict(row) for place, row in own_rows.items()} == {
        place: row for place, row in counted.items() if row
    }


@given(EVENTS)
def test_seats_are_those_who_are_there_now(payloads: list[Booking | Leave | Offering]) -> None:
    state = fold(payloads)
    live = [one.booking for one in facts_of(state) if isinstance(one, Fact) and one.booking.status in LIVE]
    expected = Counter(Seat(3, one.offering_id, one.organisation_id, one.status) for one in live)
    assert counted(state)[2] == expected


@given(st.lists(bookings(), max_size=8), st.data())
def test_repeats_change_nothing(payloads: list[Booking], data: st.DataObject) -> None:
    state = fold([*payloads])
    before = counted(state), dict(state.entities)
    again = data.draw(st.lists(st.sampled_from(payloads))) if payloads else []
    outcomes = [state.apply(item(one)).outcome for one in again]
    assert set(outcomes) <= {"repeated"}
    assert before == (counted(state), dict(state.entities))


def test_a_cohort_keeps_the_time_at_which_the_booking_first_carried_it() -> None:
    state = State(Counts(BERLIN))
    carried: list[list[str]] = [[], ["A"], ["A", "B"]]
    for version, cohorts in enumerate(carried, 1):
        state.apply(item(fact(booking_id="b", version=version, cohorts=cohorts).booking, at(2020 + version)))
    kept = state.entities["facts", "b"]
    assert isinstance(kept, Fact)
    assert [(one.cohort, one.at.year) for one in kept.assigned] == [("A", 2022), ("B", 2023)]


def test_nobodys_name_can_be_kept() -> None:
    assert "lms.people" not in HANDLER.topics
    assert HANDLER.output is None
