"""The council report over HTTP, as JSON and in every other format."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response

from services.stats.answers import Report
from services.stats.layout import laid_out
from services.stats.paper import Paper
from services.stats.printed import as_html, as_pdf
from services.stats.report import Question
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.sheets import as_csv, as_xlsx
from shared.formats import Language
from shared.openapi import says
from shared.web import Json, ProblemError

Form = Literal["csv", "xlsx", "html", "pdf"]
FORMS: Final[Mapping[Form, tuple[str, Callable[[Paper], bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
    "html": ("text/html; charset=utf-8", as_html),
    "pdf": ("application/pdf", as_pdf),
}
"""Format -> its media type, and who writes it."""
_UNCHANGED: Final = {"304": {"description": "Nothing has been counted since this ETag."}}
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
Year = Annotated[int, Query(ge=1900, lt=2200, description="The year that is reported.")]
Organisation = Annotated[str | None, Query(description="Narrows the report to this organisation.")]
Lang = Annotated[Language, Query(description="The language of the report.")]
Kind = Annotated[Form, Path(description="The format of the file.")]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the report that is known.")]


def routes(reports: Reports, settings: Settings) -> APIRouter:
    """GET /stats/api/report?year=&organisation= and the same as report.csv, .xlsx, .html and .pdf."""
    router = APIRouter(prefix="/stats/api")

    @router.get("/report", openapi_extra=_says(Report), response_class=Response)
    async def report(year: Year, organisation: Organisation = None, known: Known = None) -> Response:
        """The council report of a year. Its ETag changes when an event has been counted."""
        found, state = await reports.report(Question(year, organisation))
        return _answer(lambda: Json(found), found, state, known, organisation)

    @router.get("/report.{form}", openapi_extra=_says(bytes, "application/octet-stream"), response_class=Response)
    async def file(
        form: Kind, year: Year, organisation: Organisation = None, lang: Lang = "de", known: Known = None
    ) -> Response:
        """The same as a file: `csv`, `xlsx`, `html` or `pdf`, in German or English."""
        found, state = await reports.report(Question(year, organisation))
        if found is None or known == _tag(state):
            return _answer(Response, found, state, known, organisation)
        media, write = FORMS[form]
        content = await asyncio.to_thread(lambda: write(laid_out(found, lang, settings.zone)))
        name = f'inline; filename="lernbus-{year}.{form}"'
        headers = {"Content-Disposition": name, "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return _answer(lambda: Response(content, media_type=media, headers=headers), found, state, known, organisation)

    return router


def _says(shape: object, media: str = "application/json") -> dict[str, Any]:
    said = says(shape, 400, 404, media=media)
    return {**said, "responses": {**said["responses"], **_UNCHANGED}}


def _answer(
    make: Callable[[], Response], found: object, state: str, known: str | None, organisation: str | None
) -> Response:
    if found is None:
        raise ProblemError(404, "nothing is known of this organisation", organisation=organisation)
    answer = Response(status_code=304) if known == _tag(state) else make()
    answer.headers["ETag"] = _tag(state)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _tag(state: str) -> str:
    """Weak: the same figures, whatever the bytes (RFC 9110, 8.8.1)."""
    return f'W/"{state}"'
