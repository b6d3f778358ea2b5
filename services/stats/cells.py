"""Which figures are withheld because few people stand behind them (design section 4, "Small cells"). Pure.

Public whatever it stands for: the totals of the whole report, its rows of course, format, topic and competency, its
cohorts, and which rows there are. Everything else is decided measure by measure, a group of related measures at once:

* In the rows of `department`, and in those of `status_group`, of the whole report: if any row's figure of a group
  stands for 1 to 4 people, the group is withheld in all rows of that dimension.
* In the rows of `organisation` and in every figure of every narrowed report: if any organisation's figure (those
  without an organisation counted as one), in any row or total, stands for 1 to 4 people, the group is withheld in all.

Why nothing can be computed: a withheld measure is withheld for all values of the dimension at once, so any of its
bookings could as well belong to another value; all that is public stays the same. Four things are needed for that:

* There are two values. A dimension with a single row repeats the totals.
* No bound from a published measure: measures that bound each other (cancelled <= bookings, persons <= participants,
  completions of web-based training <= participants; a leave has days) are one group. In the narrowed reports all but
  leave is one group, with the cohorts.
* Which rows there are says nothing. A narrowed report leaves out a row only where everything in it is published as 0,
  so it shows null rows for what others have. And a figure is null only where it may be more than 0: a measure whose
  total, or whose row in the whole report, is published as 0 is 0 here too.
* A row of the whole report whose published figures are all 0 says that something withheld is not 0. That is harmless
  while there are more things to hand out than such rows; else everything in the dimension is withheld, and if there is
  still just one thing for each row, the rows themselves are left out and the dimension is unavailable.

What it does not protect against: reports of another year, or of the same year at another time, compared with this one;
knowledge from elsewhere (who was there, that nobody was seated before this year, which department belongs to which
organisation); people who hold bookings under several departments or organisations and recognise themselves. If only
one organisation has figures at all, the whole report is its report: what is withheld in the narrowed one stands there,
and the contract does not allow to withhold it. That a figure is withheld says that one of its group is small somewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.stats.figures import CLOSED_DIMENSIONS, COHORT, LEARNING, LEAVE, MEASURES
from services.stats.tables import ENOUGH, Cell, Table, Tables

Measures = frozenset[str]
NONE: Final[Measures] = frozenset()
ALL: Final[Measures] = frozenset({*MEASURES, *COHORT})
BOUND: Final = (
    frozenset({"bookings", "cancelled"}),
    frozenset({"persons", "participants", "completions"}),
    frozenset({"waiting"}),
    frozenset({"no_shows"}),
    frozenset(LEAVE),
)
"""Measures that bound each other row by row."""
NARROWED: Final = (frozenset({*LEARNING, *COHORT}), frozenset(LEAVE))
"""The groups of the reports by organisation."""
_COUNTED: Final = frozenset(MEASURES) - {"leave_days"}
"""Measures of which 1 is one booking, or one person's leave."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What is withheld: per dimension of the whole report, and in the narrowed reports. `hidden`: without any rows."""

    rows: Mapping[str, Measures] = field(default_factory=dict)
    narrowed: Measures = NONE
    hidden: frozenset[str] = frozenset()

    def of(self, dimension: str) -> Measures:
        """What is withheld in a dimension's rows in the whole report."""
        return self.rows.get(dimension, NONE)


def decide(tables: Tables, enough: int = ENOUGH) -> Mask:
    """Decide for the whole and all narrowed reports of a year; a figure is small from 1 to below `enough` people."""
    whole = tables.whole
    masks = {name: _of_dimension(whole, name, enough) for name in CLOSED_DIMENSIONS[:-1]}
    # Where all is withheld in a dimension, the narrowed reports would else add up to it.
    narrowed = ALL if ALL in masks.values() else _small_groups(_cells(tables), NARROWED, enough)
    masks["organisation"] = _widened(whole, "organisation", narrowed) if len(whole.rows["organisation"]) > 1 else NONE
    hidden = frozenset(name for name, mask in masks.items() if _gives_away(whole, name, mask))
    return Mask(masks, narrowed | masks["organisation"], hidden)


def _of_dimension(whole: Table, dimension: str, enough: int) -> Measures:
    rows = whole.rows[dimension]
    if len(rows) < 2:  # noqa: PLR2004 - a single row repeats the totals
        return NONE
    return _widened(whole, dimension, _small_groups(rows.values(), BOUND, enough))


def _small_groups(cells: Iterable[Cell], groups: Iterable[Measures], enough: int) -> Measures:
    """The groups with a figure that stands for too few people."""
    small = {name for cell in cells for name in ALL if 0 < cell.stands_for(name) < enough}
    return NONE.union(*(group for group in groups if group & small))


def _cells(tables: Tables) -> Iterable[Cell]:
    """All figures of all narrowed reports."""
    for table in tables.narrowed.values():
        yield table.totals
        yield from table.cohorts.values()
        for rows in table.rows.values():
            yield from rows.values()


def _widened(whole: Table, dimension: str, mask: Measures) -> Measures:
    return ALL if _gives_away(whole, dimension, mask) else mask


def _gives_away(whole: Table, dimension: str, mask: Measures) -> bool:
    """Whether the rows that must hold something withheld are as many as the things there are to hold."""
    published = [name for name in MEASURES if name not in mask]
    bare = sum(not any(cell.figure(name) for name in published) for cell in whole.rows[dimension].values())
    things = sum(max(whole.totals.figure(name) for name in group & _COUNTED) for group in BOUND if group <= mask)
    return bool(mask) and bare > 0 and things <= bare


def figures_of(
    cell: Cell | None, measures: Iterable[str], mask: Measures, public: Mapping[str, object]
) -> dict[str, int | float | None]:
    """A row as it is told. `public`: what the whole report says about the same, by which a 0 is known anyway."""
    told = {}
    for name in measures:
        hidden = name in mask and public.get(name) != 0
        told[name] = None if hidden else cell.figure(name) if cell else 0
    return told


def stays(row: Mapping[str, object], measures: Iterable[str]) -> bool:
    """Whether a narrowed report shows the row."""
    return any(row[name] != 0 for name in measures)
