from datetime import timedelta
from typing import Any

import pytest

from services.notifications.messages import Contact
from services.notifications.roster import by_name, entry, is_overdue, row, session_of
from services.notifications.searching import beginnings, found_by
from services.notifications.state import Entry
from shared.events import Attendance, Booking, Offering
from tests.support.notifications_world import NOW, START, booking, offering, person, session


def folded(*bookings: Booking) -> Entry:
    """What the roster keeps after these changes of one booking."""
    kept: Entry | None = None
    for one in bookings:
        kept = entry(kept, one, erased=one.person_id == "gone")
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("statuses", "since"),
    [
        (["waiting"], 1),
        (["waiting", "waiting", "waiting"], 1),
        (["awaiting_approval", "waiting", "waiting"], 2),
        (["waiting", "confirmed", "confirmed"], 2),
        (["confirmed", "cancelled"], 2),
    ],
)
def test_a_place_is_given_with_the_version_that_brought_the_status(statuses: list[Any], since: int) -> None:
    kept = folded(*(booking(version, status=status) for version, status in enumerate(statuses, 1)))
    assert (kept.since, kept.version) == (since, len(statuses))


def test_the_roster_keeps_what_the_page_needs_and_no_name() -> None:
    attended = [Attendance(session_id="s1", status="attended", recorded_at=NOW)]
    kept = folded(
        booking(2, organisation_id="bonn", group_id="g", cohorts=["A"], attendance=attended, completed_at=NOW)
    )
    assert (kept.organisation_id, kept.group_id, kept.cohorts, kept.attendance) == ("bonn", "g", ["A"], attended)
    assert not {"display_name", "email"} & set(Entry.__struct_fields__)


def test_an_erased_person_stays_erased() -> None:
    kept = folded(booking(1), booking(2, "gone"), booking(3, "other"))
    assert kept.erased
    assert row(kept, Contact("other", 1, person("other")), offering(), NOW).known == "erased"


def test_who_is_known_and_who_is_not() -> None:
    kept = folded(booking(1))
    assert row(kept, None, offering(), NOW)[1:4] == ("unknown", None, None)
    assert row(kept, Contact("p1", 1, None), offering(), NOW)[1:4] == ("erased", None, None)
    named = row(kept, Contact("p1", 1, person("p1")), offering(), NOW)
    assert named[1:4] == ("named", "Name of p1", "p1@stadt.example")


def test_people_stand_in_the_order_of_their_last_names_the_nameless_last() -> None:
    names = {"a": "Zoe Ärmel", "b": "Anna Zander", "c": "ben arndt", "d": None}
    rows = [
        row(folded(booking(1, who)), Contact(who, 1, person(who, display_name=name)) if name else None, offering(), NOW)
        for who, name in names.items()
    ]
    assert [one.entry.person_id for one in sorted(rows, key=by_name)] == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    ("given", "status", "overdue"),
    [
        ({}, "awaiting_approval", False),
        ({"booking_closes_at": NOW}, "awaiting_approval", True),
        ({"booking_closes_at": NOW + timedelta(seconds=1)}, "awaiting_approval", False),
        ({"sessions": [session(start=NOW)]}, "awaiting_approval", True),
        ({"sessions": [session(start=None, format="web_based")]}, "awaiting_approval", False),
        ({"booking_closes_at": NOW}, "waiting", False),
    ],
)
def test_an_unanswered_request_is_overdue(given: dict[str, Any], status: Any, overdue: bool) -> None:  # noqa: ANN401, FBT001
    assert is_overdue(folded(booking(1, status=status)), offering(1, **given), NOW) is overdue


def test_the_session_asked_for() -> None:
    two: Offering = offering(1, sessions=[session("s1", START), session("s2", START)])
    found = [session_of(two, asked) for asked in ("", "s2", "s3")]
    assert [one and one.session_id for one in found] == ["s1", "s2", None]
    assert session_of(offering(1, sessions=[]), "") is None


@pytest.mark.parametrize(
    ("name", "asked", "is_found"),
    [
        ("Béla Müller", "müller", True),
        ("Béla Müller", "MUELLER", True),
        ("Béla Müller", "muller be", True),
        ("Béla Müller", "bélá", True),
        ("Mueller", "mueller", True),
        ("Jürgen Weiß-Öz", "weiss", True),
        ("Jürgen Weiß-Öz", "oez", True),
        ("Jürgen Weiß-Öz", "weiß-öz", True),
        ("Béla Müller", "ller", False),
        ("Béla Müller", "müller x", False),
        ("Béla Müller", "p-0001", True),
        ("Béla Müller", "bela.mueller@stadt", True),
        ("Béla Müller", "@stadt", False),
        ("Béla Müller", "stadt", True),
        ("Ömer Şahin", "sahin", True),
    ],
)
def test_somebody_is_found_by_beginnings(name: str, asked: str, is_found: bool) -> None:  # noqa: FBT001
    somebody = person("P-0001", display_name=name, email="Bela.Mueller@stadt.example")
    words = found_by(Contact("P-0001", 1, somebody))
    assert all(any(word.startswith(one) for word in words) for one in beginnings(asked)) is is_found


def test_an_erased_person_is_found_by_nothing() -> None:
    assert found_by(Contact("p1", 1, None)) == []
    assert beginnings("  ") == []
