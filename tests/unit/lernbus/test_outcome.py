"""What the demo says of the outcome: each thing that is wrong is named, and the figures are those of the APIs."""

from collections import Counter
from copy import deepcopy
from email.message import EmailMessage
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from lernbus.stories import OFFERINGS
from lernbus.stories.display import show
from lernbus.stories.outcome import Outcome, faults
from lernbus.stories.wuppertal import LINK, MODULE, OLD_LINK, SERIES

LEARNING = dict.fromkeys(("bookings", "persons", "participants", "waiting", "cancelled", "no_shows", "completions"), 0)
LEAVE = {"leave_persons": 49, "leave_days": 0}
SEATED = {"status": "confirmed", "waiting_since": None, "seated_at": "2024-06-01T08:00:00+02:00"}


def mail(link: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Date"] = "a@b.example", "Jan <c@d.example>", "Ü", "Wed"
    message.set_content(f"Link: {link}\n")
    return message


def outcome() -> Outcome:
    """A small one with nothing wrong: p-1 had a seat from the start, p-2 moved up, p-3 still waits."""
    seats = {"capacity": 2, "confirmed": 2, "waiting": 1}
    offering: dict[str, Any] = {"title": "Reihe", "seats": seats, "sessions": []}
    offerings = [{**offering, "offering_id": name} for name in OFFERINGS]
    offerings[-1]["sessions"] = [{"session_id": MODULE, "join_url": LINK}]
    series = [
        {"person_id": "p-1", **SEATED},
        {"person_id": "p-2", **SEATED, "waiting_since": "2024-06-01T08:00:00+02:00"},
        {"person_id": "p-3", **SEATED, "status": "waiting", "waiting_since": "x", "seated_at": None},
    ]
    message = {"offering_id": SERIES, "session_id": None, "status": "sent"}
    courses = [{"key": "due-ik", "label": "Seminar", **LEARNING, "participants": 17}]
    courses += [{"key": "due-wbt", "label": "WBT", **LEARNING, "bookings": 181}]
    others = ("format", "topic", "competency", "department", "status_group", "organisation")
    report = {"year": 2023, "organisation": None, "as_of": None, "unavailable": {}, "totals": {**LEARNING, **LEAVE}}
    return Outcome(
        offerings=offerings,
        bookings={name: [] for name in OFFERINGS[:-1]} | {SERIES: series},
        messages=[
            {**message, "kind": "confirmed", "person_id": "p-1"},
            {**message, "kind": "promoted", "person_id": "p-2"},
        ],
        report={
            **report,
            "by": {"course": courses, **{name: [] for name in others}},
            "cohorts": [{"cohort": "2023", "offering_id": "x", "assigned": 3, "fulfilled": 3, "open": 0}],
        },
        tallies={"enrolment": Counter(applied=3), "stats": Counter(applied=4)},
        reminders={"p-1": mail(LINK), "p-2": mail(LINK)},
    )


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    assert faults(outcome()) == []


def plant(path: str, value: object) -> Outcome:
    """The outcome with one value changed; a path such as `report.by.course.0.participants`."""
    broken = deepcopy(outcome())
    name, *steps, last = path.split(".")
    place: Any = getattr(broken, name)
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return broken


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
