from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.enrolment.shown import bar, kept, next_session, overdue, present, state
from services.enrolment.views import Seats
from shared.events import Attendance, Booking, Offering, Session

NOW = datetime(2024, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def session(start: timedelta, length: timedelta = HOUR) -> Session:
    return Session(session_id="s", title="t", format="online", starts_at=NOW + start, ends_at=NOW + start + length)


def offering(**changes: Any) -> Offering:
    made = Offering(
        offering_id="o",
        course_id="c",
        title="t",
        host_organisation_id="h",
        format="online",
        capacity=10,
        waiting_list=True,
        delegations=[],
        sessions=[session(DAY)],
    )
    return msgspec.structs.replace(made, **changes)


def seats(confirmed: int = 0, waiting: int = 0, free: int | None = 0, capacity: int | None = 10) -> Seats:
    return Seats(capacity, confirmed, waiting, 0, free)


@pytest.mark.parametrize(
    ("changes", "free", "expected"),
    [
        ({}, 3, "free"),
        ({}, 0, "full"),
        ({}, None, "unlimited"),
        ({"booking_closes_at": NOW}, 3, "closed"),
        ({"booking_closes_at": NOW + HOUR}, 3, "free"),
        ({"booking_opens_at": NOW + HOUR}, 3, "not_open"),
        ({"booking_opens_at": NOW}, 3, "free"),
        ({"sessions": [session(-DAY), session(DAY)]}, 3, "free"),
        ({"sessions": [session(-DAY)], "booking_closes_at": NOW - 2 * DAY}, 3, "over"),
        ({"sessions": [session(-DAY)], "status": "cancelled"}, 3, "cancelled"),
        ({"sessions": []}, 3, "free"),
    ],
)
def test_the_strongest_obstacle_is_told(changes: dict[str, Any], free: int | None, expected: str) -> None:
    assert state(offering(**changes), seats(free=free), NOW) == expected


def test_a_bar_shows_all_seats_and_who_waits() -> None:
    parts = bar(offering(), seats(confirmed=4, free=4, waiting=10))
    assert [(part.use, part.people, part.start, part.length) for part in parts] == [
        ("confirmed", 4, 0, 20),
        ("kept", 2, 20, 10),
        ("free", 4, 30, 20),
        ("waiting", 10, 50, 50),
    ]


def test_a_long_list_is_drawn_no_longer_than_the_offering() -> None:
    parts = bar(offering(), seats(confirmed=10, waiting=100_000))
    assert [(part.use, part.people, part.length) for part in parts] == [("confirmed", 10, 50), ("waiting", 100_000, 50)]


def test_a_lowered_capacity_leaves_nothing_to_set_aside() -> None:
    over = seats(confirmed=12, free=0)
    assert kept(over) == 0
    assert [part.use for part in bar(offering(), over)] == ["confirmed"]


@pytest.mark.parametrize(
    ("one", "given"),
    [
        (offering(), seats(capacity=None, free=None)),
        (offering(status="cancelled"), seats(free=10)),
        (offering(), seats(capacity=0)),
    ],
)
def test_some_have_no_bar(one: Offering, given: Seats) -> None:
    assert [*bar(one, given)] == []


def test_the_session_that_is_on_or_comes_next() -> None:
    several = offering(sessions=[session(2 * DAY), session(-DAY), session(-HOUR, 2 * HOUR)])
    for now, number in ((NOW, 2), (NOW - 9 * DAY, 1), (NOW + DAY, 3), (NOW + 9 * DAY, 3)):
        found = next_session(several, now)
        assert found is not None
        assert (found.number, found.of) == (number, 3)
    assert next_session(offering(sessions=[]), NOW) is None


def booking(**changes: Any) -> Booking:
    made = Booking(
        booking_id="b",
        offering_id="o",
        course_id="c",
        person_id="p",
        organisation_id=None,
        department=None,
        status_group=None,
        status="awaiting_approval",
        requested_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("request_", "of", "expected"),
    [
        (booking(), offering(), False),
        (booking(), offering(booking_closes_at=NOW), True),
        (booking(), offering(sessions=[session(timedelta())]), True),
        (booking(), offering(sessions=[]), False),
        (booking(status="waiting"), offering(booking_closes_at=NOW), False),
    ],
)
def test_an_unanswered_request_becomes_overdue(request_: Booking, of: Offering, expected: bool) -> None:  # noqa: FBT001
    assert overdue(request_, of, NOW) is expected


def test_attendance_is_counted_by_sessions() -> None:
    recorded: list[Any] = ["attended", "partly", "absent", "excused"]
    attendance = [Attendance(session_id=str(n), status=one, recorded_at=NOW) for n, one in enumerate(recorded)]
    assert present(booking(attendance=attendance)) == (2, 4)
