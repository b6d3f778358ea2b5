"""The council report as text for a terminal, in German, from the structure of the contract. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

FIGURES: Final = {
    "bookings": ("Buchungen", "Buchungen, die in dem Jahr einen Platz bekamen"),
    "persons": ("Personen", "verschiedene Personen unter den Teilnahmen"),
    "participants": ("Teilnahmen", "Buchungen mit Anwesenheit in dem Jahr; ein WBT zählt mit dem Abschluss"),
    "waiting": ("wartend", "Buchungen, die am Jahresende (oder jetzt) auf der Warteliste stehen"),
    "cancelled": ("storniert", "Buchungen mit Platz aus dem Jahr, die später abgesagt wurden"),
    "no_shows": ("gefehlt", "bestätigte Buchungen, in jedem erfassten Termin abwesend"),
    "completions": ("Abschlüsse", "Buchungen, die in dem Jahr als abgeschlossen gemeldet wurden"),
    "leave_persons": ("Freigestellte", "verschiedene Personen mit Bildungsurlaub, der in dem Jahr beginnt"),
    "leave_days": ("Urlaubstage", "Tage dieses Bildungsurlaubs"),
}
DIMENSIONS: Final = {
    "course": "Kurs",
    "format": "Format",
    "topic": "Thema",
    "competency": "Kompetenz",
    "department": "Amt",
    "status_group": "Statusgruppe",
    "organisation": "Organisation",
}
COHORTS: Final = {"assigned": "zugewiesen", "fulfilled": "erfüllt", "open": "offen"}
MARK: Final = "•"
LABEL_WIDTH: Final = 52

Row = Mapping[str, Any]


def render_text(report: Mapping[str, Any], time_zone: str = "Europe/Berlin") -> str:
    """The whole report, lines ending with a newline."""
    parts = [_title(report, time_zone), _totals(report["totals"])]
    for dimension, label in DIMENSIONS.items():
        if (rows := report["by"][dimension]) and dimension not in report["unavailable"]:
            heads = {name: head for name, (head, _) in FIGURES.items() if any(row.get(name, 0) != 0 for row in rows)}
            parts.append(_table(f"Nach {label}", rows, heads))
    if report["cohorts"]:
        named = [{**row, "label": f"{row['cohort']} ({row['offering_id']})"} for row in report["cohorts"]]
        parts.append(_table("Zugewiesene Gruppen", named, COHORTS))
    parts += [*_unavailable(report["unavailable"]), *_coverage(report.get("coverage", {})), *_withheld(report)]
    return "\n\n".join(parts) + "\n"


def number(value: float | None) -> str:
    """A figure as Germans write it: 1.234,5; what is withheld is a mark."""
    if value is None:
        return MARK
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,"))


def _title(report: Mapping[str, Any], time_zone: str) -> str:
    title = f"Fortbildung {report['year']}: Bericht an den Rat"
    if report["organisation"] is not None:
        rows = report["by"].get("organisation") or [{"label": report["organisation"]}]
        title += f", {rows[0]['label']}"
    as_of = "noch ohne Daten"
    if report["as_of"]:
        moment = datetime.fromisoformat(report["as_of"]).astimezone(ZoneInfo(time_zone))
        as_of = f"Stand: {moment:%d.%m.%Y, %H:%M} Uhr"
    return f"{title}\n{'=' * len(title)}\n{as_of}"


def _totals(totals: Row) -> str:
    width = max(len(number(totals[name])) for name in FIGURES)
    lines = (f"  {label:<13} {number(totals[name]):>{width}}   {what}" for name, (label, what) in FIGURES.items())
    return "\n".join(["Insgesamt", *lines])


def _table(title: str, rows: Sequence[Row], heads: Mapping[str, str]) -> str:
    """A table with these columns: {name in the row: head}."""
    labels = [_short(row["label"]) for row in rows]
    wide = max(len(label) for label in (title, *labels))
    widths = {name: max(len(heads[name]), *(len(number(row.get(name, 0))) for row in rows)) for name in heads}
    head = "  ".join([f"{title:<{wide}}", *(f"{heads[name]:>{widths[name]}}" for name in heads)])
    body = (
        "  ".join([f"{label:<{wide}}", *(f"{number(row.get(name, 0)):>{widths[name]}}" for name in heads)])
        for label, row in zip(labels, rows, strict=True)
    )
    return "\n".join([head, "-" * len(head), *body])


def _short(label: str) -> str:
    return label if len(label) <= LABEL_WIDTH else label[: LABEL_WIDTH - 1] + "…"


def _unavailable(unavailable: Mapping[str, str]) -> list[str]:
    if not unavailable:
        return []
    lines = (f"  {DIMENSIONS.get(name, 'Zeitraum')}: {why}" for name, why in unavailable.items())
    return ["\n".join(["Diese Aufschlüsselungen liegen nicht vor", *lines])]


def _coverage(coverage: Mapping[str, Row]) -> list[str]:
    """Dimensions that are not known of all bookings."""
    told = {DIMENSIONS[name]: one for name, one in coverage.items() if one["known"] is not None}
    lines = (f"  {label}: bekannt zu {number(one['known'])} von {number(one['of'])}" for label, one in told.items())
    return ["\n".join(["Nicht zu allen Buchungen gemeldet", *lines])] if told else []


def _withheld(report: Mapping[str, Any]) -> list[str]:
    rows = [report["totals"], *report["cohorts"], *(row for rows in report["by"].values() for row in rows)]
    why = next((row["withheld"] for row in rows if "withheld" in row), None)
    return [f"{MARK} {why}"] if why else []
