"""Shows what came of the stories, in 100 columns."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lernbus.stories.duesseldorf import COUNCIL
from lernbus.stories.outcome import Outcome, Row, figure, moved_up, text_of
from lernbus.stories.wuppertal import SERIES
from services.stats.text import number, render_text

WIDTH: Final = 100
OPEN: Final = ("bookings", "persons", "participants", "completions")
CLOSED: Final = ("bookings", "persons", "participants", "cancelled", "leave_persons")
FITTING: Final = {"department": CLOSED, "status_group": CLOSED, "organisation": CLOSED}
"""The columns of the report that fit, by dimension; OPEN for the others."""


def show(console: Console, outcome: Outcome) -> None:
    """All of it."""
    console.print(_booked(outcome), _mailed(outcome.messages), sep="\n")
    _counted(console, outcome)
    _report(console, outcome.report)
    _reminder(console, outcome)


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _booked(outcome: Outcome) -> Table:
    columns = ("capacity", "seated", "confirmed", "waiting", "moved up")
    table = _table("\nBooked and moved up", "Offering", *columns)
    for offering in outcome.offerings:
        bookings, seats = outcome.bookings[offering["offering_id"]], offering["seats"]
        seated = sum(one["seated_at"] is not None for one in bookings)
        told = (seats["capacity"] or "-", seated, seats["confirmed"], seats["waiting"], len(moved_up(bookings)))
        table.add_row(offering["title"], *map(str, told))
    return table


def _mailed(messages: Iterable[Row]) -> Table:
    kinds = Counter((one["kind"], one["status"]) for one in messages)
    table = _table("\nMailed", "Kind", "status", "mails")
    for (kind, status), mails in kinds.most_common():
        table.add_row(kind, status, str(mails))
    table.add_row("together", "", str(kinds.total()), style="bold")
    return table


def _counted(console: Console, outcome: Outcome) -> None:
    console.print("\n[bold]Counted[/bold]")
    lost = sum(outcome.tallies.values(), Counter[str]())
    console.print(f"  {lost['held']:>5} events held, {lost['dead_lettered']} in the dead letters of the three services")
    labels = {row["key"]: row["label"] for row in outcome.report["by"]["course"]}
    for course_id, measure, _ in COUNCIL:
        found = number(figure(outcome.report, course_id, measure))
        console.print(f"  {found:>5} {measure.replace('_', ' ')}", labels.get(course_id, "all courses"), sep=", ")


def _report(console: Console, report: Row) -> None:
    console.print("\n[bold]The council report of 2023[/bold] (lernbus report 2023 has all columns)\n")
    console.print(Text(render_text(narrowed(report))))


def narrowed(report: Row) -> Row:
    """The report without the columns that do not fit."""
    by = {
        dimension: [_narrowed(row, FITTING.get(dimension, OPEN)) for row in rows]
        for dimension, rows in report["by"].items()
    }
    return {**report, "by": by}


def _narrowed(row: Row, measures: Iterable[str]) -> Row:
    return {name: row[name] for name in ("key", "label", "withheld", *measures) if name in row}


def _reminder(console: Console, outcome: Outcome) -> None:
    late = [one["person_id"] for one in moved_up(outcome.bookings[SERIES])]
    mail = next((outcome.reminders[one] for one in late if one in outcome.reminders), None)
    if mail is None:
        return
    headers = "\n".join(f"{name}: {mail[name]}" for name in ("From", "To", "Subject", "Date"))
    title = "The reminder of 21 November 2024, as somebody who had moved up received it"
    console.print(Panel(Text(f"{headers}\n\n{text_of(mail).strip()}"), title=title, title_align="left", width=WIDTH))
