"""The council report (design section 4, "The report"): tables and labels as the structure of the contract. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from services.stats.cells import NONE, Mask, decide, figures_of, stays
from services.stats.figures import CLOSED_DIMENSIONS, COHORT, DIMENSIONS, LEARNING, LEAVE, MEASURES
from services.stats.tables import Data, Key, Table, Tables, tabulate

NOT_GIVEN: Final = "nicht angegeben"
WITHHELD: Final = (
    "Zurückgehalten werden Zahlen, hinter denen 1 bis 4 Personen stehen, und so viele weitere, dass sich keine davon "
    "errechnen lässt."
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
FORMATS: Final = {"in_person": "Präsenz", "online": "Online", "web_based": "WBT (Selbstlernen)", "blended": "Gemischt"}
_NOTHING: Final = Table()

Row = dict[str, Any]
Labels = Mapping[str, Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; `organisation` None: the whole report."""

    year: int
    organisation: str | None = None


def answer(question: Question, data: Data, zone: tzinfo) -> dict[str, Any] | None:
    """Count, decide what is withheld, and tell. None: nothing is known of this organisation."""
    tables = tabulate(data, question.year, zone)
    known = (None, *data.organisations, *tables.narrowed)
    return council_report(question, data, tables, decide(tables), zone) if question.organisation in known else None


def council_report(question: Question, data: Data, tables: Tables, mask: Mask, zone: tzinfo) -> dict[str, Any]:
    """The report, whole or narrowed."""
    body = (
        _whole(data, tables, mask)
        if question.organisation is None
        else _narrowed(question.organisation, data, tables, mask)
    )
    return {
        "year": question.year,
        "organisation": question.organisation,
        "as_of": _moment(data.as_of),
        **body,
        "unavailable": _unavailable(tables.whole) or _before(question.year, tables.whole, data.since, zone),
        "coverage": _coverage(body["totals"]["bookings"], body["by"]),
        "since": _moment(data.since),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _whole(data: Data, tables: Tables, mask: Mask) -> dict[str, Any]:
    whole, labels = tables.whole, _labels(data)
    return {
        "totals": figures_of(whole.totals, MEASURES, NONE, {}),
        "by": {name: _public_rows(name, whole, mask, labels) for name in DIMENSIONS},
        "cohorts": [
            {**_cohort(key), **figures_of(cell, COHORT, NONE, {})} for key, cell in sorted(whole.cohorts.items())
        ],
    }


def _public_rows(dimension: str, whole: Table, mask: Mask, labels: Labels) -> list[Row]:
    measures, totals = _measures(dimension), figures_of(whole.totals, MEASURES, NONE, {})
    told = (
        (key, figures_of(cell, measures, mask.of(dimension), totals | _never(dimension, key)))
        for key, cell in whole.rows[dimension].items()
    )
    return _sorted(_row(labels, dimension, key, figures) for key, figures in told)


def _never(dimension: str, key: Key) -> Row:
    """Figures that everybody knows to be 0: a leave always has an organisation."""
    return dict.fromkeys(LEAVE, 0) if (dimension, key) == ("organisation", None) else {}


def _narrowed(organisation_id: str, data: Data, tables: Tables, mask: Mask) -> dict[str, Any]:
    """One organisation's report. Without a row in the whole report it has no figures, and everybody can see that."""
    is_listed = organisation_id in tables.whole.rows["organisation"]
    own = tables.narrowed.get(organisation_id, _NOTHING)
    public = _whole(data, tables, mask) if is_listed else _whole(Data(), Tables(), mask)
    withheld, labels = mask.narrowed, _labels(data)
    totals = figures_of(own.totals, MEASURES, withheld, public["totals"])
    by: dict[str, list[Row]] = {}
    for dimension, rows in public["by"].items():
        measures = _measures(dimension)
        told = ((row, own.rows[dimension].get(row["key"])) for row in rows)
        narrowed = [(row["key"], figures_of(cell, measures, withheld, row)) for row, cell in told]
        by[dimension] = [_row(labels, dimension, key, figures) for key, figures in narrowed if stays(figures, measures)]
    by["organisation"] = [_row(labels, "organisation", organisation_id, totals)] if stays(totals, MEASURES) else []
    cohorts = (
        {**row, **figures_of(own.cohorts.get((row["cohort"], row["offering_id"])), COHORT, withheld, row)}
        for row in public["cohorts"]
    )
    return {
        "totals": _marked(totals),
        "by": by,
        "cohorts": [_marked(row) for row in cohorts if stays(row, COHORT)],
    }


def _measures(dimension: str) -> tuple[str, ...]:
    return MEASURES if dimension in CLOSED_DIMENSIONS else LEARNING


def _row(labels: Labels, dimension: str, key: Key, figures: Row) -> Row:
    return _marked({"key": key, "label": NOT_GIVEN if key is None else labels.get(dimension, str)(key), **figures})


def _marked(row: Row) -> Row:
    """A row with a figure withheld says why."""
    figures = (value for name, value in row.items() if name not in ("key", "label"))
    return {**row, "withheld": WITHHELD} if None in figures else row


def _cohort(key: tuple[str, str]) -> Row:
    return {"cohort": key[0], "offering_id": key[1]}


def _sorted(rows: Iterable[Row]) -> list[Row]:
    """By label, for an order by figures would tell them; what is not given comes last."""
    return sorted(rows, key=lambda row: (row["key"] is None, row["label"].casefold(), row["key"] or ""))


def _labels(data: Data) -> Labels:
    """Names of what has names; the id where the name is not known."""
    return {
        "course": lambda key: data.courses[key].title if key in data.courses else key,
        "organisation": lambda key: data.organisations[key].name if key in data.organisations else key,
        "format": lambda key: FORMATS.get(key, key),
    }


def _before(year: int, whole: Table, since: datetime | None, zone: tzinfo) -> dict[str, str]:
    """Why a year that ended before the first event has no figures."""
    if since is None or year >= since.astimezone(zone).year or any(whole.rows.values()):
        return {}
    return {"period": f"Das älteste Ereignis, das vorliegt, ist vom {since.astimezone(zone):%d.%m.%Y}."}


def _coverage(bookings: int | None, by: Mapping[str, Sequence[Row]]) -> dict[str, Row]:
    """Dimensions that are not known of every booking; from figures that are told, so that it tells no other."""
    missing = {name: row["bookings"] for name, rows in by.items() for row in rows if row["key"] is None}
    return {
        name: {"known": None if None in (bookings, some) else (bookings or 0) - some, "of": bookings}
        for name, some in missing.items()
        if some != 0
    }


def _unavailable(whole: Table) -> dict[str, str]:
    """Dimensions that nobody supplied; none where there is nothing to break down."""
    return {name: MISSING[name] for name in DIMENSIONS if set(whole.rows[name]) == {None}}
