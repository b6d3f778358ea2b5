"""The dashboard: a year as a training office looks at it every morning; live where figures may be."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pymongo.errors import PyMongoError

from services.stats import dashboard, shown
from services.stats.dashboard import Row
from services.stats.page_words import PAGE_WORDS
from services.stats.report import Question
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.store import Store
from services.stats.view import View, view_of
from services.stats.words import WORDS
from shared.clock import Clock
from shared.formats import LANGUAGES
from shared.live import Live
from shared.pages import Missing, Pages, language_of

ALL_WORDS: Final = {one: {**WORDS[one], **PAGE_WORDS[one]} for one in LANGUAGES}
log = structlog.get_logger()


def router(reports: Reports, store: Store, settings: Settings, clock: Clock) -> APIRouter:
    """GET /stats/?year=&organisation=&only=dimension:value, and the stream of its changes."""
    routes = APIRouter(prefix="/stats", include_in_schema=False)
    pages = Pages("stats", Path(__file__).parent / "html", ALL_WORDS, settings.zone)
    site = Site(reports, store, clock)

    @routes.get("/")
    async def show(request: Request) -> Response:
        try:
            return pages.answer(request, "dashboard.html", **await site.dashboard(request))
        except Missing:
            return pages.missing(request)
        except PyMongoError as error:
            log.warning("the dashboard cannot be read", kind=type(error).__name__)
            answer = pages.answer(request, "away.html", 503)
            answer.headers["Retry-After"] = "60"
            return answer

    @routes.get("/live")
    async def live(request: Request) -> Response:
        return site.changes.answer(request)

    return routes


class Site:
    """Gathers what the page shows."""

    def __init__(self, reports: Reports, store: Store, clock: Clock) -> None:
        self._reports, self._store, self._clock = reports, store, clock
        self.changes = Live(store.positions)

    async def dashboard(self, request: Request) -> dict[str, Any]:
        """A view of a year. Raises Missing."""
        now, words = self._clock.now(), ALL_WORDS[language_of(request)]
        this_year = now.astimezone(self._store.zone).year
        view = view_of(request.query_params, this_year)
        live = f"/stats/live?seen={await self.changes.mark()}"
        known = await self._store.years()
        whole = await self._report(View(view.year))
        told = shown.snapshot(view, whole, await self._report(view), {}, words)
        if view.is_whole:
            told |= await self._sums(view.year, dashboard.years_shown(known, view.year, this_year), whole)
        there = shown.shows_seats(view, this_year)
        told |= {"titles": {}, **(shown.seats(view, await self._store.seats(now), now) if there else {})}
        return {
            **told,
            "live": live,
            "now": now,
            "view": view,
            "years": sorted({*known, view.year, this_year}),
            "shows_seats": there,
            "is_empty": not any(one.value != 0 for one in told["totals"]) and not told["cohorts"],
            "said": shown.said(told["totals"], words),
            "first": shown.first,
            "report": urlencode({name: value for name, value in view.question.items() if value is not None}),
        }

    async def _report(self, view: View) -> Row:
        """The report of this morning, whole or of an organisation. Raises Missing where that is not known."""
        report, _ = await self._reports.answer(Question(view.year, view.organisation))
        if report is None:
            raise Missing
        return report

    async def _sums(self, year: int, years: Sequence[int], whole: Row) -> dict[str, Any]:
        """The live totals of a year, and of the last years beside them."""
        found = await asyncio.gather(*(self._store.overview(one) for one in years))
        sums = {one: dashboard.summed(told) for one, told in zip(years, found, strict=True)}
        return {"totals": dashboard.totals(whole["totals"], sums[year]), "compared": dashboard.compared(sums)}
