"""The mails word by word: `golden/<language>-<kind>.txt` holds subject, empty line and body, to be read by people."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.notifications.dates import day
from services.notifications.messages import Kind, Message
from services.notifications.samples import MORE
from services.notifications.texts import render
from tests.support.notifications_world import NOW, START, leave, offering, person, session

GOLDEN = Path(__file__).parent / "golden"
BERLIN = ZoneInfo("Europe/Berlin")
LANGUAGES = ("de", "en")
OPENING = msgspec.structs.replace(
    session("s1", title="Modul 1: Auftakt", format="in_person", join_url=None, location="Rathaus Barmen, Raum A 220"),
    ends_at=START + timedelta(days=1, hours=8),
)
LATER = session("s2", datetime(2025, 6, 30, 7, 0, tzinfo=UTC), title="Modul 2: Strategisches Wirken")
READING = session("s3", None, title="Zum Nachlesen", format="web_based", join_url=None)
SERIES = offering(
    title="Qualifizierungsreihe Antidiskriminierung", format="blended", sessions=[READING, LATER, OPENING]
)


def words(kind: Kind, language: str, **more: Any) -> str:
    reader = person(display_name="Anna Schäfer", language=language)
    about = person("p2", display_name="Ali Öztürk") if kind == "approval_requested" else reader
    fields: dict[str, Any] = {"offering_id": "o1"}
    if kind.startswith("leave"):
        fields = {"leave": leave()}
    if kind == "reminder":
        fields |= {"session_id": "s2"}
    if kind == "refused":
        fields |= {"booking_reason": "full"}
    known = more.pop("offering", SERIES)
    message = Message(
        message_id="m", kind=kind, person_id="p1", about="p1", mentions=[], created_at=NOW, order="", **fields | more
    )
    subject, body = render(message, reader, about, known, BERLIN, **MORE.get(kind, {}))
    return f"{subject}\n\n{body}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_reads_as_reviewed(kind: Kind, language: str) -> None:
    assert words(kind, language) == (GOLDEN / f"{language}-{kind}.txt").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert len(list(GOLDEN.iterdir())) == len(LANGUAGES) * len(get_args(Kind))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_of_a_refusal_has_words_of_its_own(language: str) -> None:
    reasons = ["full", "closed", "not_open", "approval_refused", "offering_cancelled", "something new", None]
    texts = [words("refused", language, booking_reason=reason) for reason in reasons]
    assert len(set(texts)) == len(reasons) - 1
    assert texts[-1] == texts[-2]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "field"), [("rescheduled", "waiting"), ("format_changed", "waiting"), ("cancelled", "late")]
)
def test_who_waits_or_is_late_reads_it(kind: Kind, field: str, language: str) -> None:
    assert words(kind, language) != words(kind, language, **{field: True})


@pytest.mark.parametrize(("language", "sentence"), [("de", "keine festen Termine"), ("en", "no fixed dates")])
def test_an_offering_without_sessions_says_so(language: str, sentence: str) -> None:
    assert sentence in words("confirmed", language, offering=offering(sessions=[], format="web_based"))


@pytest.mark.parametrize(("language", "unknown"), [("de", "wird noch bekannt gegeben"), ("en", "to be announced")])
@pytest.mark.parametrize("form", ["online", "in_person"])
def test_a_missing_link_or_place_is_announced_for_later(form: str, language: str, unknown: str) -> None:
    bare = offering(sessions=[session(format=form, join_url=None)])
    assert words("confirmed", language, offering=bare).count(unknown) == 1


def test_times_are_those_of_berlin_in_summer_and_winter() -> None:
    text = words("confirmed", "de")
    assert "Donnerstag, 21. November 2024, 09:00 Uhr bis Freitag, 22. November 2024, 17:00 Uhr" in text
    assert "Montag, 30. Juni 2025, 09:00 bis 12:30 Uhr" in text


def test_every_day_and_month_has_its_name() -> None:
    days = [date(2024, month, month) for month in range(1, 13)]
    assert [day(one, "en") for one in days] == [f"{one:%A}, {one.day} {one:%B} {one.year}" for one in days]
    assert day(date(2024, 3, 5), "de") == "Dienstag, 5. März 2024"


def test_half_a_day_and_a_single_day_of_leave() -> None:
    short = leave(ends_on=date(2024, 12, 2), days=0.5)
    assert "Zeitraum: Montag, 2. Dezember 2024 (0,5 Tage)\n" in words("leave_granted", "de", leave=short)
    one = leave(ends_on=date(2024, 12, 2), days=1)
    assert "Period: Monday, 2 December 2024 (1 day)\n" in words("leave_granted", "en", leave=one)


def test_no_name_stands_in_a_subject() -> None:
    for language in LANGUAGES:
        for kind in get_args(Kind):
            subject = words(kind, language).partition("\n")[0]
            assert "Schäfer" not in subject
            assert "Öztürk" not in subject
