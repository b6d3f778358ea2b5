import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pypdf import PdfReader

from services.notifications import certificate_pdf
from services.notifications.certificates import (
    LENGTH,
    LETTERS,
    award,
    certificate,
    grouped,
    hours,
    is_earned,
    read_code,
)
from services.notifications.certified import Certificate
from services.notifications.domain import rules
from services.notifications.state import Entry, Known, State
from shared.events import Attendance, Course, Offering, Presence
from tests.support.notifications_world import NOW, START, booking, item, offering, person, session, told

BERLIN = ZoneInfo("Europe/Berlin")
CODE = "7K2QX0M9TB4HZVC81RWE5NYPD"
DAY = timedelta(days=1)
COURSE = Course(course_id="c1", title="Antidiskriminierung", topics=[], competencies=["Diversität", "Recht"])


def series(**more: Any) -> Offering:
    sessions = [session("s1", START), session("s2", START + DAY), session("s3", None, format="web_based")]
    return offering(sessions=sessions, **more)


def recorded(**statuses: Presence) -> list[Attendance]:
    return [Attendance(session_id=one, status=status, recorded_at=NOW) for one, status in statuses.items()]


def entry(**more: Any) -> Entry:
    return msgspec.convert(booking(3, **more), Entry, from_attributes=True)


@pytest.mark.parametrize(
    ("given", "earned"),
    [
        ({}, False),
        ({"attendance": recorded(s1="attended")}, False),
        ({"attendance": recorded(s1="attended", s2="attended")}, True),
        ({"attendance": recorded(s1="attended", s2="excused")}, True),
        ({"attendance": recorded(s1="excused", s2="excused")}, False),
        ({"attendance": recorded(s1="attended", s2="partly")}, False),
        ({"attendance": recorded(s1="attended", s2="absent")}, False),
        ({"completed_at": NOW}, True),
        ({"completed_at": NOW, "status": "cancelled"}, False),
    ],
)
def test_who_has_earned_one(given: dict[str, Any], *, earned: bool) -> None:
    assert is_earned(entry(**given), series()) == earned


def state(**more: Any) -> State:
    return State(
        NOW,
        offerings={"o1": Known(offering=series())},
        courses={"c1": COURSE},
        codes={"b-p1": CODE},
        **more,
    )


ALL = recorded(s1="attended", s2="attended")


def test_a_booking_gets_one_and_its_person_is_told() -> None:
    after = state()
    done = booking(3, attendance=ALL)

    assert rules((7, 1))["enrolment.booking.attendance_recorded.v1"](after, item("booking.attendance_recorded", done))
    assert told(after) == [("certificate", "p1")]
    found = after.certificates["b-p1"]
    assert found is not None
    assert (found.code, found.course, found.competencies) == (CODE, "Antidiskriminierung", ["Diversität", "Recht"])
    assert [module.title for module in found.modules] == ["Modul 3", "Modul 3"]
    assert found.valid


def test_what_is_corrected_withdraws_it_and_gives_it_back_and_nobody_is_told_twice() -> None:
    known = certificate(entry(attendance=ALL), series(), COURSE, CODE, NOW)
    after = state(certificates={"b-p1": known})

    assert not award(after, entry(attendance=recorded(s1="attended", s2="absent")))
    assert after.certificates["b-p1"] == msgspec.structs.replace(known, valid=False)
    assert not award(after, entry(attendance=ALL))
    assert after.certificates["b-p1"] == known


def test_an_erased_persons_is_gone() -> None:
    after = state(certificates={"b-p1": certificate(entry(attendance=ALL), series(), COURSE, CODE, NOW)})

    assert not award(after, msgspec.structs.replace(entry(attendance=ALL), erased=True))
    assert after.certificates == {"b-p1": None}
    assert not award(state(), msgspec.structs.replace(entry(attendance=ALL), erased=True))


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [
        (timedelta(hours=3, minutes=30), 3.5),
        (timedelta(days=1, hours=7), 14),
        (timedelta(days=2, hours=8), 24),
        (timedelta(days=1), 24),
    ],
)
def test_a_session_over_several_days_lasts_as_long_on_each(lasts: timedelta, expected: float) -> None:
    assert hours(msgspec.structs.replace(session(), ends_at=START + lasts)) == expected
    assert hours(session("s", None, format="web_based")) is None


def test_a_code_is_read_as_people_write_it() -> None:
    assert grouped(CODE) == "7K2QX-0M9TB-4HZVC-81RWE-5NYPD"
    for text in (CODE, grouped(CODE), grouped(CODE).lower(), " 7k2qx om9tb 4hzvc-8lrwe-5nypd "):
        assert read_code(text) == CODE
    for text in ("", CODE[:-1], CODE + "A", CODE[:-1] + "U", CODE[:-1] + "ß", "../" + CODE[3:]):
        assert read_code(text) is None
    assert LENGTH >= 20
    assert len({*LETTERS}) == 32


# --- the file -------------------------------------------------------------------------------------------------------

EVIL = '#panic("x") *Anna* $ \\ <b> @ref "quoted" // [x]'


def issued(**more: Any) -> Certificate:
    known = certificate(entry(attendance=ALL), series(title="Reihe für Kommunen"), COURSE, CODE, NOW)
    return msgspec.structs.replace(known, **more)


def pdf(language: str = "de", name: str = "Ayşe Schäfer-Öztürk", **more: Any) -> bytes:
    reader = person(language=language, display_name=name)
    page = "https://lernbus.example/notifications/certificates/"
    return asyncio.run(certificate_pdf.render(issued(**more), reader, "Fortbildung Wuppertal", page, BERLIN))


def text(raw: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(raw)).pages).split())


@pytest.mark.parametrize(
    ("language", "heading", "hours"),
    [
        ("de", "Teilnahmebescheinigung", "Stunden insgesamt: 7"),
        ("en", "Certificate of participation", "Hours in all: 7"),
    ],
)
def test_it_says_who_took_part_in_what(language: str, heading: str, hours: str) -> None:
    found = text(pdf(language))

    for words in (heading, "Ayşe Schäfer-Öztürk", "Reihe für Kommunen", "Antidiskriminierung", "Modul 3", hours):
        assert words in found
    assert grouped(CODE) in found
    assert "Diversität" in found


@pytest.mark.parametrize(("language", "locale"), [("de", "de-DE"), ("en", "en-GB")])
def test_it_is_tagged_titled_and_says_that_it_is_accessible(language: str, locale: str) -> None:
    reader = PdfReader(io.BytesIO(pdf(language)))
    root: Any = reader.trailer["/Root"].get_object()
    metadata = root["/Metadata"].get_object().get_data().decode()

    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == locale
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert reader.metadata is not None
    assert "Reihe für Kommunen" in (reader.metadata.title or "")
    assert "Schäfer" not in metadata


def test_the_same_certificate_gives_the_same_bytes() -> None:
    assert pdf() == pdf()
    assert pdf() != pdf(issued_at=datetime(2025, 1, 1, tzinfo=UTC))


def test_no_word_is_taken_for_an_instruction() -> None:
    found = text(pdf(name=EVIL, title=EVIL, competencies=[EVIL], course=EVIL))

    assert found.count('#panic("x") *Anna* $') >= 3


def test_many_modules_and_long_names_fit() -> None:
    known = issued()
    long = pdf(name="Maximiliane " * 12, modules=[*known.modules] * 40, title="Wirkungsvolles Wirken " * 9)

    assert len(PdfReader(io.BytesIO(long)).pages) >= 2
    assert "Seite 2 von" in text(long)
