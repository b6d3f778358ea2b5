"""The dashboard: the council report of a year as a page, from the report's own structure, so that they never differ."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.stats.figures import COHORT, DIMENSIONS, MEASURES
from services.stats.report import Question
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.store import Store
from services.stats.words import WORDS
from shared.clock import Clock
from shared.pages import Missing, Pages

Row = Mapping[str, Any]
FIRST, LAST = 1900, 2199
"""The years that a report can be asked for."""
DIGITS: Final = 4


def router(reports: Reports, store: Store, settings: Settings, clock: Clock) -> APIRouter:
    """GET /stats/?year="""
    routes = APIRouter(prefix="/stats", include_in_schema=False)
    pages = Pages("stats", Path(__file__).parent / "html", WORDS, settings.zone)

    @routes.get("/")
    async def dashboard(request: Request, year: str = "") -> Response:
        this_year = clock.now().astimezone(settings.zone).year
        try:
            asked = _year(year) if year else this_year
        except Missing:
            return pages.missing(request)
        report, _ = await reports.answer(Question(asked))
        years = {this_year, asked, *await store.years()}
        return pages.answer(request, "dashboard.html", years=sorted(years, reverse=True), **shown(report or {}))

    return routes


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == DIGITS and FIRST <= int(text) <= LAST):
        raise Missing
    return int(text)


def shown(report: Row) -> dict[str, Any]:
    """The report as the template takes it: tables with their columns, and whether a figure is withheld anywhere."""
    missing = report["unavailable"]
    tables = [
        (dimension, _columns(rows, MEASURES), rows)
        for dimension in DIMENSIONS
        if (rows := report["by"][dimension]) and dimension not in missing
    ]
    rows = [report["totals"], *report["cohorts"], *(row for _, _, rows in tables for row in rows)]
    return {
        "report": report,
        "as_of": report["as_of"] and datetime.fromisoformat(report["as_of"]),
        "measures": MEASURES,
        "tables": tables,
        "cohort_columns": COHORT,
        "is_empty": not any(report["totals"].values()) and not report["cohorts"],
        "withheld": any("withheld" in row for row in rows),
    }


def _columns(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Without those that are 0 in every row."""
    return [name for name in names if any(row.get(name, 0) != 0 for row in rows)]
