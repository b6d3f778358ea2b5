"""A batch in a rebuild: times and cohorts of what is said again are those of when it happened."""

from datetime import datetime

import msgspec

from services.stats.batches import Batch
from services.stats.counters import Counts
from services.stats.domain import Assignment, Fact
from services.stats.generations import Generations
from services.stats.layout import state_of
from services.stats.state import State
from shared.cloudevents import Event
from shared.events import Assigned, Booking, Offering
from shared.handler import Item
from tests.support.stats_world import BERLIN, LAST_YEAR, SPRING, at, fact, present

NOW = at(2026)


def batch() -> Batch:
    """Partition 0 is being rebuilt."""
    return Batch(Generations(1, begun={0: [5]}), {one: State(Counts(BERLIN)) for one in (0, 5)})


def item(kind: str, data: Booking | Offering, time: datetime) -> Item:
    return Item(Event("e", "lernbus/enrolment", f"enrolment.{kind}.v1", time, data), "O1", "enrolment.events", 0, 0)


def booking(**fields: object) -> Booking:
    return msgspec.structs.replace(fact(booking_id="b").booking, **fields)


def test_what_is_said_again_is_as_old_and_as_new_as_its_own_acts() -> None:
    done = batch()
    data = booking(requested_at=LAST_YEAR, attendance=[present(recorded_at=at(2023, 6))])
    assert done.apply(item("booking.restated", data, NOW)).outcome == "applied"

    assert (done.since, done.as_of) == ({0: LAST_YEAR}, {0: at(2023, 6)})


def test_a_cohort_was_assigned_when_it_was_and_not_when_that_is_said_again() -> None:
    done = batch()
    data = booking(cohorts=["A"], assigned=[Assigned(cohort="A", at=SPRING)])
    done.apply(item("booking.restated", data, NOW))
    known = done.states[5].entities["facts", "b"]

    assert isinstance(known, Fact)
    assert known.assigned == [Assignment("A", SPRING)]
    assert done.states[0].entities == {}


def test_what_happens_meanwhile_counts_in_what_is_read_and_in_what_is_built() -> None:
    done = batch()
    assert done.apply(item("booking.confirmed", booking(), SPRING)).outcome == "applied"
    assert done.apply(item("booking.restated", booking(), NOW)).outcome == "repeated"

    assert done.states[0].entities.keys() == done.states[5].entities.keys() == {("facts", "b")}
    assert done.as_of == {0: SPRING}


def test_the_report_says_in_words_that_it_is_of_before() -> None:
    report = {"as_of": None}
    assert state_of({**report, "rebuilding": True}, "en", BERLIN).endswith("these are the figures of before.")
    assert state_of(report, "en", BERLIN) == "No data yet."
