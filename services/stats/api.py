"""The council report over HTTP."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from services.stats.answers import Report
from services.stats.report import Question, answer
from services.stats.store import Store
from shared.openapi import says
from shared.web import Json, ProblemError


def routes(store: Store) -> APIRouter:
    """GET /stats/api/report?year=&organisation="""
    router = APIRouter(prefix="/stats/api")

    @router.get("/report", openapi_extra=says(Report, 400, 404))
    async def report(
        year: Annotated[int, Query(ge=1900, lt=2200, description="The year that is reported.")],
        organisation: Annotated[str | None, Query(description="Narrows the report to this organisation.")] = None,
    ) -> Json:
        """The council report of a year."""
        data = await store.year(year)
        # Counting a large year takes seconds: not in the event loop.
        found = await asyncio.to_thread(answer, Question(year, organisation), data, store.zone)
        if found is None:
            raise ProblemError(404, "nothing is known of this organisation", organisation=organisation)
        return Json(found)

    return router
