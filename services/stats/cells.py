"""Which figures are withheld because few people stand behind them (design section 4, "Small cells"). Pure.

Public whatever it stands for: the totals of the whole report, its rows of course, format, topic and competency, its
cohorts, and which rows there are. Everything else is decided measure by measure, a group of related measures at once:

* In the rows of `department`, and in those of `status_group`, of the whole report: if any row's figure of a group
  stands for 1 to 4 people, the group is withheld in all rows of that dimension.
* In the rows of `organisation` and in every figure of every narrowed report: if any organisation's figure (those
  without an organisation counted as one), in any row or total, stands for 1 to 4 people, the group is withheld in all.

Why nothing can be computed: a withheld measure is withheld for all values of the dimension at once, so any of its
bookings could as well belong to another value; all that is public stays the same. Four things are needed for that:

* There are two values: a dimension with a single row repeats the totals.
* No bound from a published measure. Measures that bound each other (persons <= participants, completions of web-based
  training <= participants, a leave has days) are one group. Bookings bound the cancelled ones, the participants and
  the no-shows (nearly always: a seat may be from an earlier year). So these are never told without bookings, and if
  one of them is withheld, bookings are told only where that leaves room: every row has some, and not all are part of
  it. In the narrowed reports all but leave is one group, with the cohorts.
* Which rows there are says nothing. A narrowed report leaves out a row only where everything in it is published as 0,
  so it shows null rows for what others have. And a figure is null only where it may be more than 0: a measure whose
  total, or whose row in the whole report, is published as 0 is 0 here too.
* A row of the whole report whose published figures are all 0 says that something withheld is not 0. That is harmless
  while there are more bookings and leaves to hand out than such rows; else all is withheld in the dimension.

What it does not protect against: reports of another year, or of the same year at another time, compared with this
one; knowledge from elsewhere (who was there, which department belongs to which organisation, that nobody was seated
before this year, so that no-shows are at most the bookings without the participants); people who hold bookings under
several departments or organisations and recognise themselves. That a figure is withheld says that one of its group is
small somewhere. And in two cases the contract itself tells all, because it publishes the totals and the rows: if only
one organisation has figures, the whole report is its report, whatever is withheld in the narrowed one; and if there is
just one booking or leave for each row, every row holds one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.stats.figures import COHORT, LEARNING, LEAVE, MEASURES
from services.stats.tables import ENOUGH, Cell, Table, Tables

Measures = frozenset[str]
NONE: Final[Measures] = frozenset()
ALL: Final[Measures] = frozenset({*MEASURES, *COHORT})
GROUPS: Final = (
    frozenset({"bookings"}),
    frozenset({"cancelled"}),
    frozenset({"persons", "participants", "completions"}),
    frozenset({"no_shows"}),
    frozenset({"waiting"}),
    frozenset(LEAVE),
)
"""Measures that are told or withheld together in a dimension of the whole report."""
BOOKED: Final = frozenset(LEARNING) - {"waiting"}
"""Bookings, and what they bound."""
NARROWED: Final = (frozenset({*LEARNING, *COHORT}), frozenset(LEAVE))
"""The groups of the reports by organisation."""
_THINGS: Final = (
    BOOKED - {"persons"},
    frozenset({"waiting"}),
    frozenset({"leave_persons"}),
)
"""Measures that may count the same booking again, kind by kind."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What is withheld: per dimension of the whole report, and in the narrowed reports."""

    rows: Mapping[str, Measures] = field(default_factory=dict)
    narrowed: Measures = NONE

    def of(self, dimension: str) -> Measures:
        """What is withheld in a dimension's rows in the whole report."""
        return self.rows.get(dimension, NONE)


def decide(tables: Tables, enough: int = ENOUGH) -> Mask:
    """Decide for the whole and all narrowed reports of a year; a figure is small from 1 to below `enough` people."""
    whole = tables.whole
    small = {name: _small_groups(whole.rows[name].values(), GROUPS, enough) for name in ("department", "status_group")}
    masks = {name: _widened(whole, name, _with_bookings(whole, name, mask)) for name, mask in small.items()}
    # Where all is withheld in a dimension, the narrowed reports would else add up to it.
    narrowed = ALL if ALL in masks.values() else _small_groups(_cells(tables), NARROWED, enough)
    masks["organisation"] = _widened(whole, "organisation", narrowed)
    return Mask(masks, narrowed | masks["organisation"])


def _with_bookings(whole: Table, dimension: str, mask: Measures) -> Measures:
    """Withhold bookings and all that they bound together where one of them would tell too much of another."""
    parts, bookings = mask & BOOKED, whole.totals.figure("bookings")
    everywhere = all(cell.figure("bookings") for cell in whole.rows[dimension].values())
    leaves_room = everywhere and all(whole.totals.figure(name) < bookings for name in parts)
    return mask | BOOKED if parts and ("bookings" in parts or not leaves_room) else mask


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
    """What is withheld in the rows of a dimension: all of it where the rows there are would tell too much."""
    rows = whole.rows[dimension].values()
    if len(rows) < 2 or not mask:  # noqa: PLR2004 - a single row repeats the totals
        return NONE
    bare = sum(not any(cell.figure(name) for name in MEASURES if name not in mask) for cell in rows)
    return ALL if bare and _things(whole, mask) <= bare else mask


def _things(whole: Table, mask: Measures) -> int | float:
    """At least so many bookings and leaves are behind what is withheld."""
    return sum(max((whole.totals.figure(name) for name in kind & mask), default=0) for kind in _THINGS)


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
