"""What cannot be meant is refused with the field and the reason, and leaves no trace; what is merely odd is taken."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.enrolment import door
from services.enrolment.events import DOOR, LMS
from shared.cloudevents import STRUCTURED
from shared.errors import Invalid
from tests.support.enrolment import NOON, OFFERING, SESSION, World, delegation, item, lms, scheduled

HOUR = timedelta(hours=1)
BACKWARDS = {**SESSION, "ends_at": "2024-11-21T08:59:59+01:00"}
LEAVE: dict[str, Any] = {
    "leave_id": "l1",
    "person_id": "p1",
    "organisation_id": "jena",
    "starts_on": "2023-05-02",
    "ends_on": "2023-05-06",
    "days": 5,
    "subject": "Politik",
    "provider": "VHS",
}
PEOPLE: dict[str, Any] = {"offering_id": "o1", "people": [{"person_id": "a"}, {"person_id": "b"}, {"person_id": "a"}]}
GROUP: dict[str, Any] = {"group_id": "g", "requested_by": "boss", "all_or_nothing": True}
SEEN: dict[str, Any] = {"offering_id": "o1", "session_id": "s1", "status": "attended", "person_id": "a"}
TWO = [delegation("jena", 1), delegation("bonn", 1)]


def raw(kind: str, **data: Any) -> bytes:
    head = {"specversion": "1.0", "id": "e", "source": "lms/test", "type": f"lms.{kind}.v1", "time": NOON}
    return msgspec.json.encode({**head, "data": data})


def refused(kind: str, **data: Any) -> tuple[str, str]:
    """The field and the reason with which the door refuses it."""
    with pytest.raises(door.RefusedError) as error:
        door.read_request(STRUCTURED, {}, raw(kind, **data))
    (fault,) = error.value.errors
    return fault["field"], fault["reason"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sessions": [SESSION, {**BACKWARDS, "session_id": "s2"}]}, "data.sessions[1]"),
        ({"sessions": [{**SESSION, "ends_at": None}]}, "data.sessions[0]"),
        ({"sessions": [{**SESSION, "starts_at": None, "ends_at": None}]}, "data.sessions[0]"),
        ({"sessions": [SESSION, SESSION]}, "data.sessions[1].session_id"),
        ({"sessions": []}, "data.sessions"),
        ({"delegations": [*TWO, delegation("jena", 0)]}, "data.delegations[2].organisation_id"),
        ({"delegations": [*TWO, delegation("aachen", 1)]}, "data.delegations"),
        ({"delegations": [delegation("jena", -1)]}, "data.delegations[0].seats"),
        ({"booking_opens_at": NOON, "booking_closes_at": NOON - HOUR}, "data.booking_closes_at"),
        ({"cancel_until": "2300-01-01T00:00:00Z"}, "data.cancel_until"),
        ({"cancel_until": "2024-01-01T00:00:00"}, "data.cancel_until"),
        ({"capacity": 1_000_001}, "data.capacity"),
    ],
    ids=str,
)
def test_an_offering_that_cannot_be_meant(changes: dict[str, Any], field: str) -> None:
    found, reason = refused("offering.scheduled", **{**OFFERING, **changes})
    assert found.startswith(field)
    assert reason


@pytest.mark.parametrize(
    ("kind", "data", "field", "reason"),
    [
        (
            "offering.capacity_changed",
            {"capacity": 1, "delegations": TWO},
            "data.delegations",
            "more than the capacity",
        ),
        ("offering.rescheduled", {"sessions": [BACKWARDS]}, "data.sessions[0].ends_at", "lies before starts_at"),
        ("offering.format_changed", {"format": "online", "sessions": []}, "data.sessions", "only a web_based"),
        ("attendance.recorded", {**SEEN, "person_id": ""}, "data.person_id", "length >= 1"),
        ("attendance.recorded", {**SEEN, "person_id": None}, "data.person_id", "got `null`"),
        ("attendance.recorded", {**SEEN, "status": "seen"}, "data.status", "Invalid enum"),
        ("group.requested", {**PEOPLE, **GROUP}, "data.people[2].person_id", "twice"),
        ("group.requested", {**PEOPLE, **GROUP, "people": []}, "data.people", "length >= 1"),
        ("leave.granted", {**LEAVE, "ends_on": "2023-05-01"}, "data.ends_on", "lies before starts_on"),
        ("leave.granted", {**LEAVE, "days": 5.5}, "data.days", "more than there are"),
        ("leave.granted", {**LEAVE, "days": 0}, "data.days", "> 0"),
        ("leave.withdrawn", {**LEAVE, "starts_on": "1899-12-31"}, "data.starts_on", "1900"),
    ],
    ids=str,
)
def test_an_event_that_cannot_be_meant(kind: str, data: dict[str, Any], field: str, reason: str) -> None:
    found, said = refused(kind, **{"offering_id": "o1", **data})
    assert found == field
    assert reason in said


def test_a_request_with_one_event_that_cannot_be_meant_is_refused_as_a_whole() -> None:
    batch = b"[" + b",".join([raw("offering.cancelled", offering_id="o1"), raw("leave.granted")]) + b"]"
    with pytest.raises(door.RefusedError) as error:
        door.read_request("application/cloudevents-batch+json", {}, batch)
    assert [one["index"] for one in error.value.errors] == [1]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("offering.scheduled", {"sessions": [{**SESSION, "ends_at": SESSION["starts_at"]}]}),
        ("offering.scheduled", {"booking_opens_at": NOON, "booking_closes_at": NOON}),
        ("offering.scheduled", {"cancel_until": "2199-12-31T23:00:00Z"}),
        ("offering.scheduled", {"delegations": [delegation("jena", 2, timedelta(days=9_999))]}),
        ("offering.scheduled", {"format": "in_person", "sessions": [{**SESSION, "format": "online"}]}),
        ("offering.scheduled", {"format": "web_based", "sessions": []}),
        ("offering.capacity_changed", {"capacity": 0}),
        ("cohort.assigned", {**PEOPLE, "cohort": "2023", "mandatory": True}),
        ("attendance.recorded", {**SEEN, "session_id": "of an earlier programme"}),
        ("completion.recorded", {"person_id": "a", "completed_at": NOON + HOUR}),
        ("leave.granted", {**LEAVE, "ends_on": "2023-05-02", "days": 0.5}),
        ("booking.requested", {"person_id": " "}),
    ],
    ids=str,
)
def test_what_is_odd_and_may_be_meant_is_taken(kind: str, data: dict[str, Any]) -> None:
    offering = OFFERING if kind == "offering.scheduled" else {"offering_id": "o1"}
    events = door.read_request(STRUCTURED, {}, raw(kind, **{**offering, **data}))
    assert events is not None
    assert len(events) == 1


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("attendance.recorded", {"person_id": "w", "session_id": "s1", "status": "attended"}, "no_booking"),
        ("completion.recorded", {"person_id": "nobody", "completed_at": NOON}, "no_booking"),
        ("offering.rescheduled", {"sessions": []}, "invalid"),
        ("deadline.passed", {"at": NOON + HOUR}, "invalid"),
    ],
    ids=str,
)
def test_what_shows_only_when_it_is_applied_is_a_dead_letter_and_nothing_is_half_applied(
    kind: str, data: dict[str, Any], reason: str
) -> None:
    world = World()
    asked = [lms("booking.requested", offering_id="o1", person_id=one) for one in "abw"]
    world.push(scheduled(delegations=[delegation("jena", 1, HOUR)]), *asked)
    event = lms(kind, offering_id="o1", **data)
    before, state = str(world.store.documents), world.store.load_now([item(event)])
    with pytest.raises(Invalid) as fault:
        world.handler.apply(state, item(event))
    assert fault.value.reason == reason
    world.store.commit_now(state)
    assert str(world.store.documents) == before


@pytest.mark.parametrize("kind", sorted(LMS))
def test_every_event_without_its_data_names_what_is_missing(kind: str) -> None:
    field, reason = refused(kind.removeprefix("lms.").removesuffix(".v1"))
    assert (field.partition(".")[0], "missing required field" in reason) == ("data", True)


def test_the_door_takes_no_deadline() -> None:
    assert "lernbus.deadline.passed.v1" not in DOOR


BINARY = {"specversion": "1.0", "id": "e", "source": "lms/test", "type": "lms.booking.requested.v1"}


def in_headers(**changes: str) -> dict[str, str]:
    said = {**BINARY, "time": "2024-03-01T12:00:00Z", **changes}
    return {f"ce-{name}": value for name, value in said.items()}


def test_headers_of_binary_mode_are_percent_encoded() -> None:
    body = b'{"offering_id": "o1", "person_id": "100%25"}'
    [event] = door.read_request("application/json", in_headers(id="K%C3%B6ln%2041%25", source="a+b"), body) or []
    assert (event.id, event.source, event.data.person_id) == ("Köln 41%", "a+b", "100%25")


@pytest.mark.parametrize("changes", [{"time": "1700000000"}, {"id": "a%00b"}, {"source": "%E2%80%A8"}, {"type": "%20"}])
def test_headers_of_binary_mode_are_checked_like_all_else(changes: dict[str, str]) -> None:
    with pytest.raises(door.RefusedError) as error:
        door.read_request("application/json", in_headers(**changes), b'{"offering_id": "o1", "person_id": "a"}')
    assert [fault["field"] for fault in error.value.errors] == [*changes]
