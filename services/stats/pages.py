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
from services.stats.answered import Answered
from services.stats.dashboard import Total
from services.stats.mornings import Mornings
from services.stats.page_words import PAGE_WORDS
from services.stats.report import Question, is_known, report_of
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
        self._store, self._clock, self._mornings = store, clock, Mornings(reports)
        self.changes = Live(self._fingerprint)

    async def dashboard(self, request: Request) -> dict[str, Any]:
        """A view of a year. Raises Missing."""
        now, words = self._clock.now(), ALL_WORDS[language_of(request)]
        this_year = now.astimezone(self._store.zone).year
        view = view_of(request.query_params, this_year)
        live = f"/stats/live?seen={await self.changes.mark()}"
        known, of_day = await self._store.years(), await self._mornings.of_day(view.year)
        told = self._snapshot(view, of_day or Answered({}), words)
        if view.is_whole:
            told |= await self._sums(view.year, dashboard.years_shown(known, view.year, this_year), told["totals"])
        if there := shown.shows_seats(view, this_year):
            told |= shown.seats(view, await self._store.seats(now), now)
        return {
            **told,
            "live": live,
            "now": now,
            "view": view,
            "years": sorted({*known, view.year, this_year}),
            "shows_seats": there,
            "counting": of_day is None,
            "rebuilding": (await self._store.generations()).building is not None,
            "is_empty": not any(one.value != 0 for one in told["totals"]) and not told["cohorts"],
            "said": shown.said(told["totals"], words),
            "first": shown.first,
            "report": urlencode({name: value for name, value in view.question.items() if value is not None}),
        }

    def _snapshot(self, view: View, known: Answered, words: shown.Words) -> dict[str, Any]:
        """What is told of the day. Raises Missing for an organisation of which nothing has been heard."""
        if known.state and not is_known(view.organisation, known):
            raise Missing
        whole = report_of(Question(view.year), known, self._store.zone)
        narrowed = Question(view.year, view.organisation)
        report = report_of(narrowed, known, self._store.zone) if view.organisation else whole
        told = shown.snapshot(view, whole, report, shown.crossed(view, known), words)
        return {**told, "titles": known.offerings}

    async def _sums(self, year: int, years: Sequence[int], of_day: Sequence[Total]) -> dict[str, Any]:
        """The live totals of a year, and of the last years beside them."""
        found = await asyncio.gather(*(self._store.overview(one) for one in years))
        sums = {one: dashboard.summed(told) for one, told in zip(years, found, strict=True)}
        snapshot = {one.name: one.value for one in of_day}
        return {"totals": dashboard.totals(snapshot, sums[year]), "compared": dashboard.compared(sums)}

    async def _fingerprint(self) -> object:
        return await self._store.positions(), self._mornings.late
