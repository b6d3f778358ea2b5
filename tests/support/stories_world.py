"""An outcome of the stories, small and with nothing wrong, and the same with one value changed."""

from collections import Counter
from copy import deepcopy
from email.message import EmailMessage
from typing import Any

from lernbus.stories import OFFERINGS
from lernbus.stories.outcome import Outcome
from lernbus.stories.wuppertal import LINK, MODULE, SERIES

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
    others = ("format", "topic", "competency", "department", "status_group", "organisation", "month")
    report: dict[str, Any] = {"year": 2023, "organisation": None, "as_of": None, "since": None, "small_cells": 5}
    report |= {"unavailable": {}, "coverage": {}, "totals": {**LEARNING, **LEAVE}}
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


def plant(path: str, value: object) -> Outcome:
    """The outcome with one value changed; a path such as `report.by.course.0.participants`."""
    broken = deepcopy(outcome())
    name, *steps, last = path.split(".")
    place: Any = getattr(broken, name)
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return broken
