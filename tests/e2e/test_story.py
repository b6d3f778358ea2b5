"""From pushed event to seat, mail and figure, through the contract."""

import email
import email.policy
from typing import Any

from tests.support.stack import Running, command, event, offering, person, request, session


def test_a_raised_capacity_moves_the_waiting_list_up_and_tells_people(stack: Running, unique: str) -> None:
    people = [f"{unique}-{n}" for n in range(4)]
    stack.push(offering(unique, capacity=2), *map(person, people), *(request(unique, one) for one in people))
    before = stack.get(f"/enrolment/api/offerings/{unique}/bookings")
    stack.push(event("offering.capacity_changed", offering_id=unique, capacity=3))
    after = stack.get(f"/enrolment/api/offerings/{unique}/bookings")

    assert [one["status"] for one in before] == ["confirmed", "confirmed", "waiting", "waiting"]
    assert [one["waiting_position"] for one in before] == [None, None, 1, 2]
    assert [one["status"] for one in after] == ["confirmed", "confirmed", "confirmed", "waiting"]
    assert [one["waiting_position"] for one in after] == [None, None, None, 1]
    seats = stack.get(f"/enrolment/api/offerings/{unique}")["seats"]
    assert seats == {"capacity": 3, "confirmed": 3, "waiting": 1, "awaiting_approval": 0, "free": 0}
    messages = stack.get("/notifications/api/messages", offering_id=unique)
    told = [(one["person_id"], one["kind"]) for one in messages]
    kinds = ["confirmed", "confirmed", "waitlisted", "waitlisted", "promoted"]
    assert told == list(zip([*people, people[2]], kinds, strict=True))
    assert {one["status"] for one in messages} == {"sent"}
    assert [one["to"] for one in messages[:2]] == [f"{one}@stadt.example" for one in people[:2]]


def test_delegations_keep_seats_and_release_them(stack: Running, unique: str) -> None:
    delegations = [{"organisation_id": "jena", "seats": 2, "release_at": "2024-10-05T09:00:00+02:00"}]
    asked = [
        request(unique, f"{unique}-{n}", organisation_id=where) for n, where in enumerate(["bonn", "bonn", "jena"])
    ]
    stack.push(offering(unique, capacity=3, delegations=delegations), *asked)
    before = [one["status"] for one in stack.get(f"/enrolment/api/offerings/{unique}/bookings")]
    moved = command("clock", "advance", "2h", url=stack.url)
    after = stack.get(f"/enrolment/api/offerings/{unique}")

    assert before == ["confirmed", "waiting", "confirmed"]
    assert moved.returncode == 0, moved.stderr
    assert after["delegations"][0]["released"]
    assert after["seats"]["confirmed"] == 3


def test_reminders_go_out_when_due_with_the_right_link(stack: Running, unique: str) -> None:
    people = [f"{unique}-{n}" for n in range(3)]
    stack.push(
        offering(unique, capacity=2, sessions=[session(day="2024-12-12")]),
        *map(person, people),
        *(request(unique, one) for one in people),
    )
    assert command("clock", "set", "2024-12-05T10:00:00+01:00", url=stack.url).returncode == 0
    week = stack.get("/notifications/api/messages", offering_id=unique, kind="reminder")
    new = session(day="2024-12-12", join_url="https://meet.example/neu")
    stack.push(event("offering.rescheduled", offering_id=unique, sessions=[new]))
    assert command("clock", "advance", "6d", url=stack.url).returncode == 0
    day = stack.get("/notifications/api/messages", offering_id=unique, kind="reminder")[len(week) :]

    assert sorted(one["person_id"] for one in week) == people[:2]
    assert sorted(one["person_id"] for one in day) == people[:2]
    raw = stack.http.get(f"/notifications/api/messages/{day[0]['message_id']}/raw").content
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert mail["To"].addresses[0].addr_spec == day[0]["to"]
    assert "https://meet.example/neu" in body.get_content()
    assert "https://meet.example/raum" not in body.get_content()
    assert "12. Dezember 2024" in body.get_content()


def test_an_event_before_its_offering_is_applied_when_that_arrives(stack: Running, unique: str) -> None:
    people = [f"{unique}-{n}" for n in range(3)]
    stack.push(*(request(unique, one) for one in people))
    assert stack.http.get(f"/enrolment/api/offerings/{unique}").status_code == 404
    stack.push(offering(unique, capacity=2))

    found = stack.get(f"/enrolment/api/offerings/{unique}/bookings")
    assert [(one["person_id"], one["status"]) for one in found] == list(
        zip(people, ["confirmed", "confirmed", "waiting"], strict=True)
    )


def test_the_same_event_again_changes_nothing(stack: Running, unique: str) -> None:
    asked = request(unique, f"{unique}-p")
    gone = event("booking.withdrawn", offering_id=unique, person_id=f"{unique}-p")
    stack.push(offering(unique), asked, asked, gone, asked, gone)

    found = stack.get(f"/enrolment/api/offerings/{unique}/bookings")
    assert [(one["status"], one["reason"]) for one in found] == [("cancelled", "withdrawn")]


def test_an_erased_person_is_nowhere_and_the_counts_stay(stack: Running, unique: str) -> None:
    who = f"{unique}-p"
    stack.push(offering(unique), person(who, display_name="Käthe Canary"), request(unique, who))
    before = stack.get("/stats/api/report", year=2024)["totals"]["bookings"]
    sent = stack.get("/notifications/api/messages", person_id=who)
    stack.push(event("person.erased", person_id=who))

    (after,) = stack.get("/notifications/api/messages", person_id=who)
    assert sent[0]["to"] == f"{who}@stadt.example"
    assert (after["to"], after["subject"]) == (None, None)
    assert stack.http.get(f"/notifications/api/messages/{after['message_id']}/raw").status_code == 404
    assert stack.get("/stats/api/report", year=2024)["totals"]["bookings"] == before


def test_a_mail_waits_for_its_address(stack: Running, unique: str) -> None:
    who = f"{unique}-p"
    stack.push(offering(unique), request(unique, who))
    (waiting,) = stack.get("/notifications/api/messages", person_id=who)
    stack.push(person(who))
    (sent,) = stack.get("/notifications/api/messages", person_id=who)

    assert (waiting["status"], waiting["reason"], waiting["to"]) == ("planned", "no_address", None)
    assert (sent["status"], sent["to"]) == ("sent", f"{who}@stadt.example")


def test_leave_is_told_and_counted(stack: Running, unique: str) -> None:
    who = f"{unique}-p"
    before = stack.get("/stats/api/report", year=2031)["totals"]["leave_persons"]
    leave: dict[str, Any] = {
        "leave_id": unique,
        "organisation_id": "bonn",
        "days": 5,
        "subject": "Politik",
        "provider": "vhs",
    }
    days = {"starts_on": "2031-05-05", "ends_on": "2031-05-09", "provider": "vhs"}
    stack.push(person(who), event("leave.granted", person_id=who, **{**leave, **days}))

    assert stack.kinds(person_id=who) == ["leave_granted"]
    assert (before, stack.get("/stats/api/report", year=2031)["totals"]["leave_persons"]) == (0, 1)
