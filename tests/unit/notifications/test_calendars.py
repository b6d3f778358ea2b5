"""What calendars are told, word by word in `golden-calendars/`, and as a second parser (vobject) understands it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import vobject  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.calendars import METHODS, Invitation, Office, Seat, invitations, subscription, uid
from services.notifications.messages import Kind, Message
from shared.events import Offering, Session
from tests.support.notifications_world import NOW, START, offering, session

GOLDEN = Path(__file__).parent / "golden-calendars"
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Office(Address("Fortbildung", "office", "stadt.example"), BERLIN)
ANNA = Address("Anna Schäfer", "anna", "stadt.example")
OPENING = msgspec.structs.replace(
    session("s1", title="Modul 1: Auftakt", format="in_person", join_url=None, location="Rathaus Barmen; Raum A, 220"),
    ends_at=START + timedelta(days=1, hours=8),
)
LATER = session("s2", datetime(2025, 6, 30, 7, 0, tzinfo=UTC), title="Modul 2: Strategisches Wirken")
READING = session("s3", None, title="Zum Nachlesen", format="web_based", join_url=None)
LOST = session("s9", START + timedelta(days=3), title="Modul 9: entfällt")
SERIES = offering(
    3, title="Qualifizierungsreihe Antidiskriminierung", format="blended", sessions=[READING, LATER, OPENING]
)


def told(kind: Kind, known: Offering = SERIES, **more: Any) -> list[Invitation]:
    given: dict[str, Any] = {"message_id": "m", "person_id": "p1", "about": "p1", "mentions": [], "order": ""}
    given |= {"created_at": NOW, "offering_id": "o1", "version": 4, "invited": True}
    office, language = more.pop("office", OFFICE), more.pop("language", "de")
    return invitations(Message(kind=kind, **given | more), ANNA, language, known, office)


def events(*texts: str) -> Iterator[Any]:
    for text in texts:
        for calendar in vobject.readComponents(text):
            yield from calendar.vevent_list


def read(found: Sequence[Invitation]) -> list[tuple[str, str, int]]:
    """Method, title and SEQUENCE of each, as the other parser reads them."""
    return [
        (
            str(vobject.readOne(one.text).method.value),
            event.summary.value.rpartition(": ")[2],
            int(event.sequence.value),
        )
        for one in found
        for event in events(one.text)
    ]


CASES: dict[str, tuple[Kind, dict[str, Any]]] = {
    "confirmed": ("confirmed", {}),
    "rescheduled": ("rescheduled", {"changed": ["s2"], "dropped": [LOST], "version": 9}),
    "format_changed": (
        "format_changed",
        {
            "known": offering(
                12, sessions=[msgspec.structs.replace(OPENING, format="online", join_url="https://video.example/neu")]
            )
        },
    ),
    "cancelled": ("cancelled", {"version": 14}),
    "offering_cancelled": ("offering_cancelled", {"version": 15, "language": "en"}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_reads_as_reviewed(case: str) -> None:
    kind, more = CASES[case]
    found = "\n".join(one.text.replace("\r\n", "\n") for one in told(kind, **more))
    assert found == (GOLDEN / f"{case}.ics").read_text("utf-8")


def test_the_subscription_reads_as_reviewed() -> None:
    over = offering(8, "o2", title="Abgesagtes Seminar", status="cancelled", sessions=[session("x")])
    text = subscription("p1", [Seat(SERIES, [LOST], 4), Seat(over, [], 7)], "de", OFFICE, NOW)
    assert text.replace("\r\n", "\n") == (GOLDEN / "subscription.ics").read_text("utf-8")
    for secret in ("ATTENDEE", "Anna", "anna@", "p1"):
        assert secret not in text


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*CASES, "subscription"}


def test_each_session_is_an_object_of_its_own_with_one_method_and_one_uid() -> None:
    """RFC 5546 allows one UID in an invitation; Outlook takes no other."""
    for one in told("rescheduled", dropped=[LOST], changed=["s2"]):
        assert one.text.count("BEGIN:VEVENT") == one.text.count("METHOD:") == one.text.count("\nUID:") == 1
        assert f"METHOD:{one.method}\r\n" in one.text


def test_what_has_changed_comes_first_and_what_is_gone_is_cancelled() -> None:
    found = told("rescheduled", changed=["s2"], dropped=[LOST], version=9)
    assert read(found) == [
        ("REQUEST", "Strategisches Wirken", 9),
        ("REQUEST", "Auftakt", 9),
        ("CANCEL", "entfällt", 9),
    ]
    assert [event.status.value for one in found for event in events(one.text)] == [
        "CONFIRMED",
        "CONFIRMED",
        "CANCELLED",
    ]


def test_a_cancellation_that_comes_late_does_not_undo_the_seat_that_was_given_since() -> None:
    """Withdrawn (5), booked anew (6), the capacity changed (9): the mail about the withdrawal is refused until then."""
    again = read(told("confirmed", offering(3, sessions=[LATER]), version=6))
    late = read(told("cancelled", offering(9, sessions=[LATER]), version=5))
    assert [sequence for *_, sequence in late] < [sequence for *_, sequence in again]


def test_a_moved_session_keeps_its_uid_and_raises_its_sequence() -> None:
    moved = msgspec.structs.replace(
        LATER, starts_at=START + timedelta(days=9), ends_at=START + timedelta(days=9, hours=2)
    )
    before = next(events(told("confirmed", offering(3, sessions=[LATER]))[0].text))
    after = next(events(told("rescheduled", offering(9, sessions=[moved]), version=9)[0].text))
    gone = next(events(told("cancelled", offering(9, sessions=[moved]), version=12)[0].text))
    again = next(events(told("confirmed", offering(9, sessions=[moved]), version=14)[0].text))
    assert len({event.uid.value for event in (before, after, gone, again)}) == 1
    assert [int(event.sequence.value) for event in (before, after, gone, again)] == [4, 9, 12, 14]
    assert after.dtstart.value == moved.starts_at
    assert before.dtstart.value == LATER.starts_at


def test_a_uid_belongs_to_one_person_and_one_session() -> None:
    uids = [uid(*parts) for parts in (("p1", "o1", "s1"), ("p2", "o1", "s1"), ("p1", "o2", "s1"), ("p1", "o1", "s2"))]
    assert len(set(uids)) == 4
    assert uids[0] == "9632808fadfaf3ce48ff59abbfb1d24a@lernbus", "it must never change: calendars hold it"


@pytest.mark.parametrize("kind", ["waitlisted", "received", "refused", "reminder", "approval_requested"])
def test_other_kinds_say_nothing_to_a_calendar(kind: Kind) -> None:
    assert told(kind) == []


@pytest.mark.parametrize("kind", METHODS)
def test_whoever_has_no_seat_gets_nothing_in_the_calendar(kind: Kind) -> None:
    assert told(kind) != []
    assert told(kind, invited=False) == []


def test_nobody_is_invited_to_a_cancelled_offering() -> None:
    over = msgspec.structs.replace(SERIES, status="cancelled")
    assert told("confirmed", over) == told("rescheduled", over) == []
    assert {one.method for one in told("offering_cancelled", over)} == {"CANCEL"}


def test_what_is_over_and_what_has_no_time_is_left_alone() -> None:
    assert [title for _, title, _ in read(told("confirmed"))] == ["Auftakt", "Strategisches Wirken"]
    late = START + timedelta(days=30)
    assert [title for _, title, _ in read(told("cancelled", created_at=late, dropped=[LOST]))] == [
        "Strategisches Wirken"
    ]
    assert told("confirmed", offering(sessions=[READING])) == []


def test_only_the_reader_is_named_and_asked_for_nothing() -> None:
    for one in told("confirmed"):
        assert one.text.count("ATTENDEE") == 1
        (event,) = events(one.text)
        assert event.attendee.value == "mailto:anna@stadt.example"
        assert event.attendee.params["RSVP"] == ["FALSE"]
        assert event.organizer.value == "mailto:office@stadt.example"


def test_an_alarm_rings_before_an_event_and_never_for_a_cancelled_one() -> None:
    rings = [event.valarm.trigger.value for one in told("confirmed") for event in events(one.text)]
    assert rings == [timedelta(hours=-1), timedelta(minutes=-15)]
    assert all("VALARM" not in one.text for one in told("cancelled"))


def test_place_and_link_reach_the_calendar() -> None:
    opening, online = [event for one in told("confirmed") for event in events(one.text)]
    assert opening.location.value == "Rathaus Barmen; Raum A, 220"
    assert not hasattr(opening, "url")
    assert online.location.value == online.url.value == "https://video.example/m3"
    assert "CONFERENCE;FEATURE=VIDEO;LABEL=Teilnehmen;VALUE=URI:https://video.example" in told("confirmed")[1].text


HOUR = timedelta(hours=1)
SUMMER_ENDS = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
"""02:30 in Berlin, for the first time; an hour later it is 02:30 again."""


@given(
    st.datetimes(datetime(1997, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.timedeltas(timedelta(0), timedelta(days=200)),
)
@example(SUMMER_ENDS, HOUR)
@example(SUMMER_ENDS + HOUR, HOUR)
@example(datetime(2024, 3, 31, 0, 30, tzinfo=UTC), HOUR)
@example(datetime(2028, 2, 29, 8, 0, tzinfo=UTC), HOUR)
def test_another_program_reads_the_very_moment(start: datetime, lasts: timedelta) -> None:
    """The parser knows the zone from our VTIMEZONE alone."""
    start, lasts = start.replace(microsecond=0), timedelta(seconds=int(lasts.total_seconds()))
    one = Session(session_id="s", title="T", format="online", starts_at=start, ends_at=start + lasts)
    (event,) = events(told("confirmed", offering(sessions=[one]), created_at=start - HOUR)[0].text)
    assert event.dtstart.value.astimezone(UTC) == start
    if lasts:
        assert event.dtend.value.astimezone(UTC) == start + lasts


def test_another_zone_brings_its_own_rules() -> None:
    (one,) = told("confirmed", offering(), office=Office(OFFICE.organiser, ZoneInfo("America/New_York")))
    assert "TZID:America/New_York\r\n" in one.text
    (event,) = events(one.text)
    assert event.dtstart.value.astimezone(UTC) == START


@given(st.text(st.sampled_from('\r\n\u2028\x00\x0b\x85\u202e;:,\\"^aä“' + "x" * 3), max_size=200))
def test_no_title_place_or_name_adds_a_line(text: str) -> None:
    bad = session(title="T" + text, location="L" + text)
    (one,) = told("confirmed", offering(title=text, sessions=[bad]))
    lines = one.text.replace("\r\n ", "").split("\r\n")
    assert "\n" not in "".join(lines)
    assert "\r" not in "".join(lines)
    plain = told("confirmed", offering(sessions=[session(location="L")]))[0].text.replace("\r\n ", "").split("\r\n")
    assert [line.partition(":")[0].partition(";")[0] for line in lines] == [
        line.partition(":")[0].partition(";")[0] for line in plain
    ]
    assert all(len(line.encode()) <= 75 for line in one.text.split("\r\n"))
