"""The parts of the dashboard, as its template takes them, from a report and from the seats of the moment. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.stats import dashboard, places
from services.stats.dashboard import OPEN, PERSONAL, Breakdown, Name, Row, Total
from services.stats.figures import LEARNING
from services.stats.report import Known
from services.stats.rows import Seats
from services.stats.view import View

SEATS_BY: Final = ("course", "format")
"""Dimensions by which the seats of the moment can be told apart: an offering says them itself."""
Words = Mapping[str, str]
Crossed = Mapping[str, Sequence[Row]]
"""{personal dimension: rows} of those who are counted under one value of an open dimension."""


def snapshot(view: View, whole: Row, report: Row, crossed: Crossed, words: Words) -> dict[str, Any]:
    """Totals and breakdowns of the morning. `report` is the whole one, or that of the view's organisation."""
    label = namer(words)
    by = crossed if view.only else report["by"]
    tables = _tables(view, by, report, label)
    cohorts = [] if view.only else dashboard.cohorts(report["cohorts"])
    months = None if view.only else dashboard.months(by.get("month", ()), view.year, _months(words))
    leave = None if view.only else dashboard.leave(by, label)
    totals = _totals(view, report)
    organisations = [(row["key"], row["label"]) for row in whole["by"]["organisation"] if row["key"] is not None]
    return {
        "totals": totals,
        "tables": tables,
        "months": months,
        "leave": leave,
        "cohorts": [(row, dashboard.fulfilled_share(row)) for row in cohorts],
        "compared": None,
        "unavailable": [name for name in report["unavailable"] if not view.only],
        "withheld": _any_withheld(totals, [*tables, months, leave]) or any("withheld" in row for row in cohorts),
        "most": report["small_cells"] - 1,
        "links": () if view.organisation else OPEN,
        "as_of": moment(whole["as_of"]),
        "since": moment(whole["since"]),
        "organisations": organisations,
        "names": dict(organisations),
        "choices": dashboard.choices(whole["by"], label),
        "narrowed_to": _narrowed_to(view, whole, label, words),
    }


def crossed(view: View, known: Known) -> Crossed:
    """Who is counted under the value that a view of the whole is narrowed to, by each personal dimension."""
    if view.only is None or view.organisation is not None:
        return {}
    told: dict[str, list[Row]] = {name: [] for name in PERSONAL}
    for owner, cells in known.told.items():
        if owner and (figures := cells.get(view.only)):
            label = known.organisations.get(owner[1] or "", owner[1])
            told[owner[0]].append({"key": owner[1], "label": label, **figures})
    return told


def seats(view: View, found: Sequence[Seats], now: datetime) -> dict[str, Any]:
    """Waiting lists and seats set aside, of the offerings that the view is about."""
    dimension, value = view.only or (None, None)
    said = {"course": lambda one: one.offering.course_id, "format": lambda one: one.offering.format}
    about = [one for one in found if dimension is None or said[dimension](one) == value]
    waiting, offerings, people = places.waiting_lists(about, now)
    delegations, count = places.delegations(about, view.organisation)
    return {
        "waiting": waiting,
        "waiting_offerings": offerings,
        "waiting_people": people,
        "delegations": delegations,
        "delegations_all": count,
    }


def shows_seats(view: View, this_year: int) -> bool:
    """Seats are those of now, and not every view can be told by them."""
    return view.year == this_year and (view.only is None or view.only[0] in SEATS_BY)


def namer(words: Words) -> Name:
    """Labels in the words' language."""

    def label(dimension: str, row: Row) -> str:
        if row["key"] is None:
            return words["not_given"]
        return words.get(f"format.{row['key']}", row["label"]) if dimension == "format" else str(row["label"])

    return label


def first(text: str) -> str:
    """The text with a capital letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def said(totals: Sequence[Total], words: Words) -> str:
    """What is read out when the totals have changed."""
    told = {one.name: one.value for one in totals}
    return words["say.totals"].format(bookings=told["bookings"], waiting=told["waiting"])


def moment(text: str | None) -> datetime | None:
    """A time of a report."""
    return None if text is None else datetime.fromisoformat(text)


def _totals(view: View, report: Row) -> list[Total]:
    if view.only is None:
        return dashboard.totals(report["totals"], None)
    return dashboard.totals(_row(report, *view.only), None, dashboard.SHOWN[: len(LEARNING)])


def _tables(view: View, by: Mapping[str, Sequence[Row]], report: Row, label: Name) -> list[Breakdown]:
    """The dimensions, without those that nobody supplied, and without the one that has a single row by the question."""
    names = [one for one in (*OPEN, *PERSONAL) if one in by and one not in report["unavailable"]]
    names = [one for one in names if one != "organisation" or view.organisation is None]
    coverage = {} if view.only else report["coverage"]
    told = [dashboard.breakdown(name, by[name], label, coverage.get(name)) for name in names]
    return [one for one in told if one is not None]


def _row(report: Row, dimension: str, value: str) -> Row:
    """One row of a dimension; a value that nothing counts under has a row of zeros."""
    return next((row for row in report["by"][dimension] if row["key"] == value), {})


def _narrowed_to(view: View, whole: Row, label: Name, words: Words) -> str:
    names = []
    if view.organisation is not None:
        names.append(_label("organisation", view.organisation, whole, label))
    if view.only is not None:
        dimension, value = first(words[f"dimension.{view.only[0]}"]), _label(*view.only, whole, label)
        names.append(words["page.value"].format(dimension=dimension, value=value))
    return words["page.and"].format(one=names[0], other=names[1]) if len(names) > 1 else "".join(names)


def _label(dimension: str, value: str, whole: Row, label: Name) -> str:
    known = _row(whole, dimension, value)
    return label(dimension, known) if known else value


def _months(words: Words) -> Any:  # noqa: ANN401
    names = words["month.names"].split()
    return lambda month: names[month - 1]


def _any_withheld(totals: Sequence[Total], tables: Sequence[Breakdown | None]) -> bool:
    lines = [line.figures for table in tables if table for line in table.lines]
    return any(one.value is None for one in totals) or any(None in figures.values() for figures in lines)
