"""Reminders over a change of the clock, on a leap day, and which moments belong to one day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notifications.dates import time
from services.notifications.reminders import due_changes, end_of_day, has_seat_since
from tests.support.notifications_world import offering, session

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def moments(start: datetime, *days: int) -> list[datetime]:
    now = start.astimezone(UTC) - 30 * DAY
    changes = due_changes(None, offering(sessions=[session(start=start)]), now, days, 0)
    return [due.at for due in changes.added]


@pytest.mark.parametrize(("offset", "day_before"), [("+02:00", "02:30:00+02:00"), ("+01:00", "03:30:00+02:00")])
def test_half_past_two_in_the_night_in_which_the_hour_comes_twice(offset: str, day_before: str) -> None:
    """27 October 2024: the LMS says which of both is meant, and a day before is 24 hours before that."""
    start = datetime.fromisoformat(f"2024-10-27T02:30:00{offset}")
    assert [start - at for at in moments(start, 7, 1)] == [7 * DAY, DAY]
    assert moments(start, 1)[0].astimezone(BERLIN).isoformat() == f"2024-10-26T{day_before}"
    assert time(start, start + timedelta(hours=2), "de", BERLIN).startswith("Sonntag, 27. Oktober 2024, 02:30 bis")


def test_a_session_in_the_hour_that_spring_leaves_out() -> None:
    """31 March 2024: 02:30+01:00 is 03:30 summer time; the reminder of the day before is at 02:30."""
    start = datetime.fromisoformat("2024-03-31T02:30:00+01:00")
    assert moments(start, 1)[0].astimezone(BERLIN).isoformat() == "2024-03-30T02:30:00+01:00"
    assert "03:30 bis 04:30" in time(start, start + timedelta(hours=1), "de", BERLIN)


def test_a_leap_day_has_its_reminders() -> None:
    start = datetime.fromisoformat("2024-02-29T09:00:00+01:00")
    assert [at.date().isoformat() for at in moments(start, 365, 7, 1)] == ["2024-02-22", "2024-02-28"]
    after = datetime.fromisoformat("2024-03-07T09:00:00+01:00")
    assert [at.date().isoformat() for at in moments(after, 7)] == ["2024-02-29"]


@pytest.mark.parametrize(
    ("now", "hours"), [("2024-10-27T00:00:00+02:00", 25), ("2024-03-31T00:00:00+01:00", 23), ("2024-02-29", 24)]
)
def test_a_day_has_as_many_hours_as_the_clock_gives_it(now: str, hours: int) -> None:
    begin = datetime.fromisoformat(now)
    begin = begin if begin.tzinfo else begin.replace(tzinfo=BERLIN)
    assert end_of_day(begin, BERLIN).astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=hours)
    assert end_of_day(begin + timedelta(hours=hours - 1), BERLIN) == end_of_day(begin, BERLIN)


def test_who_booked_after_the_moment_is_told_by_the_mail_about_the_seat() -> None:
    changes = due_changes(None, offering(), datetime(2024, 11, 4, tzinfo=UTC), (7,), 0)
    due, minute = changes.added[0], timedelta(minutes=1)
    now = due.at + 3 * DAY
    assert has_seat_since(due, None, now)
    assert has_seat_since(due, due.at, now)
    assert not has_seat_since(due, due.at + minute, now)
    assert not has_seat_since(due, now, now)
    assert has_seat_since(due, now + minute, now)
