"""Why a booking is what it is, in words."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from services.enrolment.answers import booking_answers
from services.enrolment.why import Code, Why, say
from services.enrolment.why_words import PARTS, ordinal
from shared.cloudevents import Event
from tests.support.enrolment import NOON, World, delegation, lms, scheduled

HOUR = timedelta(hours=1)
NAMES = {"bonn": "Bonn", "jena": "Jena"}


def of(person: str, organisation: str | None = None, after: timedelta = timedelta(0)) -> Event:
    return lms("booking.requested", after=after, offering_id="o1", person_id=person, organisation_id=organisation)


def about(kind: str, person: str, after: timedelta = timedelta(0), **data: Any) -> Event:
    return lms(f"booking.{kind}", after=after, offering_id="o1", person_id=person, **data)


def capacity(seats: int, after: timedelta = timedelta(0), **more: Any) -> Event:
    return lms("offering.capacity_changed", after=after, offering_id="o1", capacity=seats, **more)


def group(*people: str) -> Event:
    listed = [{"person_id": one} for one in people]
    more: dict[str, Any] = {"group_id": "g", "requested_by": "boss", "all_or_nothing": True, "people": listed}
    return lms("group.requested", offering_id="o1", **more)


def why(*events: Event, after: timedelta = timedelta(0)) -> dict[str, str]:
    """The English reason of everybody's last booking."""
    world = World()
    world.push(*events)
    claimants = world.store.claimants("o1")
    answers = booking_answers(world.store.ledger("o1"), claimants, NAMES, NOON + after)
    return {one.person_id: one.why["en"] for one in answers}


def test_who_waits_knows_the_place_and_which_seats_are_taken() -> None:
    seats = [delegation("bonn", 1), delegation("jena", 2)]
    known = why(scheduled(capacity=4, delegations=seats), *[of(one, "bonn") for one in "abcd"], of("x"))
    assert known == {
        "a": "A seat was free",
        "b": "A seat was free",
        "c": "1st in the queue; the seat of Bonn’s delegation is taken; the open seat is taken; "
        "2 more seats are kept for other delegations",
        "d": "2nd in the queue; the seat of Bonn’s delegation is taken; the open seat is taken; "
        "2 more seats are kept for other delegations",
        "x": "3rd in the queue; the open seat is taken; 2 more seats are kept for other delegations",
    }


def test_without_delegations_all_seats_are_taken() -> None:
    assert why(scheduled(), *map(of, "abc"))["c"] == "1st in the queue; all 2 seats are taken"
    assert why(scheduled(capacity=0), of("a"))["a"] == "1st in the queue; there are no seats"


def test_a_lowered_capacity_is_the_reason_of_who_waits() -> None:
    known = why(scheduled(capacity=3), *map(of, "abcd"), capacity(1))
    assert known["d"] == "1st in the queue; 3 people have seats, more than the 1 there are now"


def test_the_own_delegation_s_free_seat_is_no_reason() -> None:
    """The capacity was lowered below what is set aside: nobody may be confirmed."""
    known = why(scheduled(capacity=3, delegations=[delegation("bonn", 2)]), of("x"), capacity(1), of("b", "bonn"))
    assert known["b"] == "1st in the queue; the only seat is taken"


def test_released_seats_are_open_to_all_and_taken() -> None:
    passed = lms("deadline.passed", after=HOUR, offering_id="o1", at=NOON + HOUR)
    known = why(
        scheduled(capacity=1, delegations=[delegation("bonn", 1, HOUR)]), of("x"), passed, of("b", "bonn", after=HOUR)
    )
    assert known["x"] == "Moved up from the waiting list"
    assert known["b"].startswith(
        "1st in the queue; the seat of Bonn’s delegation has been opened to all; the only seat"
    )


def test_a_group_knows_how_many_seats_it_lacks() -> None:
    known = why(scheduled(capacity=3), of("x"), group("a", "b", "c"), of("y"))
    assert known["a"] == "1st in the queue; the group needs 3 seats at once; 1 is free for it"
    assert known["c"].startswith("3rd in the queue")
    assert known["y"] == "A seat was free"


def test_an_approval_tells_whom_it_waits_for_and_when_it_is_overdue() -> None:
    asked = scheduled(approval="supervisor", booking_closes_at=NOON + HOUR)
    assert why(asked, of("a"))["a"] == "The supervisor has not decided yet; until then no seat is taken"
    late = why(asked, of("a"), after=HOUR)["a"]
    assert late.endswith("no seat is taken; overdue: booking has closed, or the offering has begun")
    known = why(asked, group("a", "b", "c"), about("approved", "a", decided_by="boss"))
    assert known["a"] == "Approved; 2 more members of the group have still to be decided about"
    assert known["b"].startswith("The supervisor has not decided yet")


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (
            [scheduled(capacity=0, waiting_list=False), of("a")],
            "All seats were taken, and there was no place on a waiting list",
        ),
        ([scheduled(booking_opens_at=NOON + HOUR), of("a")], "Booking had not opened yet"),
        ([scheduled(booking_closes_at=NOON), of("a")], "Booking had closed"),
        (
            [scheduled(approval="supervisor"), of("a"), about("refused", "a", decided_by="boss")],
            "The supervisor did not approve",
        ),
        ([scheduled(), of("a"), about("withdrawn", "a")], "Withdrawn"),
        (
            [scheduled(cancel_until=NOON), of("a"), about("withdrawn", "a", HOUR)],
            "Withdrawn; after the last day for it",
        ),
        ([scheduled(), of("a"), lms("offering.cancelled", offering_id="o1")], "The offering is cancelled"),
    ],
    ids=str,
)
def test_refusals_and_ends_have_their_reason(events: list[Event], reason: str) -> None:
    assert why(*events) == {"a": reason}


def test_who_was_assigned_knows_with_whom_and_who_moved_up_that_it_was_so() -> None:
    people = [{"person_id": "a"}, {"person_id": "b"}]
    cohort = lms("cohort.assigned", offering_id="o1", cohort="2023", mandatory=True, people=people)
    known = why(scheduled(capacity=1), cohort, about("withdrawn", "a"))
    assert known["b"] == "Moved up from the waiting list; assigned with 2023"


def test_while_the_list_is_walked_in_steps_who_comes_next_is_moving_up() -> None:
    world = World(limit=1)
    world.push(scheduled(capacity=0), *map(of, "ab"))
    state = world.store.load_now([])
    assert not state.ledgers
    ledger, claimants = world.store.ledger("o1"), world.store.claimants("o1")
    ledger.offering.capacity = 1  # applied, and the step that promotes is still to come
    assert [one.because.code for one in booking_answers(ledger, claimants, {}, NOON)] == ["moving_up"] * 2
    ledger.offering.status = "cancelled"
    assert [one.because.code for one in booking_answers(ledger, claimants, {}, NOON)] == ["offering_cancelled"] * 2


def test_every_code_has_its_words_in_both_languages_and_numbers_are_written_as_there() -> None:
    for code in get_args(Code):
        reason = Why(code=code, group=1_234, undecided=1, capacity=1_234, open_seats=1_234)
        sentences = [say(reason, language, {}) for language in ("de", "en")]
        assert len(set(sentences)) == 2
        assert not any("{" in one for one in sentences)
    taken = Why(code="seats_taken", place=1_234, capacity=1_234, open_seats=1_234)
    assert say(taken, "de", {}) == "Platz 1.234 auf der Warteliste; alle 1.234 Plätze sind vergeben"
    assert say(taken, "en", {}) == "1,234th in the queue; all 1,234 seats are taken"
    assert PARTS["de"].keys() == PARTS["en"].keys()


def test_an_organisation_without_a_name_is_called_by_its_id() -> None:
    known = why(scheduled(capacity=1, delegations=[delegation("$a.b", 1)]), of("a", "$a.b"), of("b", "$a.b"))
    assert known["b"] == "1st in the queue; the seat of $a.b’s delegation is taken; there are no open seats"


@pytest.mark.parametrize(
    ("n", "written"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (112, "112th")]
)
def test_ordinals(n: int, written: str) -> None:
    assert ordinal(n) == written
