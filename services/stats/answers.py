"""The shape of the council report (design section 4, "The report"); None is a figure that is withheld."""

from typing import NotRequired, TypedDict


class Learning(TypedDict):
    """What the bookings of a year came to. `withheld`: why a figure is null."""

    bookings: int | None
    persons: int | None
    participants: int | None
    waiting: int | None
    cancelled: int | None
    no_shows: int | None
    completions: int | None
    withheld: NotRequired[str]


class Totals(Learning):
    """The same with educational leave."""

    leave_persons: int | None
    leave_days: float | None


class OpenRow(Learning):
    """One course, format, topic, competency or month (2023-05); key null: not given."""

    key: str | None
    label: str


class ClosedRow(Totals):
    """One department, status group or organisation; key null: not given."""

    key: str | None
    label: str


class By(TypedDict):
    """The rows of each dimension. A month has no `waiting`: that is of the end of the year."""

    course: list[OpenRow]
    format: list[OpenRow]
    topic: list[OpenRow]
    competency: list[OpenRow]
    department: list[ClosedRow]
    status_group: list[ClosedRow]
    organisation: list[ClosedRow]
    month: list[OpenRow]


class Cohort(TypedDict):
    """Those who were assigned together in that year."""

    cohort: str
    offering_id: str
    assigned: int | None
    fulfilled: int | None
    open: int | None
    withheld: NotRequired[str]


class Coverage(TypedDict):
    """Of how many of the bookings a dimension is known; None where that is withheld."""

    known: int | None
    of: int | None


class CrossRow(Learning):
    """Two values together; keys and labels in the order in which the dimensions were asked for."""

    key: list[str | None]
    label: list[str]


class Cross(TypedDict):
    """A personal dimension by an open one. A pair that is missing has no figures."""

    by: list[str]
    rows: list[CrossRow]


class Report(TypedDict):
    """The council report. `as_of` and `since`: the times of the newest and of the oldest event that were read.

    `unavailable`: why a dimension, or the whole `period`, cannot be told; `coverage`: dimensions known in part.
    `small_cells`: a figure that fewer people stand behind is withheld. `cross`: where `by` was asked for.
    `rebuilding` is there, and true, while everything is counted anew: the figures are those of before.
    """

    year: int
    organisation: str | None
    as_of: str | None
    totals: Totals
    by: By
    cohorts: list[Cohort]
    unavailable: dict[str, str]
    coverage: dict[str, Coverage]
    since: str | None
    small_cells: int
    rebuilding: NotRequired[bool]
    cross: NotRequired[Cross]


class Years(TypedDict):
    """A report for each year, in their order."""

    years: list[int]
    organisation: str | None
    reports: list[Report]
