from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.formats import LANGUAGES, Language, moment, number, preferred, span
from shared.pages import Missing, whole_page
from shared.words import COMMON

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2024, 11, 21, 8, tzinfo=UTC)


def plain(text: str) -> str:
    """Without the characters that keep a line together."""
    return text.replace("\u00a0", " ").replace("\u2060", "")


@pytest.mark.parametrize(
    ("value", "german", "english"),
    [
        (0, "0", "0"),
        (1234, "1.234", "1,234"),
        (1234.5, "1.234,5", "1,234.5"),
        (219.0, "219", "219"),
        (0.25, "0,25", "0.25"),
    ],
)
def test_numbers(value: float, german: str, english: str) -> None:
    assert (number(value, "de"), number(value, "en")) == (german, english)


def test_moments_are_told_in_the_zone() -> None:
    assert plain(moment(NINE, "de", BERLIN)) == "Do., 21.11.2024, 09:00 Uhr"
    assert plain(moment(NINE, "en", BERLIN)) == "Thu 21 Nov 2024, 09:00"
    assert plain(moment(datetime(2023, 12, 31, 23, 30, tzinfo=UTC), "de", BERLIN)) == "Mo., 01.01.2024, 00:30 Uhr"


def test_a_span_names_the_day_once() -> None:
    end = NINE + timedelta(hours=3, minutes=30)
    assert plain(span(NINE, end, "de", BERLIN)) == "Do., 21.11.2024, 09:00–12:30 Uhr"
    assert plain(span(NINE, end, "en", BERLIN)) == "Thu 21 Nov 2024, 09:00–12:30"


def test_a_span_of_two_days_names_both() -> None:
    end = NINE + timedelta(days=1)
    assert plain(span(NINE, end, "de", BERLIN)) == "Do., 21.11.2024, 09:00 Uhr – Fr., 22.11.2024, 09:00 Uhr"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "de"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.8, de;q=0.9", "de"),
        ("fr,en;q=0.5,de;q=0.4", "en"),
        ("de;q=0,en;q=0.1", "en"),
        ("fr, *;q=0.1", "de"),
        ("en;q=much,de", "de"),
        (";;,=;q", "de"),
    ],
)
def test_the_browsers_language(header: str, language: Language) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize(("text", "items"), [("1", 0), ("1", 200), ("2", 201), ("3", 600)])
def test_pages_that_exist(text: str, items: int) -> None:
    assert whole_page(text, items, 200)[0] == int(text)


@pytest.mark.parametrize("text", ["0", "-1", "2", "x", "", "1.0", "²", "99999999999999999999"])
def test_pages_that_do_not_exist(text: str) -> None:
    with pytest.raises(Missing):
        whole_page(text, 200, 200)


def test_both_languages_have_the_same_common_words() -> None:
    assert {*COMMON} == {*LANGUAGES}
    assert COMMON["de"].keys() == COMMON["en"].keys()
