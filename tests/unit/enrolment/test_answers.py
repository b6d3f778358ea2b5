"""What the API says of a booking besides its own fields."""

from datetime import timedelta
from typing import Any

import msgspec

from services.enrolment.answers import BookingAnswer, booking_answers
from shared.cloudevents import Event
from tests.support.enrolment import NOON, SESSION, World, lms, scheduled

HOUR = timedelta(hours=1)
DAYS = [{**SESSION, "session_id": f"s{number}"} for number in (1, 2, 3)]


def of(person: str, kind: str = "booking.requested", **data: Any) -> Event:
    return lms(kind, offering_id="o1", person_id=person, **data)


def present(person: str, *statuses: str) -> list[Event]:
    known = enumerate(statuses, 1)
    return [of(person, "attendance.recorded", session_id=f"s{number}", status=status) for number, status in known]


def answers(world: World, after: timedelta = timedelta(0)) -> dict[str, BookingAnswer]:
    ledger, claimants = world.store.ledger("o1"), world.store.claimants("o1")
    return {one.person_id: one for one in booking_answers(ledger, claimants, {}, NOON + after)}


def test_who_attended_all_modules_is_derived_from_the_sessions_as_they_are_now() -> None:
    world = World()
    world.push(scheduled(capacity=4, sessions=DAYS), *map(of, "abcd"))
    world.push(*present("a", "attended", "attended", "attended"), *present("b", "attended", "excused", "attended"))
    world.push(*present("c", "attended", "excused", "excused"), *present("d", "attended", "attended", "partly"))
    assert {one: it.attended_all for one, it in answers(world).items()} == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
    }
    world.push(lms("offering.rescheduled", offering_id="o1", sessions=DAYS[:2]))
    assert {one: it.attended_all for one, it in answers(world).items()} == dict.fromkeys("abcd", True)


def test_a_request_is_overdue_once_booking_has_closed_or_the_offering_has_begun() -> None:
    world = World()
    world.push(scheduled(approval="supervisor", booking_closes_at=NOON + HOUR), of("a"))
    assert not answers(world)["a"].overdue
    assert answers(world, HOUR)["a"].overdue
    world.push(scheduled(approval="supervisor"))
    assert not answers(world, HOUR)["a"].overdue
    assert answers(world, timedelta(days=300))["a"].overdue
    world.push(of("a", "booking.approved", decided_by="boss"))
    assert not answers(world, timedelta(days=300))["a"].overdue


def test_an_answer_has_the_booking_s_own_fields_and_the_reason_twice_in_words_and_once_as_numbers() -> None:
    world = World()
    world.push(scheduled(), *map(of, "abc"))
    found = msgspec.to_builtins(answers(world)["c"])
    assert (found["status"], found["waiting_position"], found["version"]) == ("waiting", 1, 4)
    assert found["why"] == {
        "de": "Platz 1 auf der Warteliste; alle 2 Plätze sind vergeben",
        "en": "1st in the queue; all 2 seats are taken",
    }
    numbers = {"code": "seats_taken", "place": 1, "capacity": 2, "confirmed": 2, "open_seats": 2}
    assert found["because"] == numbers
