"""Lays out the council report of a year. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from services.stats.columns import PERSONAL
from services.stats.crossed import long_form, matrices
from services.stats.figures import COHORT, LEARNING, MEASURES
from services.stats.paper import Chart, Column, Line, Paper, Record, Row, Table, Words, capital, shares
from services.stats.report import TOLD
from services.stats.words import WORDS, label_of
from shared import formats
from shared.formats import Language

CHARTED: Final = ("participants", "bookings", "waiting", "leave_persons")
"""What a table's chart shows: the first of these that is told and not 0 everywhere."""


def laid_out(report: Row, language: Language, zone: tzinfo) -> Paper:
    """The report in a language; times in the zone."""
    words = WORDS[language]
    totals = _totals(report, words)
    tables = [_table(report, name, language) for name in available(report)]
    rest = [table for table in [*tables, _cohorts(report, words)] if table.lines]
    return Paper(
        language=language,
        title=title_of([report], str(report["year"]), words),
        state=state_of(report, language, zone),
        as_of=moment(report["as_of"]),
        tables=[totals, *matrices(report, words), *rest],
        sheets=[totals, *long_form(report, words), *rest],
        records=records(report, words),
        missing=missing(report, language, zone),
        method=method([report], words),
    )


def available(report: Row) -> list[str]:
    """The dimensions that somebody supplied; none where nothing is known of the year."""
    return [name for name in TOLD if name not in report["unavailable"]]


def moment(text: str | None) -> datetime | None:
    """A time of the report."""
    return None if text is None else datetime.fromisoformat(text)


def title_of(reports: Sequence[Row], years: str, words: Words) -> str:
    """What stands above all."""
    title, organisation = words["report"].format(year=years), reports[0]["organisation"]
    if organisation is None:
        return title
    rows = [row for report in reports for row in report["by"]["organisation"]]
    return f"{title}, {rows[-1]['label'] if rows else organisation}"


def state_of(report: Row, language: Language, zone: tzinfo) -> str:
    """Up to when events are counted."""
    as_of, words = moment(report["as_of"]), WORDS[language]
    told = words["state"].format(moment=formats.moment(as_of, language, zone)) if as_of else words["as_of.none"]
    return f"{told} {words['rebuilding']}" if report.get("rebuilding") else told


def missing(report: Row, language: Language, zone: tzinfo) -> list[str]:
    """A sentence for each dimension that nobody supplied, and for what of the year is not in the data."""
    words, year = WORDS[language], report["year"]
    since, until = (one and one.astimezone(zone) for one in (moment(report["since"]), moment(report["as_of"])))
    told = []
    for name in report["unavailable"]:
        why = words["missing.before" if since and year < since.year else "missing.ahead"]
        told.append(why if name == "period" else f"{capital(words[f'dimension.{name}'])}: {words[f'missing.{name}']}")
    if since and until and year == since.year:
        told.append(words["missing.since"])
    if since and until and year == until.year:
        told.append(words["missing.until"])
    days = {name: formats.date(one, language) for name, one in (("since", since), ("until", until)) if one}
    return [one.format(**days) for one in told]


def method(reports: Sequence[Row], words: Words) -> list[str]:
    """How the figures came about, and what protects whom against what."""
    withheld = any("withheld" in row for report in reports for row in _rows(report))
    protection = words["method.withheld"].format(most=reports[0]["small_cells"] - 1)
    return [
        words["method.counts"],
        words["method.years"],
        *([protection] if withheld else [f"{protection} {words['method.none']}"]),
        words["method.limits"],
    ]


def records(report: Row, words: Words) -> list[Record]:
    """All rows of the report."""
    where = report["year"], report["organisation"], report["as_of"]
    told = [Record(*where, [("totals", None, words["totals"])], {name: report["totals"][name] for name in MEASURES})]
    for name in available(report):
        measures = MEASURES if name in PERSONAL else LEARNING
        for row in report["by"][name]:
            place = [(name, row["key"], label_of(name, row, words))]
            told.append(Record(*where, place, {one: row.get(one, 0) for one in measures}))
    for row in report["cohorts"]:
        place = [("cohorts", row["offering_id"], _cohort(row))]
        told.append(Record(*where, place, {one: row[one] for one in COHORT}))
    cross = report.get("cross", {"by": [], "rows": []})
    for row in cross["rows"]:
        pairs = zip(cross["by"], row["key"], row["label"], strict=True)
        place = [(name, key, label_of(name, {"key": key, "label": label}, words)) for name, key, label in pairs]
        told.append(Record(*where, place, {one: row[one] for one in LEARNING}))
    return told


def cohorts(reports: Sequence[Row], words: Words) -> Table:
    """Those assigned together; of several years with the year."""
    years = [Column(words["year"], "text")] * (len(reports) > 1)
    columns = [*years, *(Column(words[f"cohort.{name}"]) for name in COHORT)]
    lines = [
        Line(_cohort(row), [*[str(report["year"])] * len(years), *(row[one] for one in COHORT)])
        for report in reports
        for row in report["cohorts"]
    ]
    return Table("cohorts", words["cohorts"], words["cohort"], columns, lines)


def _cohorts(report: Row, words: Words) -> Table:
    return cohorts([report], words)


def _cohort(row: Row) -> str:
    return f"{row['cohort']} ({row['offering_id']})"


def _totals(report: Row, words: Words) -> Table:
    columns = [Column(words["number"]), Column(words["definition"], "text")]
    lines = [Line(words[f"figure.{name}"], [report["totals"][name], words[f"definition.{name}"]]) for name in MEASURES]
    return Table("totals", words["totals"], words["figure"], columns, lines)


def _table(report: Row, name: str, language: Language) -> Table:
    rows, words = report["by"][name], WORDS[language]
    used = [one for one in MEASURES if any(row.get(one, 0) != 0 for row in rows)]
    lines = [Line(label_of(name, row, words), [row.get(one, 0) for one in used], row["key"]) for row in rows]
    title, head = words["by"].format(dimension=words[f"dimension.{name}"]), capital(words[f"dimension.{name}"])
    columns = [Column(words[f"figure.{one}"]) for one in used]
    note = " ".join([*_notes(name, words), *_coverage(report, name, language)])
    return Table(name, title, head, columns, lines, _chart(rows, used, words), note, keyed=True)


def _notes(name: str, words: Words) -> list[str]:
    return [words["month.note"]] if name == "month" else []


def _coverage(report: Row, name: str, language: Language) -> list[str]:
    """What a dimension leaves out, as a sentence; nothing where it is complete."""
    one, words = report["coverage"].get(name), WORDS[language]
    if one is None or one["known"] == one["of"]:
        return []
    dimension = capital(words[f"dimension.{name}"])
    counts = {key: value if value is None else formats.number(value, language) for key, value in one.items()}
    return [words["coverage.withheld" if one["known"] is None else "coverage"].format(dimension=dimension, **counts)]


def _chart(rows: Sequence[Row], used: Iterable[str], words: Words) -> Chart | None:
    """None where there is nothing to compare."""
    for name in CHARTED:
        values = [row.get(name, 0) for row in rows]
        if name in used and len(rows) > 1 and any(values):
            return Chart(words["chart"].format(figure=words[f"figure.{name}"]), shares(values))
    return None


def _rows(report: Row) -> list[Row]:
    crossed = report.get("cross", {"rows": []})["rows"]
    return [report["totals"], *report["cohorts"], *crossed, *(row for rows in report["by"].values() for row in rows)]
