from datetime import datetime, timedelta

import msgspec
import pytest

from services.notifications.reminders import Due, due_changes, fires, reminder
from tests.support.notifications_world import NOW, START, offering, session

DAY = timedelta(days=1)


def days(now: datetime, *sessions: object) -> list[int]:
    return [due.days for due in due_changes(None, offering(sessions=list(sessions)), now, (7, 1), 0).added]


def test_each_lead_time_has_its_moment() -> None:
    changes = due_changes(None, offering(), NOW, (7, 1), 4)
    assert [(due.days, due.at, due.partition) for due in changes.added] == [
        (7, START - 7 * DAY, 4),
        (1, START - DAY, 4),
    ]


@pytest.mark.parametrize(
    ("before", "expected"),
    [(8 * DAY, [7, 1]), (7 * DAY, [1]), (2 * DAY, [1]), (DAY, []), (timedelta(0), []), (-DAY, [])],
)
def test_a_lead_time_whose_moment_has_passed_gets_none(before: timedelta, expected: list[int]) -> None:
    assert days(START - before, session()) == expected


def test_a_session_without_a_time_is_not_remembered() -> None:
    assert days(NOW, session(start=None, format="web_based"), session("s2")) == [7, 1]


def test_only_a_moved_session_gets_new_reminders() -> None:
    old = offering(1, sessions=[session("a"), session("b"), session("c")])
    new = offering(2, sessions=[session("a", title="New"), session("b", START + DAY), session("d")])
    changes = due_changes(old, new, NOW, (7,), 0)
    assert sorted(changes.dropped) == ["b", "c"]
    assert [(due.session_id, due.at) for due in changes.added] == [("b", START - 6 * DAY), ("d", START - 7 * DAY)]


def test_a_cancelled_offering_loses_all() -> None:
    changes = due_changes(offering(1), offering(2, status="cancelled"), NOW, (7, 1), 0)
    assert (changes.dropped, changes.added) == (["s1"], [])


def due(lead: int) -> Due:
    return next(one for one in due_changes(None, offering(), NOW, (7, 1), 0).added if one.days == lead)


def test_of_several_due_at_once_only_the_shortest_goes_out() -> None:
    both = [due(7), due(1)]
    late = START - timedelta(hours=1)
    assert [fires(one, both, late) for one in both] == [False, True]
    assert fires(due(7), both, START - 6 * DAY)


def test_another_session_does_not_count() -> None:
    other = msgspec.structs.replace(due(1), session_id="other")
    assert fires(due(7), [due(7), other], START - timedelta(hours=1))


def test_none_after_the_start() -> None:
    assert fires(due(1), [due(1)], START - timedelta(seconds=1))
    assert not fires(due(1), [due(1)], START)


def test_a_reminder_of_a_moved_session_is_another_message() -> None:
    moved = msgspec.structs.replace(due(1), version=2)
    ids = {reminder(one, booking_id, "p", NOW).message_id for one in (due(7), due(1), moved) for booking_id in "ab"}
    assert len(ids) == 6
