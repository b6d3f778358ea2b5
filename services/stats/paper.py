"""The council report as it is laid out: headings, tables, sentences. Every format is made from this. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from shared import formats
from shared.formats import Language

Row = Mapping[str, Any]
Words = Mapping[str, str]
Figure = int | float | None
Content = int | float | str | None
MARK: Final = "•"
"""Stands for a figure that is withheld."""


class Column(msgspec.Struct, frozen=True):
    """What stands above a column, and how what is in it is written; a change has a sign."""

    head: str
    kind: Literal["number", "change", "text"] = "number"


class Line(msgspec.Struct, frozen=True):
    """A row: its label, what stands in its columns (None is withheld), its key in the report."""

    label: str
    cells: list[Content]
    key: str | None = None


class Chart(msgspec.Struct, frozen=True):
    """A bar per row; `shares` of the longest bar, 0 to 100; None is withheld."""

    title: str
    shares: list[float | None]


class Table(msgspec.Struct, frozen=True):
    """`head` stands above the labels. `note`: a sentence about what is not known; `keyed`: its lines have keys."""

    name: str
    title: str
    head: str
    columns: list[Column]
    lines: list[Line]
    chart: Chart | None = None
    note: str = ""
    keyed: bool = False


class Group(msgspec.Struct, frozen=True):
    """The columns of a year; `shares` of the highest, 0 to 100, None where it is withheld."""

    label: str
    values: list[Figure]
    shares: list[float | None]


class Trend(msgspec.Struct, frozen=True):
    """A chart over the years; the table beside it tells the same."""

    title: str
    series: list[str]
    groups: list[Group]


class Record(msgspec.Struct, frozen=True):
    """A row of a report for machines: keys and labels by dimension (two in a cross table), figures by name."""

    year: int
    organisation: str | None
    as_of: str | None
    place: list[tuple[str, str | None, str]]
    figures: Mapping[str, Figure]


class Paper(msgspec.Struct, frozen=True):
    """A report in one language.

    `tables` to be read, the totals first; `sheets` to be calculated with; `missing`: sentences about what cannot be
    told; `method`: how it was made.
    """

    language: Language
    title: str
    state: str
    as_of: datetime | None
    tables: list[Table]
    sheets: list[Table]
    records: list[Record]
    missing: list[str]
    method: list[str]
    trend: Trend | None = None


def cell(value: Content, language: Language, kind: str = "number") -> str:
    """What stands in a cell, as people of the language write it; what is withheld is a mark."""
    if value is None or isinstance(value, str):
        return MARK if value is None else value
    if kind != "change":
        return formats.number(value, language)
    sign = "±" if value == 0 else "+" if value > 0 else "\N{MINUS SIGN}"
    return sign + formats.number(abs(value), language)


def shares(values: list[Figure]) -> list[float | None]:
    """Each of the greatest, in per cent."""
    longest = max((value for value in values if value is not None), default=0) or 1
    return [None if value is None else round(100 * value / longest, 2) for value in values]


def capital(text: str) -> str:
    """The text with a capital letter; the others stay as they are."""
    return text[:1].upper() + text[1:]
