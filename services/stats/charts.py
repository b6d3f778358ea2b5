"""Where the bars and columns of a chart stand. Pure; `html/charts.html` draws them.

Lengths along the page are per cent of the chart's width, so that a chart is as wide as there is room and its words stay
as large as they are; heights are pixels. A figure that is withheld is a mark of a fixed size, which says nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import floor, log10
from typing import Any, Final

Figure = int | float | None
WITHHELD: Final = 6.0
"""How long a withheld figure's bar is, in per cent of the room; how high its column is, in per cent of the height."""
LONGEST: Final = 84.0
"""Per cent of the width: beside the longest bar its figure must have room."""
ROW_HEAD, BAR, GAP = 20, 10, 10
"""Pixels: the words above a row's bars, a bar, and what is between two rows."""
TOP, HEIGHT, FOOT = 18, 170, 22
"""Pixels of columns: above the highest, the highest, and the words below."""
LEFT: Final = 8.0
"""Per cent of the width that the scale's figures take."""
SHARE: Final = 0.72
"""So much of its place a group of columns fills."""
MOST_LINES: Final = 4
LONG_LABEL: Final = 42


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar or a column. Of a bar, x and width are per cent; of a column, x and width are per cent, the rest pixels."""

    series: str
    value: Figure
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs to one label, at (x, y)."""

    label: str
    x: float
    y: float
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn. `lines`: (value, y) of the scale; `peak`: group and mark with the greatest figure."""

    series: Sequence[str]
    groups: list[Group]
    height: int
    lines: list[tuple[int, float]]
    peak: tuple[str, str, int | float] | None
    withheld: bool


Row = tuple[str, Mapping[str, Any]]
"""A label, and figures by series; one that is missing is 0."""


def bars(rows: Sequence[Row], series: Sequence[str]) -> Chart:
    """One row under the other, each with a bar per series."""
    most = _most(rows, series)
    step = ROW_HEAD + BAR * len(series) + GAP
    groups = []
    for number, (label, figures) in enumerate(rows):
        top = number * step
        marks = [
            Mark(name, value, 0, top + ROW_HEAD + BAR * place, _share(value, most, LONGEST), BAR - 2)
            for place, name in enumerate(series)
            for value in [figures.get(name, 0)]
        ]
        groups.append(Group(shortened(label), 0, top + ROW_HEAD - 6, marks))
    return Chart(series, groups, step * len(rows), [], _peak(rows, series), _any_withheld(groups))


def columns(rows: Sequence[Row], series: Sequence[str]) -> Chart:
    """One group beside the other, each with a column per series, over a scale of round figures."""
    lines = scale(_most(rows, series))
    place, floor_ = (100 - LEFT) / max(1, len(rows)), TOP + HEIGHT
    width = min(place * SHARE / len(series), 6.0)
    groups = []
    for number, (label, figures) in enumerate(rows):
        middle = LEFT + place * (number + 0.5)
        marks = []
        for at, name in enumerate(series):
            height = _share(figures.get(name, 0), lines[-1], HEIGHT)
            x = middle + width * (at - len(series) / 2)
            marks.append(Mark(name, figures.get(name, 0), _round(x), floor_ - height, _round(width * 0.94), height))
        groups.append(Group(label, _round(middle), floor_ + FOOT - 6, marks))
    told = [(line, _round(floor_ - HEIGHT * line / lines[-1])) for line in lines]
    return Chart(series, groups, floor_ + FOOT, told, _peak(rows, series), _any_withheld(groups))


def scale(most: float) -> list[int]:
    """Round figures from 0 to at least `most`, at most five of them; counts have no halves."""
    rough = max(most, 1) / MOST_LINES
    power = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = int(next(one for factor in (1, 2, 5, 10) if (one := factor * power) >= rough))
    below = list(takewhile(lambda line: line < most, range(0, step * (MOST_LINES + 1), step)))
    return [*below, step * len(below)] if below else [0, step]


def shortened(label: str) -> str:
    """A label that fits beside nothing else on a phone; the table has it in full."""
    return label if len(label) <= LONG_LABEL else f"{label[: LONG_LABEL - 1].rstrip()}…"


def _most(rows: Sequence[Row], series: Sequence[str]) -> float:
    return max((value for _, value in _told(rows, series)), default=0)


def _told(rows: Sequence[Row], series: Sequence[str]) -> list[tuple[tuple[str, str], int | float]]:
    return [
        ((label, name), figures[name]) for label, figures in rows for name in series if figures.get(name) is not None
    ]


def _peak(rows: Sequence[Row], series: Sequence[str]) -> tuple[str, str, int | float] | None:
    (label, name), value = max(_told(rows, series), key=lambda one: one[1], default=(("", ""), 0))
    return (label, name, value) if value else None


def _any_withheld(groups: Iterable[Group]) -> bool:
    return any(mark.value is None for group in groups for mark in group.marks)


def _share(value: Figure, most: float, room: float) -> float:
    share = WITHHELD / 100 if value is None else value / most if most else 0
    return _round(share * room)


def _round(value: float) -> float:
    return round(value, 2)
