"""The council report over HTTP, as JSON and in every other format."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response

from services.stats.answers import Report, Years
from services.stats.asked import Asked, asked
from services.stats.compared import laid_out_years
from services.stats.examples import EXAMPLES
from services.stats.layout import laid_out
from services.stats.paper import Paper, Row
from services.stats.printed import as_html, as_pdf
from services.stats.report import is_known, report_of
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.sheets import as_csv, as_xlsx
from shared.formats import Language
from shared.openapi import both, says, shown
from shared.web import Json, ProblemError

Form = Literal["csv", "xlsx", "html", "pdf"]
FORMS: Final[Mapping[Form, tuple[str, Callable[[Paper], bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
    "html": ("text/html; charset=utf-8", as_html),
    "pdf": ("application/pdf", as_pdf),
}
"""Format -> its media type, and who writes it."""
YEARS: Final = "application/vnd.lernbus.years+json"
_UNCHANGED: Final = {"304": {"description": "Nothing has been counted since this ETag."}}
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
Year = Annotated[int, Query(ge=1900, lt=2200, description="The year that is reported.")]
Until = Annotated[
    int | None,
    Query(ge=1900, lt=2200, description="The last of up to ten years side by side; `year` is the first."),
]
Organisation = Annotated[str | None, Query(description="Narrows the report to this organisation.")]
By = Annotated[
    tuple[str, ...],
    Query(
        description="Twice, for a cross table of the whole report: `department`, `status_group` or `organisation`, "
        "and `course`, `format`, `topic`, `competency` or `month`."
    ),
]
Lang = Annotated[Language, Query(description="The language of the report.")]
Kind = Annotated[Form, Path(description="The format of the file.")]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the report that is known.")]


def _asked(year: Year, until: Until = None, organisation: Organisation = None, by: By = ()) -> Asked:
    try:
        return asked(year, until, organisation, by)
    except ValueError as error:
        raise ProblemError(400, str(error)) from error


Wanted = Annotated[Asked, Depends(_asked)]


def routes(reports: Reports, settings: Settings) -> APIRouter:
    """GET /stats/api/report?year=&until=&organisation=&by=&by= and the same as report.csv, .xlsx, .html and .pdf."""
    router = APIRouter(prefix="/stats/api")

    async def told(wanted: Asked) -> tuple[Sequence[Row], str]:
        """A report for each question, and their ETag. Raises ProblemError where nothing is known."""
        known = [await reports.answer(question.year) for question in wanted.questions]
        organisation = wanted.questions[0].organisation
        if not any(is_known(organisation, one) for one in known):
            raise ProblemError(404, "nothing is known of this organisation", organisation=organisation)
        pairs = zip(wanted.questions, known, strict=True)
        found = [report_of(question, one, settings.zone) for question, one in pairs]
        return found, _tag([f"{one.state}/{one.k}" for one in known])

    @router.get("/report", openapi_extra=_says_json(), response_class=Response)
    async def report(wanted: Wanted, known: Known = None) -> Response:
        """The council report of a year, or with `until` of several. Its ETag changes when an event has been counted."""
        found, tag = await told(wanted)
        media = YEARS if wanted.side_by_side else None
        return _unchanged(tag) if _knows(known, tag) else _tagged(Json(_body(found, wanted), media_type=media), tag)

    @router.get("/report.{form}", openapi_extra=_says_files(), response_class=Response)
    async def file(form: Kind, wanted: Wanted, lang: Lang = "de", known: Known = None) -> Response:
        """The same as a file: `csv`, `xlsx`, `html` or `pdf`, in German or English."""
        found, tag = await told(wanted)
        if _knows(known, tag):
            return _unchanged(tag)
        media, write = FORMS[form]
        lay = laid_out_years if wanted.side_by_side else laid_out
        content = await asyncio.to_thread(lambda: write(lay(_body(found, wanted), lang, settings.zone)))
        name = f'inline; filename="lernbus-{wanted.name}.{form}"'
        headers = {"Content-Disposition": name, "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return _tagged(Response(content, media_type=media, headers=headers), tag)

    return router


def _body(reports: Sequence[Row], wanted: Asked) -> Row:
    """The report; or all of them, where years stand side by side."""
    if not wanted.side_by_side:
        return reports[0]
    years = [report["year"] for report in reports]
    return {"years": years, "organisation": reports[0]["organisation"], "reports": reports}


def _says_json() -> dict[str, Any]:
    """A year's report, or several under a media type of their own."""
    said, several = says(Report, 400, 404), says(Years, media=YEARS)
    told = {**said["responses"]["200"]["content"], **several["responses"]["200"]["content"]}
    said["responses"] |= {"200": {"description": "The report.", "content": told}, **_UNCHANGED}
    return {**both(said, {name: one for name, one in several.items() if name != "responses"}), **shown(EXAMPLES)}


def _says_files() -> dict[str, Any]:
    said = says(bytes, 400, 404, media="application/octet-stream")
    [schema] = said["responses"]["200"]["content"].values()
    said["responses"]["200"]["content"] |= {media.partition(";")[0]: schema for media, _ in FORMS.values()}
    said["responses"] |= _UNCHANGED
    return said


def _knows(known: str | None, tag: str) -> bool:
    """Whether the reader has it (RFC 9110, 13.1.2): weak tags are compared without their W/."""
    tags = [one.strip().removeprefix("W/") for one in (known or "").split(",")]
    return tag.removeprefix("W/") in tags or tags == ["*"]


def _unchanged(tag: str) -> Response:
    return _tagged(Response(status_code=304), tag)


def _tagged(answer: Response, tag: str) -> Response:
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _tag(states: Sequence[str]) -> str:
    """Weak: the same figures, whatever the bytes (RFC 9110, 8.8.1)."""
    return f'W/"{blake2b(" ".join(states).encode(), digest_size=12).hexdigest()}"'
