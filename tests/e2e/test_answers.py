"""What the services answer is what docs/openapi.json says, no field less and none more."""

import json
from typing import Any

import httpx2
import jsonschema
import pytest

from tests.support.stack import ROOT, Running, event, offering, person, request

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def closed() -> dict[str, Any]:
    """The shapes, with every field that they do not name forbidden; a problem may say more (RFC 9457)."""
    schemas = json.loads(json.dumps(DOCUMENT["components"]["schemas"]))
    for name, schema in schemas.items():
        if "properties" in schema and name != "Problem":
            schema["additionalProperties"] = False
    return {"components": {"schemas": schemas}}


def check(path: str, answer: httpx2.Response, method: str = "get") -> None:
    media = answer.headers["content-type"].partition(";")[0]
    said = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]["content"][media]["schema"]
    rules = jsonschema.Draft202012Validator({**closed(), **said}, format_checker=jsonschema.FormatChecker())
    rules.validate(answer.json() if media.endswith("json") else answer.text)


@pytest.fixture
def told(stack: Running, unique: str) -> str:
    """A course, a full offering with a delegation, somebody on it, somebody waiting, somebody there; all of 2034."""
    session = {"offering_id": unique, "session_id": "s1"}
    delegation = {"organisation_id": "bonn", "seats": 1, "release_at": "2034-01-01T00:00:00Z"}
    leave: dict[str, Any] = {
        "starts_on": "2034-02-01",
        "ends_on": "2034-02-02",
        "days": 1.5,
        "subject": "Politik",
        "provider": "vhs",
    }
    events = [
        event("organisation.changed", organisation_id="bonn", name="Bonn"),
        event("course.changed", course_id="kurs", title="Kurs", topics=["Thema"], competencies=["Haltung"]),
        offering(unique, 1, delegations=[delegation]),
        *(person(f"{unique}-{name}") for name in "abc"),
        *(request(unique, f"{unique}-{name}", department="Amt 1", status_group="mD") for name in "ab"),
        event(
            "cohort.assigned", offering_id=unique, cohort=unique, mandatory=True, people=[{"person_id": f"{unique}-c"}]
        ),
        event("attendance.recorded", person_id=f"{unique}-a", status="attended", **session),
        event("leave.granted", leave_id=unique, person_id=f"{unique}-a", organisation_id="bonn", **leave),
    ]
    assert stack.post(events).status_code == 202
    stack.settle()
    return unique


def test_every_json_answer_is_as_described(stack: Running, told: str) -> None:
    http = stack.http
    check("/enrolment/api/offerings/{offering_id}", http.get(f"/enrolment/api/offerings/{told}"))
    bookings = http.get(f"/enrolment/api/offerings/{told}/bookings")
    assert {one["status"] for one in bookings.json()} == {"confirmed", "waiting"}
    check("/enrolment/api/offerings/{offering_id}/bookings", bookings)
    messages = http.get("/notifications/api/messages", params={"offering_id": told})
    assert {"sent"} <= {one["status"] for one in messages.json()}
    check("/notifications/api/messages", messages)
    raw = f"/notifications/api/messages/{messages.json()[0]['message_id']}/raw"
    check("/notifications/api/messages/{message_id}/raw", http.get(raw))
    for organisation in ({}, {"organisation": "bonn"}):
        for year in (2024, 2034):
            report = http.get("/stats/api/report", params={"year": year, **organisation})
            check("/stats/api/report", report)
    check("/enrolment/api/marks", http.post("/enrolment/api/marks"), "post")
    for service in ("enrolment", "notifications", "stats"):
        for path in ("health/live", "health/ready", "api/progress"):
            check(f"/{service}/{path}", http.get(f"/{service}/{path}"))


def test_every_problem_is_as_described(stack: Running, unique: str) -> None:
    check("/enrolment/lms/events", stack.post([{"type": "x"}]), "post")
    check("/enrolment/lms/events", stack.post([], "text/plain"), "post")
    check("/enrolment/lms/events", stack.post([]), "post")
    for path, asked in (
        ("/enrolment/api/offerings/{offering_id}", f"/enrolment/api/offerings/{unique}"),
        ("/enrolment/api/offerings/{offering_id}/bookings", f"/enrolment/api/offerings/{unique}/bookings"),
        ("/notifications/api/messages/{message_id}/raw", f"/notifications/api/messages/{unique}/raw"),
        ("/notifications/api/messages", "/notifications/api/messages?limit=0"),
        ("/stats/api/report", "/stats/api/report"),
        ("/stats/api/report", f"/stats/api/report?year=2034&organisation={unique}"),
    ):
        check(path, stack.http.get(asked))


def test_the_document_is_served(stack: Running) -> None:
    served = stack.http.get("/openapi.json").json()["paths"]
    served.pop("/clock", None)  # only a stack whose clock can be moved has one
    assert served == DOCUMENT["paths"]
