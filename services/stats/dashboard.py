"""What the dashboard makes of a year's report and of the live sums: totals, breakdowns, years side by side. Pure.

A report is the structure of the contract (design section 4, "The report"); figures that it withholds are None here too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.stats import charts
from services.stats.charts import Chart, Figure
from services.stats.figures import COHORT, LEARNING, LEAVE, MEASURES

OPEN: Final = ("course", "format", "topic", "competency")
"""Dimensions that a view can be narrowed to."""
PERSONAL: Final = ("organisation", "department", "status_group")
ONCE_A_DAY: Final = frozenset({"persons", "leave_persons"})
"""Different people are counted from the facts: a snapshot, where the sums are live."""
CHARTED: Final = ("bookings", "participants")
SHOWN: Final = (*("bookings", "participants", "persons"), *("waiting", "cancelled", "no_shows"), "completions", *LEAVE)
"""The totals, three in a row."""
COMPARED: Final = ("bookings", "participants", "completions", "cancelled", "no_shows", "leave_days")
"""What the sums know of every year without counting anybody."""
MOST_BARS, MOST_ROWS, MOST_CHOICES, MOST_YEARS = 12, 50, 100, 5

Row = Mapping[str, Any]
Sums = Mapping[str | None, Mapping[str, int | float]]
Name = Callable[[str, Row], str]
"""(dimension, row of the report) -> its label in the reader's language."""


@dataclass(frozen=True, slots=True)
class Total:
    """A figure of the whole view. `live`: from the sums, not from the snapshot."""

    name: str
    value: Figure
    live: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table; `key` is what a view can be narrowed to."""

    key: str | None
    label: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A table with its chart. `more`: so many rows are only in the report; `coverage`: {known, of} bookings."""

    name: str
    columns: Sequence[str]
    lines: Sequence[Line]
    chart: Chart | None = None
    more: int = 0
    coverage: Mapping[str, Figure] | None = None


def summed(sums: Sums) -> dict[str, int | float]:
    """The sums of all offerings, and of leave, together."""
    told: dict[str, int | float] = dict.fromkeys(set(MEASURES) - ONCE_A_DAY, 0)
    for row in sums.values():
        for measure in told.keys() & row.keys():
            told[measure] += row[measure]
    return told


def totals(snapshot: Row, live: Mapping[str, int | float] | None, measures: Sequence[str] = SHOWN) -> list[Total]:
    """The totals, live where they can be; `live` None: all from the snapshot, as a narrowed view has to."""
    known = live or {}
    return [Total(name, known.get(name, snapshot.get(name, 0)), name in known) for name in measures]


def breakdown(name: str, rows: Iterable[Row], label: Name, coverage: Row | None = None) -> Breakdown | None:
    """The rows of a dimension, those with the most bookings first; None where there is nothing to show."""
    lines = [Line(row["key"], label(name, row), {one: row.get(one, 0) for one in LEARNING}) for row in rows]
    lines = _ordered([line for line in lines if any(value != 0 for value in line.figures.values())], "bookings")
    if not lines:
        return None
    columns = _used(LEARNING, lines)
    drawn = [one for one in CHARTED if one in columns]
    more = max(0, len(lines) - MOST_ROWS)
    return Breakdown(name, columns, lines[:MOST_ROWS], _bars(lines, drawn), more, coverage)


def leave(by: Mapping[str, Sequence[Row]], label: Name) -> Breakdown | None:
    """Educational leave by organisation, or by department where there is one organisation."""
    for name in PERSONAL:
        lines = [Line(row["key"], label(name, row), {one: row.get(one, 0) for one in LEAVE}) for row in by[name]]
        lines = _ordered([line for line in lines if any(value != 0 for value in line.figures.values())], "leave_days")
        if len(lines) > 1:
            more = max(0, len(lines) - MOST_ROWS)
            return Breakdown(name, LEAVE, lines[:MOST_ROWS], _bars(lines, ["leave_days"]), more)
    return None


def months(rows: Iterable[Row], year: int, label: Callable[[int], str]) -> Breakdown | None:
    """Every month of the year, those without figures too; None where no month has any."""
    known = {row["key"]: row for row in rows}
    keys = [f"{year}-{month:02}" for month in range(1, 13)]
    lines = [
        Line(key, label(month), {one: known.get(key, {}).get(one, 0) for one in LEARNING})
        for month, key in enumerate(keys, 1)
    ]
    columns = _used(LEARNING, lines)
    if not columns:
        return None
    return Breakdown("month", columns, lines, _columns(lines, [one for one in CHARTED if one in columns]))


def compared(years: Mapping[int, Mapping[str, int | float]]) -> Breakdown | None:
    """Years side by side, the oldest first; None for a single one."""
    lines = [
        Line(str(year), str(year), {one: sums.get(one, 0) for one in COMPARED}) for year, sums in sorted(years.items())
    ]
    if len(lines) < 2:  # noqa: PLR2004 (side by side)
        return None
    return Breakdown("year", _used(COMPARED, lines), lines, _columns(lines, CHARTED))


def cohorts(rows: Iterable[Row]) -> list[Row]:
    """Those assigned together, with most people missing first; where that is withheld, last."""
    return sorted(rows, key=lambda row: (row["open"] is None, -(row["open"] or 0), row["cohort"], row["offering_id"]))


def fulfilled_share(row: Row) -> float | None:
    """Per cent of a cohort that has been there; None where that is withheld."""
    assigned, fulfilled = (row[name] for name in COHORT[:2])
    return None if assigned is None or fulfilled is None else round(100 * fulfilled / max(1, assigned), 2)


def choices(by: Mapping[str, Sequence[Row]], label: Name) -> dict[str, list[tuple[str, str]]]:
    """What a view can be narrowed to: {dimension: [(value, label)]}, of many those with the most bookings, by label."""
    told = {}
    for name in OPEN:
        rows = sorted((row for row in by[name] if row["key"] is not None), key=lambda row: -(row["bookings"] or 0))
        pairs = [(row["key"], label(name, row)) for row in rows[:MOST_CHOICES]]
        told[name] = sorted(pairs, key=lambda pair: pair[1].casefold())
    return {name: pairs for name, pairs in told.items() if pairs}


def years_shown(known: Iterable[int], asked: int, this_year: int) -> list[int]:
    """The years to compare: the last ones up to this year, or up to the one asked for where that is long ago."""
    past = sorted(year for year in {*known, asked} if year <= max(asked, this_year))
    last = past[-MOST_YEARS:]
    return last if asked in last else [year for year in past if year <= asked][-MOST_YEARS:]


def _ordered(lines: list[Line], first: str) -> list[Line]:
    """By a figure; what is withheld comes last, by label: an order would tell it."""

    def place(line: Line) -> tuple[bool, float, str]:
        value = line.figures[first]
        return value is None, -(value or 0), line.label.casefold()

    return sorted(lines, key=place)


def _used(names: Sequence[str], lines: Sequence[Line]) -> list[str]:
    """Without columns that are 0 everywhere."""
    return [name for name in names if any(line.figures[name] != 0 for line in lines)]


def _bars(lines: Sequence[Line], series: Sequence[str]) -> Chart | None:
    if len(lines) < 2 or not series:  # noqa: PLR2004 (a single bar compares with nothing)
        return None
    return _telling(charts.bars([(line.label, line.figures) for line in lines[:MOST_BARS]], series))


def _columns(lines: Sequence[Line], series: Sequence[str]) -> Chart | None:
    return _telling(charts.columns([(line.label, line.figures) for line in lines], series)) if series else None


def _telling(chart: Chart) -> Chart | None:
    """None where everything is 0 or withheld: the table says that."""
    return chart if chart.peak else None
