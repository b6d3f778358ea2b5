"""What the demo says of the outcome: each thing that is wrong is named, and the figures are those of the APIs."""

from copy import deepcopy
from io import StringIO

import pytest
from rich.console import Console

from lernbus.stories.display import show
from lernbus.stories.outcome import Outcome, faults
from lernbus.stories.wuppertal import LINK, OLD_LINK, SERIES
from tests.support.stories_world import mail, outcome, plant


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    assert faults(outcome()) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("report.by.course.0.participants", 16, "the city counted 17, the report says 16"),
        ("report.by.course.1.bookings", 182, "the city counted 181, the report says 182"),
        ("report.by.course", [], "the city counted 181, the report says 0"),
        ("report.totals.leave_persons", 50, "the city counted 49, the report says 50"),
        ("report.cohorts", [], "memorial site"),
        ("report.cohorts.0.open", 1, "memorial site"),
        ("tallies.stats.dead_lettered", 2, "stats: 2 events are dead-lettered"),
        ("tallies.enrolment.held", 1, "enrolment: 1 events are held"),
        ("messages.0.status", "planned", "1 mails are planned"),
        ("messages.1.kind", "confirmed", "1 moved up, 0 were told so"),
        ("messages.1.person_id", "p-3", "1 moved up, 1 were told so, and they are not the same"),
        (f"bookings.{SERIES}", [], "nobody moved up"),
        ("reminders.p-2", mail(OLD_LINK), "1 of 2 were reminded with the right link"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, said: str) -> None:
    assert said in " / ".join(faults(plant(path, value)))


def test_no_reminder_at_all_is_wrong() -> None:
    broken = deepcopy(outcome())
    broken.reminders.clear()
    assert "0 of 2 were reminded" in " / ".join(faults(broken))


def shown(what: Outcome) -> str:
    console = Console(file=StringIO(), width=100, highlight=False)
    show(console, what)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_figures_come_from_the_answers_and_fit_into_100_columns() -> None:
    text = shown(plant("report.by.course.1.bookings", 1_234))
    assert "1.234 bookings, WBT" in text
    assert "17 participants, Seminar" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_reminder_is_that_of_somebody_who_moved_up() -> None:
    text = shown(plant("reminders.p-2", mail("https://d.example/second")))
    assert "https://d.example/second" in text
    assert LINK not in text
