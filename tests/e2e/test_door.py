"""What an LMS meets at POST /enrolment/lms/events."""

import json
from typing import Any

import httpx2
import pytest

from tests.support.stack import BATCH, STRUCTURED, Running, event, offering, person, request


def problem(answer: httpx2.Response, status: int) -> Any:  # noqa: ANN401 (JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    return found


def test_structured_binary_and_batch_mode_are_taken(stack: Running, unique: str) -> None:
    structured = stack.post(offering(unique), STRUCTURED)
    asked = request(unique, f"{unique}-binary")
    headers = {f"ce-{name}": str(asked[name]) for name in ("specversion", "id", "source", "type", "time")}
    binary = stack.post(asked["data"], "application/json", **headers)
    batch = stack.post([request(unique, f"{unique}-1"), request(unique, f"{unique}-2")], f"{BATCH}; charset=utf-8")
    stack.settle()

    assert [answer.status_code for answer in (structured, binary, batch)] == [202, 202, 202]
    assert [answer.json() for answer in (structured, binary, batch)] == [{"accepted": n} for n in (1, 1, 2)]
    people = [one["person_id"] for one in stack.get(f"/enrolment/api/offerings/{unique}/bookings")]
    assert people == [f"{unique}-binary", f"{unique}-1", f"{unique}-2"]


def test_an_empty_batch_is_accepted(stack: Running) -> None:
    answer = stack.post([])

    assert (answer.status_code, answer.json()) == (202, {"accepted": 0})


def test_one_invalid_event_keeps_all_of_the_request_out(stack: Running, unique: str) -> None:
    good, bad, worse = offering(unique), request(unique, "p"), event("booking.requested", offering_id=unique)
    bad["time"] = "2024-10-01T10:00:00"
    found = problem(stack.post([good, bad, worse]), 400)
    stack.settle()

    assert [(one["index"], one["field"]) for one in found["errors"]] == [(1, "time"), (2, "data.person_id")]
    assert all(one["reason"] for one in found["errors"])
    assert stack.http.get(f"/enrolment/api/offerings/{unique}").status_code == 404


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("unknown type", {"type": "lms.booking.dreamt.v1"}, "type"),
    ("major version", {"type": "lms.booking.requested.v2"}, "type"),
    ("the office's own type", {"type": "lernbus.deadline.passed.v1"}, "type"),
    ("no CloudEvent 1.0", {"specversion": "0.3"}, "specversion"),
    ("long id", {"id": "x" * 201}, "id"),
    ("control character", {"data": {"offering_id": "o", "person_id": "a\nb"}}, "data.person_id"),
    ("empty id", {"data": {"offering_id": "", "person_id": "a"}}, "data.offering_id"),
    ("year 1899", {"time": "1899-12-31T23:59:59Z"}, "time"),
    ("no data", {"data": None}, "data"),
]


@pytest.mark.parametrize(("changes", "field"), [(one[1], one[2]) for one in INVALID], ids=[one[0] for one in INVALID])
def test_an_invalid_event_is_refused_with_its_field(stack: Running, changes: dict[str, Any], field: str) -> None:
    found = problem(stack.post({**request("o", "p"), **changes}, STRUCTURED), 400)

    assert [(one["index"], one["field"]) for one in found["errors"]] == [(0, field)]


OFFERINGS: list[tuple[str, dict[str, Any], str]] = [
    ("negative capacity", {"capacity": -1}, "data.capacity"),
    ("too large", {"capacity": 1_000_001}, "data.capacity"),
    ("more delegated than there is", {"delegations": [{"organisation_id": "a", "seats": 3}]}, "data.delegations"),
    ("no session", {"sessions": []}, "data.sessions"),
    ("unknown format", {"format": "hybrid"}, "data.format"),
    ("link that is none", {"sessions": [{"session_id": "s", "title": "t", "format": "online"}]}, "data.sessions[0]"),
]


@pytest.mark.parametrize(("more", "field"), [(one[1], one[2]) for one in OFFERINGS], ids=[one[0] for one in OFFERINGS])
def test_an_offering_that_cannot_be_is_refused(stack: Running, more: dict[str, Any], field: str) -> None:
    found = problem(stack.post(offering("o", **more), STRUCTURED), 400)

    assert found["errors"][0]["field"].startswith(field)


def test_what_is_no_json_is_refused(stack: Running) -> None:
    assert problem(stack.post(b"{", STRUCTURED), 400)["errors"][0]["index"] == 0
    assert problem(stack.post(b'{"a": 1}', BATCH), 400)["errors"][0]["index"] == 0


def test_a_large_request_is_refused(stack: Running) -> None:
    problem(stack.post([request("o", "p")] * 6_000), 413)


def test_another_content_type_is_refused(stack: Running) -> None:
    problem(stack.post(request("o", "p"), "application/json"), 415)
    problem(stack.post(b"a=b", "application/x-www-form-urlencoded"), 415)


def test_attributes_come_from_the_latest_record_before_the_request(stack: Running, unique: str) -> None:
    """From earlier in the same request, else from a request before; what the event says itself stays."""
    people = [f"{unique}-{n}" for n in range(3)]
    stack.post([offering(unique, capacity=9), person(people[0], department="Amt 10"), request(unique, people[0])])
    stack.post(person(people[1], department="Amt 20", status_group="Azubi"), STRUCTURED)
    stack.post(request(unique, people[1], department="Amt 21"), STRUCTURED)
    stack.push(request(unique, people[2]))

    found = stack.get(f"/enrolment/api/offerings/{unique}/bookings")
    assert [(one["organisation_id"], one["department"], one["status_group"]) for one in found] == [
        ("bonn", "Amt 10", None),
        ("bonn", "Amt 21", "Azubi"),
        (None, None, None),
    ]


def test_an_unknown_offering_is_not_found(stack: Running) -> None:
    for path in ("/enrolment/api/offerings/nowhere", "/enrolment/api/offerings/nowhere/bookings"):
        problem(stack.http.get(path), 404)


def test_no_name_or_address_is_in_enrolment_or_stats(stack: Running, unique: str) -> None:
    stack.push(offering(unique), person(f"{unique}-p", display_name="Käthe Canary"), request(unique, f"{unique}-p"))

    said = json.dumps(
        [
            stack.get(f"/enrolment/api/offerings/{unique}"),
            stack.get(f"/enrolment/api/offerings/{unique}/bookings"),
            stack.get("/stats/api/report", year=2024),
        ],
        ensure_ascii=False,
    )
    assert "Canary" not in said
    assert "@" not in said
