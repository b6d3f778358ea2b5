"""What the office's forms say."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.enrolment import door, office
from services.enrolment.office import WrongError
from shared.cloudevents import BATCH, Event
from shared.events import Delegation, Offering, Session

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 11, 1, 12, tzinfo=UTC)
STARTS = datetime.fromisoformat("2024-11-21T09:00:30+01:00")
SESSION = Session(
    session_id="m1", title="Modul", format="online", starts_at=STARTS, ends_at=STARTS.replace(hour=12), topics=["Recht"]
)
OFFERING = Offering(
    offering_id="o1",
    course_id="c1",
    title="Reihe",
    host_organisation_id="wuppertal",
    format="online",
    capacity=10,
    waiting_list=True,
    delegations=[Delegation(organisation_id="jena", seats=2, release_at=NOON)],
    sessions=[SESSION],
    approval="none",
    booking_opens_at=None,
    booking_closes_at=None,
    cancel_until=None,
    trainers=[],
)
ROW = {
    "session.0.session_id": "m1",
    "session.0.title": "Modul",
    "session.0.starts_at": "2024-11-21T09:00",
    "session.0.ends_at": "2024-11-21T12:00",
}


def said(action: str, form: dict[str, str]) -> list[dict[str, Any]]:
    """The data of the events, having passed the door."""
    found = office.events(action, office.Reading(form, OFFERING, BERLIN, "anna"))
    events = [Event(f"e{n}", "lernbus/office", kind, NOON, data) for n, (kind, data) in enumerate(found)]
    checked = door.read_request(BATCH, {}, msgspec.json.encode(events))
    return [msgspec.to_builtins(event.data) for event in checked or []]


def wrong(action: str, form: dict[str, str]) -> dict[str, str]:
    with pytest.raises(WrongError) as caught:
        said(action, form)
    return dict(caught.value.errors)


def test_a_capacity_alone_leaves_the_delegations() -> None:
    [data] = said("capacity", {"capacity": " 20 "})
    assert (data["capacity"], data["delegations"], data["requested_by"]) == (20, None, "anna")
    assert said("capacity", {"capacity": ""})[0]["capacity"] is None


def test_delegations_keep_their_release_an_empty_one_goes_a_new_one_comes() -> None:
    form = {"capacity": "20", "delegation.jena": "5", "new.organisation": "bonn", "new.seats": "3"}
    [data] = said("capacity", form)
    jena, bonn = data["delegations"]
    assert (jena["organisation_id"], jena["seats"], jena["release_at"]) == ("jena", 5, "2024-11-01T12:00:00Z")
    assert (bonn["organisation_id"], bonn["seats"], bonn["release_at"]) == ("bonn", 3, None)
    assert said("capacity", {"capacity": "20", "delegation.jena": ""})[0]["delegations"] == []


@pytest.mark.parametrize(
    ("action", "form", "errors"),
    [
        ("capacity", {"capacity": "viele"}, {"capacity": "number"}),
        ("capacity", {"capacity": "-1"}, {"capacity": "number"}),
        ("capacity", {"capacity": "²"}, {"capacity": "number"}),
        ("capacity", {"capacity": "1", "delegation.jena": "2"}, {"capacity": "delegations"}),
        ("capacity", {"capacity": "9", "new.organisation": "bonn"}, {"new.seats": "needed"}),
        ("book", {"person_id": " "}, {"person_id": "needed"}),
        ("withdraw", {}, {"person_id": "needed"}),
        ("reschedule", {**ROW, "session.0.ends_at": "2024-11-21T08:00"}, {"session.0.ends_at": "order"}),
        ("reschedule", {**ROW, "session.0.starts_at": ""}, {"session.0.starts_at": "needed"}),
        ("reschedule", {**ROW, "session.0.starts_at": "morgen"}, {"session.0.starts_at": "time"}),
        ("reschedule", {**ROW, "session.0.starts_at": "0001-01-01T00:00"}, {"session.0.starts_at": "time"}),
        ("reschedule", {**ROW, "session.0.ends_at": "9999-12-31T23:59-23:59"}, {"session.0.ends_at": "time"}),
        ("reschedule", {**ROW, "session.0.starts_at": "2025-03-30T02:30"}, {"session.0.starts_at": "skipped"}),
        ("reschedule", {**ROW, "session.0.join_url": "javascript:alert(1)"}, {"session.0.join_url": "link"}),
        ("format", ROW, {"format": "needed"}),
    ],
)
def test_what_cannot_be_meant_is_said_beside_the_field(
    action: str, form: dict[str, str], errors: dict[str, str]
) -> None:
    found = wrong(action, form)
    assert errors.items() <= found.items()


def test_a_session_that_was_not_touched_stays_exactly_what_it_was() -> None:
    [data] = said("reschedule", ROW)
    [session] = data["sessions"]
    assert datetime.fromisoformat(session["starts_at"]) == STARTS  # with its seconds, which the field does not show
    assert (session["session_id"], session["topics"], session["format"]) == ("m1", ["Recht"], "online")


def test_the_same_hour_of_another_zone_is_another_moment() -> None:
    [data] = said("reschedule", {**ROW, "session.0.starts_at": "2024-11-21T09:00:00+02:00"})
    assert data["sessions"][0]["starts_at"] == "2024-11-21T09:00:00+02:00"


def test_a_moved_session_is_in_the_offices_time_and_a_new_one_gets_an_id() -> None:
    form = {**ROW, "session.0.starts_at": "2024-07-01T09:00", "session.0.ends_at": "2024-07-01T10:00"}
    new = {"session.3.title": "Neu", "session.3.starts_at": "2024-12-01T09:00", "session.3.ends_at": "2024-12-01T10:00"}
    first, second = said("reschedule", {**form, **new, "session.7.title": " "})[0]["sessions"]
    assert first["starts_at"] == "2024-07-01T09:00:00+02:00"
    assert (second["session_id"], second["starts_at"]) == ("s2", "2024-12-01T09:00:00+01:00")


def test_a_format_is_that_of_all_sessions_unless_it_is_blended() -> None:
    online = {**ROW, "session.0.format": "in_person"}
    assert said("format", {**online, "format": "web_based"})[0]["sessions"][0]["format"] == "web_based"
    assert said("format", {**online, "format": "blended"})[0]["sessions"][0]["format"] == "in_person"


def test_attendance_is_one_event_for_each_person_that_has_a_status() -> None:
    found = said("attendance", {"session_id": "m1", "status.p1": "attended", "status.p2": "", "status.p3": "excused"})
    assert [(one["person_id"], one["status"], one["recorded_by"]) for one in found] == [
        ("p1", "attended", "anna"),
        ("p3", "excused", "anna"),
    ]


def test_what_the_door_refuses_is_said_by_the_forms_fields() -> None:
    form = {**ROW, "session.0.title": "", "session.4.title": "x" * 300, "session.4.starts_at": "2024-01-01T10:00"}
    faults = [{"field": "data.sessions[1].title", "reason": "too long"}, {"field": "data.capacity", "reason": "no"}]
    assert office.fields_of(faults, form) == {"session.4.title": "too long", "capacity": "no"}


def test_somebody_is_asked_before_what_is_rare_or_final() -> None:
    assert office.needs_asking("cancel", {}, 0)
    assert office.needs_asking("capacity", {"capacity": 4}, 5)
    assert not office.needs_asking("capacity", {"capacity": 5}, 5)
    assert not office.needs_asking("capacity", {"capacity": None}, 5)
