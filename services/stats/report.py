"""The council report (design section 4, "The report"): what may be told of a year, as the contract says it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, cast

from services.stats.columns import ALL, PERSONAL, Cell, Owner, Value
from services.stats.figures import COHORT, DIMENSIONS, LEARNING, MEASURES

NOT_GIVEN: Final = "nicht angegeben"
WITHHELD: Final = (
    "Zurückgehalten werden Zahlen, hinter denen 1 bis {most} Personen stehen, und so viele weitere, dass sich keine "
    "davon errechnen lässt."
)
MISSING: Final = {
    "course": "Zu keiner Buchung dieses Jahres ist ein Kurs bekannt.",
    "format": "Zu keiner Buchung dieses Jahres ist die Veranstaltung bekannt.",
    "topic": "Zu keinem Kurs und keinem Termin dieses Jahres wurden Themen gemeldet.",
    "competency": "Zu keinem Kurs dieses Jahres wurden Kompetenzen gemeldet.",
    "department": "Zu keiner Buchung oder Freistellung dieses Jahres wurde ein Amt gemeldet.",
    "status_group": "Zu keiner Buchung oder Freistellung dieses Jahres wurde eine Statusgruppe gemeldet.",
    "organisation": "Zu keiner Buchung dieses Jahres wurde eine Organisation gemeldet.",
}
BEFORE: Final = "Das älteste Ereignis, das vorliegt, ist vom {day:%d.%m.%Y}."
AHEAD: Final = "Das jüngste Ereignis, das vorliegt, ist vom {day:%d.%m.%Y}."
FORMATS: Final = {"in_person": "Präsenz", "online": "Online", "web_based": "WBT (Selbstlernen)", "blended": "Gemischt"}
MONTHS: Final = (
    "Januar", "Februar", "März", "April", "Mai", "Juni",
    "Juli", "August", "September", "Oktober", "November", "Dezember",
)  # fmt: skip
TOLD: Final = (*DIMENSIONS, "month")
"""The dimensions in their order."""

Row = dict[str, Any]
Figures = Mapping[str, int | float | None]
Told = Mapping[Owner, Mapping[Cell, Figures]]
"""What is told: None is withheld, a measure or a cell that is missing is 0."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; `organisation` None: the whole report. `by`: a personal dimension and an open one, crossed."""

    year: int
    organisation: str | None = None
    by: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a year; names by id. `as_of`, `since`: of the newest and the oldest event; `k`: small_cells.

    `rebuilding`: these are the figures of before, and all is being counted anew.
    """

    told: Told
    courses: Mapping[str, str] = field(default_factory=dict)
    organisations: Mapping[str, str] = field(default_factory=dict)
    as_of: datetime | None = None
    since: datetime | None = None
    k: int = 5
    rebuilding: bool = False


def is_known(organisation: str | None, known: Known) -> bool:
    """Whether anything has been heard of this organisation; None is the whole."""
    return organisation is None or organisation in known.organisations or ("organisation", organisation) in known.told


def report_of(question: Question, known: Known, zone: tzinfo) -> Row:
    """The report, whole or narrowed; of an organisation of which nothing is known, zeros."""
    organisation = question.organisation
    body = _whole(known) if organisation is None else _narrowed(organisation, known)
    return {
        "year": question.year,
        "organisation": organisation,
        "as_of": _moment(known.as_of),
        **body,
        "unavailable": _unavailable(known.told) or _period(question.year, known, zone),
        "coverage": _coverage(body["totals"]["bookings"], body["by"]),
        "since": _moment(known.since),
        "small_cells": known.k,
        **({"rebuilding": True} if known.rebuilding else {}),
        **({} if question.by is None else {"cross": _cross(question.by, known)}),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _whole(known: Known) -> Row:
    cells = known.told.get(None, {})
    cohorts = [(cell[1], figures) for cell, figures in cells.items() if cell[0] == "cohort"]
    return {
        "totals": _filled(cells.get(ALL, {}), MEASURES),
        "by": {
            name: _sorted(name, [_row(known, name, key, figures) for key, figures in _rows(known.told, name).items()])
            for name in TOLD
        },
        "cohorts": [_cohort(key, figures, known) for key, figures in sorted(cohorts, key=str)],
    }


def _narrowed(organisation: str, known: Known) -> Row:
    cells = known.told.get(("organisation", organisation), {})
    totals = _filled(cells.get(ALL, {}), MEASURES)
    by: dict[str, list[Row]] = {}
    for name in TOLD:
        told = [(cell[1], figures) for cell, figures in cells.items() if cell[0] == name and _is_shown(figures)]
        by[name] = _sorted(name, [_row(known, name, key, figures) for key, figures in told])
    if _is_shown(totals):
        by["organisation"] = [_row(known, "organisation", organisation, totals)]
    cohorts = [(cell[1], figures) for cell, figures in cells.items() if cell[0] == "cohort" and _is_shown(figures)]
    return {
        "totals": _marked(totals, known),
        "by": by,
        "cohorts": [_cohort(key, figures, known) for key, figures in sorted(cohorts, key=str)],
    }


def _rows(told: Told, name: str) -> dict[Any, Figures]:
    """The rows of a dimension of the whole report."""
    if name in PERSONAL:
        return {owner[1]: cells.get(ALL, {}) for owner, cells in told.items() if owner and owner[0] == name}
    return {cell[1]: figures for cell, figures in told.get(None, {}).items() if cell[0] == name}


def _cross(by: tuple[str, str], known: Known) -> Row:
    """Every pair of values with something in it, keys and labels in the order of the question."""
    personal = next(name for name in by if name in PERSONAL)
    rows = []
    for owner, cells in known.told.items():
        for cell, figures in cells.items():
            if owner and owner[0] == personal and cell[0] in by and _is_shown(figures):
                key = [dict([owner, cell])[name] for name in by]
                label = [_label(known, name, cast("Value", one)) for name, one in zip(by, key, strict=True)]
                rows.append(_marked({"key": key, "label": label, **_filled(figures, LEARNING)}, known))
    return {"by": [*by], "rows": sorted(rows, key=lambda row: [*map(_place, by, row["key"], row["label"])])}


def _row(known: Known, dimension: str, key: Any, figures: Figures) -> Row:  # noqa: ANN401 (of a cell)
    measures = MEASURES if dimension in PERSONAL else LEARNING
    return _marked({"key": key, "label": _label(known, dimension, key), **_filled(figures, measures)}, known)


def _filled(figures: Figures, measures: Iterable[str]) -> Row:
    return {name: figures.get(name, 0) for name in measures}


def _is_shown(figures: Figures) -> bool:
    return any(value != 0 for value in figures.values())


def _marked(row: Row, known: Known) -> Row:
    """A row with a figure withheld says why."""
    figures = (value for name, value in row.items() if name not in ("key", "label"))
    return {**row, "withheld": WITHHELD.format(most=known.k - 1)} if None in figures else row


def _cohort(key: Any, figures: Figures, known: Known) -> Row:  # noqa: ANN401 (of a cell)
    return _marked({"cohort": key[0], "offering_id": key[1], **_filled(figures, COHORT)}, known)


def _sorted(dimension: str, rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: _place(dimension, row["key"], row["label"]))


def _place(dimension: str, key: Value, label: str) -> tuple[bool, str, str]:
    """By label, for an order by figures would tell them; months in theirs; what is not given comes last."""
    return key is None, "" if dimension == "month" else label.casefold(), key or ""


def _label(known: Known, dimension: str, key: Value) -> str:
    """The name of what has a name; the id where that is not known."""
    if key is None:
        return NOT_GIVEN
    names = {"course": known.courses, "organisation": known.organisations, "format": FORMATS}
    return month_name(key, MONTHS) if dimension == "month" else names.get(dimension, {}).get(key, key)


def month_name(key: str, names: Sequence[str]) -> str:
    """Mai 2023, of 2023-05."""
    year, _, month = key.partition("-")
    return f"{names[int(month) - 1]} {year}"


def _period(year: int, known: Known, zone: tzinfo) -> dict[str, str]:
    """Why a year that ended before the first event, or begins after the last one, has no figures."""
    if known.since is None or any(_rows(known.told, name) for name in TOLD):
        return {}
    first, last = (moment.astimezone(zone) for moment in (known.since, known.as_of or known.since))
    if year < first.year:
        return {"period": BEFORE.format(day=first)}
    return {"period": AHEAD.format(day=last)} if year > last.year else {}


def _coverage(bookings: int | None, by: Mapping[str, Sequence[Row]]) -> dict[str, Row]:
    """Dimensions that are not known of every booking; from figures that are told, so that it tells no other."""
    missing = {name: row["bookings"] for name, rows in by.items() for row in rows if row["key"] is None}
    return {
        name: {"known": None if None in (bookings, some) else (bookings or 0) - some, "of": bookings}
        for name, some in missing.items()
        if some != 0
    }


def _unavailable(told: Told) -> dict[str, str]:
    """Dimensions that nobody supplied; none where there is nothing to break down."""
    return {name: MISSING[name] for name in DIMENSIONS if set(_rows(told, name)) == {None}}
