"""Counters that are not the sums of the facts, and facts that are not what enrolment keeps."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from lernbus.verify import differences
from services.stats.audit import CounterAudit, strangers
from services.stats.counters import counter_id, trace_of
from services.stats.domain import Fact, LeaveFact
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


def document(one: Fact | LeaveFact, years: list[int], *, waits: bool = False) -> dict[str, Any]:
    key = one.booking.booking_id if isinstance(one, Fact) else one.leave.leave_id
    return {"_id": key, **msgspec.to_builtins(one), "years": years, "waits": waits}


def counter(one: Fact | LeaveFact, n: int) -> dict[str, Any]:
    trace = trace_of(one, ZONE)
    assert trace is not None
    return {"_id": counter_id(trace), "n": n, **msgspec.to_builtins(trace)}


def said(facts: list[dict[str, Any]], counters: list[dict[str, Any]]) -> list[str]:
    audit = CounterAudit(ZONE, 4)
    for one in facts:
        (audit.add_booking if "booking" in one else audit.add_leave)(one)
    found = [*audit.compare(counters)]
    assert all(one.invariant == 6 for one in found)
    return [f"{one.entity}: {one.detail}" for one in found]


def test_counters_that_are_the_sums_are_clean() -> None:
    facts = [document(fact(1), [2024]), document(fact(2), [2024]), document(leave(), [2023])]
    assert said(facts, [counter(fact(1), 2), counter(leave(), 1)]) == []


def test_every_part_of_a_booking_is_counted() -> None:
    rich = fact(
        1,
        waiting_since=datetime(2022, 5, 1, tzinfo=UTC),
        waiting_until=SILVESTER,
        attendance=[Attendance(session_id="s", status="attended", recorded_at=SILVESTER)],
        completed_at=SILVESTER,
    )
    assert said([document(rich, [2022, 2023, 2024])], [counter(rich, 1)]) == []


def test_who_waited_at_no_years_end_needs_no_year_for_it() -> None:
    waited = fact(1, seated_at=None, waiting_since=NEW_YEAR, waiting_until=NEW_YEAR, status="cancelled")
    assert said([document(waited, [])], [counter(waited, 1)]) == []


def test_a_waiting_that_ended_before_it_began_ended_at_once() -> None:
    odd = fact(1, waiting_since=NEW_YEAR, waiting_until=datetime(2022, 5, 1, tzinfo=UTC))
    assert said([document(odd, [2024])], [counter(odd, 1)]) == []


@pytest.mark.parametrize(
    ("counters", "words"),
    [
        ([], "the counter says 0, and 1 facts are behind it"),
        ([counter(fact(1), 2)], "the counter says 2, and 1 facts are behind it"),
        (
            [counter(fact(1), 1), counter(leave(), 1)],
            "counter of leave in 2023, organisation jena: the counter says 1, and 0",
        ),
    ],
)
def test_a_wrong_counter_is_named(counters: list[dict[str, Any]], words: str) -> None:
    assert [one for one in said([document(fact(1), [2024])], counters) if words in one]


def test_a_fact_that_the_report_does_not_find_is_named() -> None:
    found = said([document(fact(1), [2023], waits=True)], [counter(fact(1), 1)])
    assert "is not found for the year 2024" in found[0]
    assert "looks for it as waits=True" in found[1]
    assert "is not found for the year 2023" in said([document(leave(), [])], [counter(leave(), 1)])[0]


def test_a_fact_on_another_partition_is_named() -> None:
    there = msgspec.structs.replace(fact(1), partition=9)
    assert "was counted for partition 9" in said([document(there, [2024])], [counter(there, 1)])[0]


def test_a_fact_that_knows_too_much_is_found() -> None:
    whole = document(fact(1), [2024])
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
