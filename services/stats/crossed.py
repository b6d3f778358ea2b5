"""Lays out a cross table: a table for each leading figure to be read, a line for each pair to calculate with. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.stats.columns import PERSONAL
from services.stats.figures import LEARNING
from services.stats.paper import Column, Figure, Line, Row, Table, Words, capital
from services.stats.words import label_of

LEADING: Final = ("participants", "persons", "bookings")
MOST_COLUMNS: Final = 10
"""So many fit beside each other on A4; a dimension with more becomes the rows, or several tables."""

Values = Sequence[tuple[str | None, str]]
"""Key and label of each value of a dimension."""


def matrices(report: Row, words: Words) -> list[Table]:
    """The open dimension's values as rows, the personal one's as columns; the other way round where only that fits."""
    if not _can_be_told(report):
        return []
    cross = report["cross"]
    side, top = sorted(cross["by"], key=lambda name: name in PERSONAL)
    if len(_values(report, top, words)) > MOST_COLUMNS >= len(_values(report, side, words)):
        side, top = top, side
    figures = {frozenset(zip(cross["by"], row["key"], strict=True)): row for row in cross["rows"]}
    columns = _values(report, top, words)
    chunks = [columns[start : start + MOST_COLUMNS] for start in range(0, len(columns), MOST_COLUMNS)]
    return [
        _matrix(report, measure, (side, top), chunk, figures, words)
        for measure in LEADING
        if any(row[measure] != 0 for row in cross["rows"])
        for chunk in chunks
    ]


def _can_be_told(report: Row) -> bool:
    """Not where nobody supplied one of the two."""
    return "cross" in report and not any(name in report["unavailable"] for name in report["cross"]["by"])


def _matrix(
    report: Row,
    measure: str,
    sides: tuple[str, str],
    columns: Values,
    figures: Mapping[frozenset[tuple[str, str | None]], Row],
    words: Words,
) -> Table:
    side, top = sides
    rows, sums = ({row["key"]: row for row in report["by"][name]} for name in sides)

    def line(key: str | None, label: str) -> Line:
        pairs = (frozenset({(side, key), (top, other)}) for other, _ in columns)
        told: list[Figure] = [figures.get(pair, {}).get(measure, 0) for pair in pairs]
        return Line(label, [*told, rows[key][measure]], key)

    last = Line(words["totals"], [*(sums[key][measure] for key, _ in columns), report["totals"][measure]])
    lines = [line(*value) for value in _values(report, side, words)]
    heads = [Column(label) for _, label in columns]
    title = words["cross"].format(
        figure=words[f"figure.{measure}"], side=words[f"dimension.{side}"], top=words[f"dimension.{top}"]
    )
    return Table(
        f"cross-{measure}",
        title if len(columns) == len(sums) else f"{title}: {heads[0].head} – {heads[-1].head}",
        capital(words[f"dimension.{side}"]),
        [*heads, Column(words["totals"])],
        [*lines, last],
        note=words["cross.note"],
    )


def long_form(report: Row, words: Words) -> list[Table]:
    """Every pair with all its figures."""
    if not _can_be_told(report):
        return []
    cross = report["cross"]
    first, second = (capital(words[f"dimension.{name}"]) for name in cross["by"])
    key = words["key"]
    heads = [second, f"{key} {first}", f"{key} {second}"]
    columns = [*(Column(head, "text") for head in heads), *(Column(words[f"figure.{name}"]) for name in LEARNING)]
    lines = []
    for row in cross["rows"]:
        told = zip(cross["by"], row["key"], row["label"], strict=True)
        one, other = (label_of(name, {"key": key, "label": label}, words) for name, key, label in told)
        keys = [key or "" for key in row["key"]]
        lines.append(Line(one, [other, *keys, *(row[name] for name in LEARNING)]))
    return [Table("cross", f"{first} × {second}", first, columns, lines)]


def _values(report: Row, name: str, words: Words) -> Values:
    """The values that have a pair, as the report orders them."""
    place = report["cross"]["by"].index(name)
    there = {row["key"][place] for row in report["cross"]["rows"]}
    return [(row["key"], label_of(name, row, words)) for row in report["by"][name] if row["key"] in there]
