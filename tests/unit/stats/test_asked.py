"""What can be asked of the reports, over HTTP and on the command line, and what is refused in a sentence."""

import pytest

from lernbus.errors import CommandError
from lernbus.report import years
from services.stats.asked import asked
from services.stats.report import Question


def test_a_year_and_years_side_by_side() -> None:
    single, several = asked(2023, None, "D", []), asked(2022, 2024, "D", [])
    assert (single.questions, single.side_by_side, single.name) == ([Question(2023, "D")], False, "2023")
    assert [one.year for one in several.questions] == [2022, 2023, 2024]
    assert (several.side_by_side, several.name) == (True, "2022-2024")
    assert len(asked(2015, 2024, None, []).questions) == 10


@pytest.mark.parametrize("by", [("topic", "status_group"), ("organisation", "month"), ("department", "course")])
def test_a_personal_dimension_by_an_open_one(by: tuple[str, str]) -> None:
    assert asked(2023, None, None, by).questions == [Question(2023, None, by)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ((2024, 2022, None, []), "years run forwards: 2022 to 2024"),
        ((2015, 2025, None, []), "at most 10 years"),
        ((2023, None, None, ["topic"]), "not of 1 dimension"),
        ((2023, None, None, ["topic", "status_group", "month"]), "not of 3 dimensions"),
        ((2023, None, None, ["department", "status_group"]), "not of department by status_group"),
        ((2023, None, None, ["topic", "course"]), "not of topic by course"),
        ((2023, None, None, ["topic", "gender"]), "there is no dimension 'gender'"),
        ((2023, None, "D", ["topic", "status_group"]), "of the whole report"),
        ((2023, 2024, None, ["topic", "status_group"]), "of one year"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    wrong: tuple[int, int | None, str | None, list[str]], why: str
) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        asked(*wrong)
    assert "\n" not in str(raised.value)


def test_years_on_the_command_line() -> None:
    assert years("2023") == {"year": 2023, "until": None}
    assert years("2022..2024") == {"year": 2022, "until": 2024}


@pytest.mark.parametrize(
    "text", ["", "20x", "2022...2024", "2022-2024", "2022..", "..2024", "22", "2022..2024..2026", "٢٠٢٣"]
)
def test_no_year_on_the_command_line(text: str) -> None:
    with pytest.raises(CommandError, match="as 2023 or 2022"):
        years(text)
