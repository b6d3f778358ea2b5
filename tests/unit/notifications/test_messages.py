from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.notifications.messages import (
    Contact,
    Message,
    Verdict,
    after_refusal,
    identity,
    look_again,
    once_more,
    order_key,
    verdict,
)
from tests.support.notifications_world import NOW, START, leave, offering, person, session

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
ANNA = Contact("p1", 1, person())
GONE = Contact("p1", 2, None)


def message(**more: Any) -> Message:
    given: dict[str, Any] = {"kind": "confirmed", "person_id": "p1", "offering_id": "o1"} | more
    return Message(message_id="m1", about="p1", mentions=["p1"], created_at=NOW, order="", **given)


def decide(now: datetime = NOW, about: Contact | None = ANNA, **more: Any) -> Verdict:
    known = more.pop("offering", offering())
    return verdict(message(**more), about, more.get("reader", about), known, now, BERLIN)


def test_what_is_known_is_sent() -> None:
    assert decide() == Verdict("send")


def test_without_an_address_it_waits_three_days() -> None:
    assert decide(about=None) == Verdict("wait", "no_address")
    assert decide(NOW + timedelta(days=3, seconds=-1), None) == Verdict("wait", "no_address")
    assert decide(NOW + timedelta(days=3), None) == Verdict("withhold", "no_address")


def test_nothing_is_told_to_or_about_an_erased_person() -> None:
    assert decide(about=GONE) == Verdict("withhold", "erased")
    supervisor = Contact("boss", 1, person("boss"))
    asked = message(kind="approval_requested", person_id="boss")
    assert verdict(asked, GONE, supervisor, offering(), NOW, BERLIN) == Verdict("withhold", "erased")
    assert verdict(asked, ANNA, Contact("boss", 2, None), offering(), NOW, BERLIN) == Verdict("withhold", "erased")


def test_a_request_for_approval_without_a_supervisor_is_withheld_and_says_so() -> None:
    asked = message(kind="approval_requested", person_id=None)
    assert verdict(asked, ANNA, None, offering(), NOW, BERLIN) == Verdict("withhold", "no_supervisor")
    assert verdict(asked, None, None, offering(), NOW, BERLIN) == Verdict("wait", "no_address")
    named = message(kind="approval_requested", person_id="boss")
    assert verdict(named, ANNA, None, offering(), NOW, BERLIN) == Verdict("wait", "no_address")


def test_an_offering_is_over_when_its_last_session_has_ended() -> None:
    end = START + timedelta(hours=3, minutes=30)
    assert decide(end) == Verdict("send")
    assert decide(end + MINUTE) == Verdict("withhold", "over")
    two = offering(sessions=[session(), session("s2", START + timedelta(days=9))])
    assert decide(end + MINUTE, offering=two) == Verdict("send")


def test_an_offering_without_times_is_never_over() -> None:
    timeless = offering(sessions=[session(start=None, format="web_based")])
    assert decide(NOW + timedelta(days=999), offering=timeless) == Verdict("send")


def test_leave_is_over_once_its_last_day_in_berlin_has_passed() -> None:
    granted: dict[str, Any] = {"leave": leave(ends_on=date(2024, 12, 6)), "offering": None, "offering_id": None}
    assert decide(datetime(2024, 12, 6, 22, 59, tzinfo=UTC), **granted) == Verdict("send")
    assert decide(datetime(2024, 12, 6, 23, 1, tzinfo=UTC), **granted) == Verdict("withhold", "over")


def test_a_reminder_needs_its_session_as_it_was() -> None:
    planned: dict[str, Any] = {"kind": "reminder", "session_id": "s1", "starts_at": START}
    assert decide(START - MINUTE, **planned) == Verdict("send")
    assert decide(START, **planned) == Verdict("withhold", "over")
    moved = offering(sessions=[session(start=START + MINUTE)])
    assert decide(offering=moved, **planned) == Verdict("withhold", "moved")
    assert decide(offering=offering(sessions=[session("s2")]), **planned) == Verdict("withhold", "moved")
    assert decide(offering=offering(status="cancelled"), **planned) == Verdict("withhold", "offering_cancelled")


def test_the_pauses_grow_to_an_hour() -> None:
    waits = [after_refusal(message(attempts=n, tried_at=NOW), None, NOW) for n in range(1, 8)]
    assert [(moment or NOW) - NOW for moment in waits] == [n * MINUTE for n in (1, 5, 15, 30, 60, 60, 60)]


def test_after_four_days_there_is_no_other_try() -> None:
    tried = message(attempts=90, tried_at=NOW)
    assert after_refusal(tried, None, NOW + timedelta(days=4) - MINUTE) is not None
    assert after_refusal(tried, None, NOW + timedelta(days=4)) is None


def test_there_is_no_try_once_the_last_session_has_begun() -> None:
    two = offering(sessions=[session(), session("s2", START + timedelta(days=9))])
    late = START + timedelta(days=9)
    assert after_refusal(message(attempts=1), two, late - 2 * MINUTE) == late - MINUTE
    assert after_refusal(message(attempts=1), two, late - MINUTE) is None
    untimed = offering(sessions=[session(start=None, format="web_based")], format="web_based")
    assert after_refusal(message(attempts=1), untimed, late) is not None


def test_there_is_no_try_of_a_reminder_once_its_session_has_begun() -> None:
    two = offering(sessions=[session(), session("s2", START + timedelta(days=9))])
    planned = message(kind="reminder", session_id="s1", starts_at=START, attempts=1)
    assert after_refusal(planned, two, START - 2 * MINUTE) == START - MINUTE
    assert after_refusal(planned, two, START - MINUTE) is None


def test_what_is_told_after_the_beginning_is_tried_again_all_the_same() -> None:
    late = message(attempts=1)
    late.created_at = START + MINUTE
    assert after_refusal(late, offering(), START + MINUTE) == START + 2 * MINUTE


def test_an_outcome_is_sent_once_more_after_an_unclear_try_and_a_reminder_is_not() -> None:
    assert once_more(message(), NOW) == NOW + 15 * MINUTE
    assert once_more(message(status="unclear"), NOW) is None
    assert once_more(message(kind="reminder"), NOW) is None


def test_an_address_is_looked_for_again_less_and_less_often() -> None:
    waits = [look_again(message(), NOW + waited) - NOW - waited for waited in (0 * MINUTE, MINUTE, 600 * MINUTE)]
    assert waits == [timedelta(seconds=1), MINUTE, 60 * MINUTE]


def test_ids_differ_where_their_parts_do() -> None:
    assert identity("a", "b") == identity("a", "b")
    assert identity("a", "b") != identity("ab")
    assert identity("a/b", "c") != identity("a", "b/c")


def test_the_order_is_that_of_creation_then_of_the_log() -> None:
    later = NOW + timedelta(microseconds=1)
    keys = [
        order_key(NOW, 3, 9, 0, 1),
        order_key(NOW, 3, 10, 0, 0),
        order_key(NOW, 3, 10, 1, 0),
        order_key(later, 0, 0),
    ]
    assert keys == sorted(keys)
