"""The council report as it is laid out: headings, tables, sentences. Every format is made from this. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec

from services.stats.figures import COHORT, DIMENSIONS, MEASURES
from services.stats.words import WORDS
from shared import formats
from shared.formats import Language

CHARTED: Final = ("participants", "bookings", "waiting", "leave_persons")
"""What a table's chart shows: the first of these that is told and not 0 everywhere."""

Row = Mapping[str, Any]
Figure = int | float | None


class Column(msgspec.Struct, frozen=True):
    """A measure and what stands above it. `definition`: what it counts, in a sentence."""

    name: str
    head: str
    definition: str = ""


class Line(msgspec.Struct, frozen=True):
    """A row: its key in the report, its label, its figures in the order of the columns; None is withheld."""

    key: str | None
    label: str
    figures: list[Figure]


class Bar(msgspec.Struct, frozen=True):
    """A row of a chart; `share` of the longest bar, 0 to 100; None is withheld."""

    label: str
    value: Figure
    share: float | None


class Chart(msgspec.Struct, frozen=True):
    """What the bars show."""

    title: str
    bars: list[Bar]


class Table(msgspec.Struct, frozen=True):
    """The rows of a dimension, or the cohorts. `note`: a sentence about what is not known."""

    name: str
    title: str
    head: str
    columns: list[Column]
    lines: list[Line]
    chart: Chart | None = None
    note: str = ""


class Paper(msgspec.Struct, frozen=True):
    """A report in one language. `missing`: sentences about what cannot be told; `method`: how it was made."""

    language: Language
    year: int
    organisation: str | None
    as_of: datetime | None
    title: str
    state: str
    totals: Table
    tables: list[Table]
    missing: list[str]
    method: list[str]


def laid_out(report: Row, language: Language, zone: tzinfo) -> Paper:
    """The report in a language; times in the zone."""
    words = WORDS[language]
    as_of = report["as_of"] and datetime.fromisoformat(report["as_of"])
    tables = [_table(report, name, words) for name in DIMENSIONS if name not in report["unavailable"]]
    withheld = any("withheld" in row for row in _rows(report))
    return Paper(
        language=language,
        year=report["year"],
        organisation=report["organisation"],
        as_of=as_of,
        title=_title(report, words),
        state=words["state"].format(moment=formats.moment(as_of, language, zone)) if as_of else words["as_of.none"],
        totals=_totals(report, words),
        tables=[table for table in [*tables, _cohorts(report, words)] if table.lines],
        missing=[f"{_dimension(words, name)}: {words[f'missing.{name}']}" for name in report["unavailable"]],
        method=[words[name] for name in ("method.counts", "method.years", *["method.withheld"] * withheld)],
    )


def cell(value: Figure, language: Language) -> str:
    """A figure as people of the language write it; what is withheld is a mark."""
    return "•" if value is None else formats.number(value, language)


def _title(report: Row, words: Mapping[str, str]) -> str:
    title = words["report"].format(year=report["year"])
    if report["organisation"] is None:
        return title
    rows = report["by"]["organisation"] or [{"label": report["organisation"]}]
    return f"{title}, {rows[0]['label']}"


def _totals(report: Row, words: Mapping[str, str]) -> Table:
    columns = _columns(words, "figure", MEASURES)
    line = Line(None, words["totals"], [report["totals"][name] for name in MEASURES])
    return Table("totals", words["totals"], "", columns, [line])


def _table(report: Row, name: str, words: Mapping[str, str]) -> Table:
    rows = report["by"][name]
    columns = _columns(words, "figure", [one for one in MEASURES if any(row.get(one, 0) != 0 for row in rows)])
    lines = [Line(row["key"], _label(name, row, words), [row.get(one.name, 0) for one in columns]) for row in rows]
    title = words["by"].format(dimension=words[f"dimension.{name}"])
    note = _coverage(report.get("coverage", {}).get(name), words)
    return Table(name, title, _dimension(words, name), columns, lines, _chart(columns, lines, words), note)


def _cohorts(report: Row, words: Mapping[str, str]) -> Table:
    columns = _columns(words, "cohort", COHORT)
    lines = [
        Line(row["offering_id"], f"{row['cohort']} ({row['offering_id']})", [row[one] for one in COHORT])
        for row in report["cohorts"]
    ]
    return Table("cohorts", words["cohorts"], words["cohort"], columns, lines)


def _coverage(coverage: Row | None, words: Mapping[str, str]) -> str:
    """What a dimension leaves out, as a sentence; nothing where it is complete."""
    if coverage is None or coverage["known"] == coverage["of"]:
        return ""
    return words["coverage.withheld" if coverage["known"] is None else "coverage"].format(**coverage)


def _chart(columns: Sequence[Column], lines: Sequence[Line], words: Mapping[str, str]) -> Chart | None:
    """None where no measure is told in full."""
    for place, column in sorted(enumerate(columns), key=lambda one: (*CHARTED, one[1].name).index(one[1].name)):
        values = [line.figures[place] for line in lines]
        longest = max((value for value in values if value is not None), default=0)
        if column.name in CHARTED and longest and len(lines) > 1:
            bars = [Bar(line.label, value, _share(value, longest)) for line, value in zip(lines, values, strict=True)]
            return Chart(words["chart"].format(figure=column.head), bars)
    return None


def _share(value: Figure, longest: float) -> float | None:
    return None if value is None else round(100 * value / longest, 2)


def _columns(words: Mapping[str, str], kind: str, names: Sequence[str]) -> list[Column]:
    return [Column(name, words[f"{kind}.{name}"], words.get(f"definition.{name}", "")) for name in names]


def _label(dimension: str, row: Row, words: Mapping[str, str]) -> str:
    if row["key"] is None:
        return words["not_given"]
    return words.get(f"format.{row['key']}", row["label"]) if dimension == "format" else str(row["label"])


def _dimension(words: Mapping[str, str], name: str) -> str:
    label = words[f"dimension.{name}"]
    return label[0].upper() + label[1:]


def _rows(report: Row) -> list[Row]:
    return [report["totals"], *report["cohorts"], *(row for rows in report["by"].values() for row in rows)]
