"""All that counts in a year, booking by booking and leave by leave, as columns: small, and quick to walk. Pure.

A line is one booking or leave that counts in the year. What it counts as is its profile, and most lines share theirs:

    profiles[profile[line]]     the figures that the line adds to
    values[dimension][...]      the line's department, status group or organisation, by columns[dimension][line]
    person[line]                a number that tells people apart
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

PERSONAL: Final = ("department", "status_group", "organisation")
"""Dimensions that say something about the person: their figures are protected."""
OPEN: Final = ("course", "format", "topic", "competency", "month")
"""Dimensions that say something about the offering."""

Value = str | None
"""A value of a dimension; None: not given."""
Cell = tuple[str, Value | tuple[str, str]]
"""What a figure is about besides its owner: ALL, (dimension, value), or ("cohort", (cohort, offering_id))."""
Owner = tuple[str, Value] | None
"""Whose figure it is: (personal dimension, value), or None for the whole.

The rows of a personal dimension in the whole report are the owners' figures about ALL, and so are the totals of an
organisation's narrowed report. Owners have cells of the open dimensions; an organisation also those of `department`,
`status_group` and `cohort`.
"""
ALL: Final[Cell] = ("all", None)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a line counts as, apart from whose it is.

    `counts`: (measure, cell) of ALL, the open dimensions and cohorts, each by 1: bookings, participants, waiting,
    cancelled, no_shows, completions, and of a cohort assigned and fulfilled. `persons` counts the different people of
    the lines with `participants`, `leave_persons` those with leave; of a cohort all three count people.
    `leave_days`: of a leave, else None.
    """

    counts: tuple[tuple[str, Cell], ...] = ()
    leave_days: float | None = None


@dataclass(slots=True)
class Columns:
    """The lines of a year."""

    profiles: list[Profile] = field(default_factory=list)
    values: dict[str, list[Value]] = field(default_factory=lambda: {name: [] for name in PERSONAL})
    profile: list[int] = field(default_factory=list)
    person: list[int] = field(default_factory=list)
    columns: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in PERSONAL})


Mask = dict[tuple[Owner, Cell], frozenset[str]]
"""The measures that are withheld of an owner about a cell; what is not in it is told."""
