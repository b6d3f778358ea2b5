from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.notifications.approvals import Decision, Request, expires_at, record, stands
from services.notifications.links import Links
from services.notifications.messages import Contact, Message
from services.notifications.settings import Settings
from services.notifications.state import Entry
from shared.events import LMS_EVENTS
from shared.keys import partition_of
from tests.support.notifications_world import NOW, START, booking, offering, person, session

DAY = timedelta(days=1)
KEY = "k" * 32


def request(**more: Any) -> Request:
    """Anna asks, and bela is to decide."""
    given: dict[str, Any] = {
        "message": Message(
            message_id="m1",
            kind="approval_requested",
            person_id="bela",
            about="anna",
            mentions=["anna", "bela"],
            created_at=NOW,
            order="1",
            offering_id="o1",
        ),
        "about": Contact("anna", 1, person("anna", supervisor_id="bela")),
        "entry": msgspec.convert(booking(2, "anna", status="awaiting_approval"), Entry, from_attributes=True),
        "offering": offering(),
    }
    return Request(**given | more)


def entry(status: str) -> Entry:
    return msgspec.convert(booking(3, "anna", status=status), Entry, from_attributes=True)


def test_a_request_stands_open() -> None:
    assert stands(request(), NOW) == "open"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"about": None}, "replaced"),
        ({"about": Contact("anna", 2, None)}, "replaced"),
        ({"about": Contact("anna", 2, person("anna", supervisor_id="cleo"))}, "replaced"),
        ({"about": Contact("anna", 2, person("anna"))}, "replaced"),
        ({"decision": Decision(answer="approved", at=NOW, published=True)}, "approved"),
        ({"decision": Decision(answer="refused", at=NOW, published=True)}, "refused"),
        ({"decision": Decision(answer="refused", at=NOW)}, "open"),
        ({"entry": None}, "withdrawn"),
        ({"entry": entry("cancelled")}, "withdrawn"),
        ({"offering": offering(status="cancelled")}, "withdrawn"),
        ({"entry": entry("confirmed")}, "elsewhere"),
        ({"entry": entry("waiting")}, "elsewhere"),
        ({"entry": entry("refused")}, "elsewhere"),
    ],
)
def test_what_else_a_link_leads_to(more: dict[str, Any], expected: str) -> None:
    assert stands(request(**more), NOW) == expected


def test_nobody_decides_about_themselves() -> None:
    asked = request(about=Contact("anna", 2, person("anna", supervisor_id="anna")))
    asked.message.person_id = "anna"
    assert stands(asked, NOW) == "replaced"


def test_a_link_ends_with_the_booking_time_with_the_beginning_or_after_thirty_days() -> None:
    message = request().message
    far = [session("s1", NOW + 90 * DAY), session("s2", None, format="web_based")]

    assert expires_at(message, offering()) == START
    assert expires_at(message, offering(booking_closes_at=NOW + DAY)) == NOW + DAY
    assert expires_at(message, offering(sessions=far)) == NOW + 30 * DAY


def test_it_is_expired_from_that_moment_on() -> None:
    closing = request(offering=offering(booking_closes_at=NOW + DAY))

    assert stands(closing, NOW + DAY - timedelta(microseconds=1)) == "open"
    assert stands(closing, NOW + DAY) == "expired"


def test_an_answer_is_an_event_with_the_offerings_key() -> None:
    out = record(request(), "refused", "Vertretung fehlt", NOW, 12)
    event = msgspec.json.decode(out.value or b"")

    assert (out.topic, out.partition, out.key) == (LMS_EVENTS, partition_of(b"o1", 12), b"o1")
    assert (event["type"], event["source"]) == ("lms.booking.refused.v1", "lernbus/notifications")
    assert event["data"] == {
        "offering_id": "o1",
        "person_id": "anna",
        "decided_by": "bela",
        "reason": "Vertretung fehlt",
    }


def test_both_answers_of_a_link_have_the_same_id_and_those_of_two_links_do_not() -> None:
    def id_of(one: Request, answer: Any) -> str:  # noqa: ANN401 (one of two words)
        return str(msgspec.json.decode(record(one, answer, None, NOW, 12).value or b"")["id"])

    other = request(message=msgspec.structs.replace(request().message, message_id="m2"))

    assert id_of(request(), "approved") == id_of(request(), "refused")
    assert id_of(request(), "approved") != id_of(other, "approved")


def test_a_token_is_good_for_its_purpose_and_key_alone() -> None:
    links = Links(Settings(links_key=KEY))
    token = links.sign("approval", "m1")

    assert links.read("approval", token) == ["m1"]
    assert links.read("calendar", token) is None
    assert links.read("approval", token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert Links(Settings(links_key="x" * 32)).read("approval", token) is None
    assert Links(Settings()).read("approval", token) is None
