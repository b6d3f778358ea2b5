"""Counters that are not the sums of the facts, and facts that are not what enrolment keeps."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from lernbus.verify import differences
from services.stats import rows
from services.stats.audit import strangers
from services.stats.counters import Counts
from services.stats.domain import Assignment, Fact, LeaveFact, OfferingFact, SessionFact
from services.stats.recount import CounterAudit
from services.stats.state import State
from shared.events import Attendance, Booking, Leave
from shared.keys import partition_of

ZONE = ZoneInfo("Europe/Berlin")
SILVESTER = datetime(2023, 12, 31, 23, 30, tzinfo=UTC)  # in Berlin it is 2024
NEW_YEAR = datetime(2024, 1, 1, 12, tzinfo=UTC)
NAMES: dict[str, Any] = {
    "offering_id": "o",
    "course_id": "c",
    "person_id": "p",
    "department": None,
    "status_group": None,
}


def fact(number: int, **changes: Any) -> Fact:
    fields: dict[str, Any] = {
        "organisation_id": "jena",
        "status": "confirmed",
        "requested_at": SILVESTER,
        "seated_at": SILVESTER,
    }
    booking = Booking(booking_id=f"b{number}", **NAMES, **{**fields, **changes})
    return Fact(booking=booking, partition=partition_of(b"o", 4))


def leave() -> LeaveFact:
    days: dict[str, Any] = {
        "starts_on": SILVESTER.date(),
        "ends_on": SILVESTER.date(),
        "days": 1,
        "subject": "s",
        "provider": "v",
    }
    names: dict[str, Any] = {
        "leave_id": "l",
        "person_id": "p",
        "organisation_id": "jena",
        "department": None,
        "status_group": None,
    }
    return LeaveFact(leave=Leave(**names, **days), partition=partition_of(b"p", 4))


def offering(**changes: Any) -> OfferingFact:
    session = SessionFact("s", SILVESTER, [])
    fields: dict[str, Any] = {"offering_id": "o", "course_id": "c", "title": "t", "format": "web_based"}
    seats: dict[str, Any] = {"capacity": None, "waiting_list": True, "delegations": [], "released": []}
    times: dict[str, Any] = {"sessions": [session], "ends_at": SILVESTER, "version": 1, "status": "scheduled"}
    return OfferingFact(**fields | seats | times | changes)


def kept(*facts: Fact | LeaveFact | OfferingFact) -> dict[str, list[dict[str, Any]]]:
    """What the service itself keeps of these, by collection."""
    state = State(Counts(ZONE))
    for one in sorted(facts, key=lambda one: not isinstance(one, OfferingFact)):
        state.take(place(one), one)
    written: dict[str, list[Any]] = {**rows.of_entities(state)}
    entities = {name: [write._doc for write in some] for name, some in written.items()}
    return {**NOTHING, **entities, **{name: upserted([*some]) for name, some in rows.of_counts(state.counts).items()}}


NOTHING: dict[str, list[dict[str, Any]]] = {name: [] for name in ("offerings", "facts", "leaves")}


def place(one: Fact | LeaveFact | OfferingFact) -> tuple[str, str]:
    match one:
        case Fact():
            return "facts", one.booking.booking_id
        case LeaveFact():
            return "leaves", one.leave.leave_id
    return "offerings", one.offering_id


def upserted(writes: list[Any]) -> list[dict[str, Any]]:
    found = []
    for one in writes:
        document = {**one._filter, **one._doc["$setOnInsert"]}
        for path, by in one._doc["$inc"].items():
            *way, last = path.split(".")
            inner = document
            for step in way:
                inner = inner.setdefault(step, {})
            inner[last] = by
        found.append(document)
    return found


def said(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    audit = CounterAudit(ZONE, 4)
    for one in found["offerings"]:
        audit.add_offering(one)
    for one in found["facts"]:
        audit.add_booking(one)
    for one in found["leaves"]:
        audit.add_leave(one)
    broken = [*audit.compare(found["counters"], found["sums"], found["seats"])]
    assert all(one.invariant == 6 for one in broken)
    return [f"{one.entity}: {one.detail}" for one in broken]


RICH: dict[str, Any] = {
    "waiting_since": datetime(2021, 5, 1, tzinfo=UTC),
    "waiting_until": SILVESTER,
    "attendance": [Attendance(session_id="s", status="attended", recorded_at=datetime(2025, 1, 1, tzinfo=UTC))],
    "completed_at": SILVESTER,
}


def test_what_the_service_keeps_is_clean() -> None:
    late = fact(4, status="waiting", seated_at=None, waiting_since=NEW_YEAR)
    odd = fact(5, waiting_since=NEW_YEAR, waiting_until=datetime(2022, 5, 1, tzinfo=UTC))
    absent = fact(6, attendance=[Attendance(session_id="x", status="absent", recorded_at=NEW_YEAR)])
    cohort = msgspec.structs.replace(fact(7, cohorts=["K"]), assigned=[Assignment("K", NEW_YEAR)])
    gone = fact(8, status="cancelled", organisation_id=None)
    people = (fact(1), fact(2), fact(3, **RICH), late, odd, absent, cohort, gone, leave())
    assert said(kept(*people, offering())) == []
    assert said(kept(*people)) == []


@pytest.mark.parametrize(
    ("collection", "change", "words"),
    [
        ("counters", {"n": 7}, "offering o, confirmed: the counter says 7, and 1 facts are behind it"),
        ("sums", {"bookings": 2}, "offering o: bookings of 2024: kept are 2, counted 1"),
        ("sums", {"no_shows": 2}, "offering o: no_shows of 2024: kept are 2, counted 0"),
        ("seats", {"now": {"none": {"confirmed": 1}}}, "confirmed now, organisation jena: kept are 0, counted 1"),
        ("facts", {"years": [2023]}, "booking b1: is not found for the year 2024, in which it counts"),
        ("facts", {"key": '["x","jena",null,null,"p"]'}, "the report does not find what its facts count as"),
        ("facts", {"key": None}, "booking b1: is counted as somebody else's"),
    ],
)
def test_what_differs_is_named(collection: str, change: dict[str, Any], words: str) -> None:
    found = kept(fact(1), offering())
    found[collection][0] |= change
    assert [one for one in said(found) if words in one]


def test_a_counter_that_is_missing_is_named() -> None:
    found = kept(fact(1), leave())
    lines = said({**found, "counters": [], "sums": []})
    assert [one for one in lines if "counter of leave in 2023: the counter says 0, and 1 facts" in one]
    assert [one for one in lines if one.startswith("leave: leave_days of 2023: kept are 0, counted 1000000")]


def test_a_leave_that_the_report_does_not_find_is_named() -> None:
    found = kept(leave())
    found["leaves"][0]["years"] = []
    assert said(found) == ["leave l: is not found for the year 2023, in which it counts"]


def test_facts_that_are_taken_for_another_trace_are_named() -> None:
    found = kept(fact(1), fact(2, status="cancelled"))
    keys = [one["key"] for one in found["facts"]]
    found["facts"][0]["key"], found["facts"][1]["key"] = reversed(keys)
    assert len([one for one in said(found) if "the report takes facts of it for another's" in one]) == 2


def test_a_fact_on_another_partition_is_named() -> None:
    there = msgspec.structs.replace(fact(1), partition=9)
    assert "was counted for partition 9" in said(kept(there))[0]


def test_a_fact_that_knows_too_much_is_found() -> None:
    [whole] = kept(fact(1))["facts"]
    assert strangers(whole, Fact, "booking", Booking) == set()
    whole["booking"]["display_name"] = "P"
    assert strangers({**whole, "email": "p@example.org"}, Fact, "booking", Booking) == {"display_name", "email"}


# --- between the services -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "heard", "words"),
    [
        ({"b": {}}, {}, "enrolment keeps it, and stats has no fact of it"),
        ({}, {"b": {}}, "stats has a fact of it, and enrolment does not keep it"),
        ({"b": {"status": "waiting", "x": 1}}, {"b": {"status": "confirmed", "y": 2}}, "differ in status"),
        ({"b": {"s": [{"id": 1, "at": 1}]}}, {"b": {"s": [{"id": 2}]}}, "differ in s"),
        ({"b": {"s": [1, 2]}}, {"b": {"s": [1]}}, "differ in s"),
    ],
)
def test_a_difference_is_named(kept: dict[str, Any], heard: dict[str, Any], words: str) -> None:
    assert [words in detail for _, detail in differences(kept, heard)] == [True]


def test_only_shared_fields_are_compared() -> None:
    assert [*differences({"b": {"s": [{"id": 1, "at": 1}], "x": 1}}, {"b": {"s": [{"id": 1}], "y": 2}})] == []
