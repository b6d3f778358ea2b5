"""Lays out the reports of several years side by side. Pure."""

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Final

from services.stats.columns import PERSONAL
from services.stats.figures import LEARNING, LEAVE, MEASURES
from services.stats.layout import available, cohorts, method, missing, moment, records, state_of, title_of
from services.stats.paper import Column, Content, Figure, Group, Line, Paper, Row, Table, Trend, Words, capital, shares
from services.stats.report import TOLD
from services.stats.words import WORDS, label_of
from shared.formats import Language

LEADING: Final = ("participants", "persons", "bookings")
"""Of these the years are drawn, and a dimension is printed; leave besides where it has rows."""
WITH_CHANGES: Final = 4
"""Up to so many years, each stands with its difference from the one before; else only the last from the first."""

Series = Sequence[Figure]
"""A figure of each year."""


def laid_out_years(told: Row, language: Language, zone: tzinfo) -> Paper:
    """Years as columns; a record for each row of each year."""
    reports, words = told["reports"], WORDS[language]
    years = [report["year"] for report in reports]
    oldest = min(reports, key=lambda report: report["as_of"] or "")
    span = str(years[0]) if len(years) == 1 else words["span"].format(first=years[0], last=years[-1])
    totals, assigned = _totals(reports, years, words), cohorts(reports, words)
    printed = [_table(reports, name, [measure], words) for name, measure in _leading(reports)]
    wide = [_table(reports, name, _used(reports, name), words, keyed=True) for name in TOLD]
    ends = [assigned] if assigned.lines else []
    return Paper(
        language=language,
        title=title_of(reports, span, words),
        state=state_of(oldest, language, zone),
        as_of=moment(oldest["as_of"]),
        tables=[totals, *printed, *ends, _definitions(words)],
        sheets=[totals, *(table for table in wide if table.lines), *ends],
        records=[record for report in reports for record in records(report, words)],
        missing=_missing(reports, language, zone),
        method=[*method(reports, words), words["method.change" if len(years) <= WITH_CHANGES else "method.span"]],
        trend=_trend(reports, words),
    )


def spread(values: Series) -> list[Content]:
    """The figures of the years, with their differences; what has no difference that may be told is withheld."""
    if len(values) > WITH_CHANGES:
        return [*values, _change(values[0], values[-1])]
    told: list[Content] = [*values[:1]]
    for before, after in pairwise(values):
        told += [after, _change(before, after)]
    return told


def _heads(years: Sequence[int], named: str = "") -> list[Column]:
    """What stands above a spread; `named` where figures of several kinds stand beside each other."""
    heads = [Column(f"{named} {year}".strip()) for year in years]
    if len(years) > WITH_CHANGES:
        return [*heads, Column(f"{named} ± {years[0]}–{years[-1]}".strip(), "change")]
    told = heads[:1]
    for head, year in zip(heads[1:], years[1:], strict=True):
        told += [head, Column(f"{named} ± {year}".strip(), "change")]
    return told


def _change(before: Figure, after: Figure) -> Figure:
    return None if before is None or after is None else round(after - before, 6)


def _totals(reports: Sequence[Row], years: Sequence[int], words: Words) -> Table:
    lines = [Line(words[f"figure.{name}"], spread([report["totals"][name] for report in reports])) for name in MEASURES]
    return Table("totals", words["totals"], words["figure"], _heads(years), lines)


def _definitions(words: Words) -> Table:
    lines = [Line(words[f"figure.{name}"], [words[f"definition.{name}"]]) for name in MEASURES]
    columns = [Column(words["definition"], "text")]
    return Table("definitions", words["definitions"], words["figure"], columns, lines)


def _leading(reports: Sequence[Row]) -> list[tuple[str, str]]:
    """The dimensions that are printed, and the figures of each."""
    return [
        (name, measure)
        for name in TOLD
        for measure in (*LEADING, *(LEAVE[:1] if name in PERSONAL else ()))
        if measure in _used(reports, name)
    ]


def _used(reports: Sequence[Row], name: str) -> list[str]:
    """The figures that are not 0 everywhere; none of a dimension that nobody supplied in any of the years."""
    rows = [row for report in reports for row in report["by"][name]]
    if not any(name in available(report) and report["by"][name] for report in reports):
        return []
    return [one for one in (MEASURES if name in PERSONAL else LEARNING) if any(row.get(one, 0) != 0 for row in rows)]


def _table(reports: Sequence[Row], name: str, measures: Sequence[str], words: Words, *, keyed: bool = False) -> Table:
    """The years of these figures, beside each other; with keys, to be calculated with."""
    years = [report["year"] for report in reports]
    key_of = _month_of if name == "month" else _key_of
    found = [{key_of(row): row for row in report["by"][name]} for report in reports]
    labels = {key_of(row): label_of(name, row, words, of_year=False) for told in found for row in told.values()}
    lines = []
    for key in sorted(labels, key=lambda key: (key is None, "" if name == "month" else labels[key].casefold(), key)):
        cells = [spread([told.get(key, {}).get(measure, 0) for told in found]) for measure in measures]
        lines.append(Line(labels[key], [one for some in cells for one in some], key))
    single = "" if keyed else words[f"figure.{measures[0]}"]
    columns = [one for measure in measures for one in _heads(years, "" if single else words[f"figure.{measure}"])]
    title = words["by"].format(dimension=words[f"dimension.{name}"])
    head, there = capital(words[f"dimension.{name}"]), lines if measures else []
    return Table(name, f"{title}: {single}" if single else title, head, columns, there, keyed=keyed)


def _key_of(row: Row) -> str | None:
    key: str | None = row["key"]
    return key


def _month_of(row: Row) -> str | None:
    """05 of 2023-05: the same month of every year."""
    return str(row["key"])[5:]


def _missing(reports: Sequence[Row], language: Language, zone: tzinfo) -> list[str]:
    """What all years lack, once; else with the year."""
    told = [missing(report, language, zone) for report in reports]
    common = [one for one in told[0] if len(told) > 1 and all(one in some for some in told)]
    rest = (
        f"{report['year']}: {one}"
        for report, some in zip(reports, told, strict=True)
        for one in some
        if one not in common
    )
    return [*common, *rest]


def _trend(reports: Sequence[Row], words: Words) -> Trend | None:
    """None for a single year, and where there is nothing to draw."""
    series = [[report["totals"][name] for name in LEADING] for report in reports]
    if len(reports) < 2 or not any(value for values in series for value in values):  # noqa: PLR2004 (side by side)
        return None
    drawn = shares([value for values in series for value in values])
    groups = [
        Group(str(report["year"]), values, drawn[place * len(LEADING) : (place + 1) * len(LEADING)])
        for place, (report, values) in enumerate(zip(reports, series, strict=True))
    ]
    names = [words[f"figure.{name}"] for name in LEADING]
    return Trend(words["trend"].format(figures=", ".join(names)), names, groups)
