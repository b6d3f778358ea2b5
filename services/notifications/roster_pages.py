"""The training office's pages that show people by name: an offering's roster, attendance, sheets, and the search."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.notifications.attendance_words import ATTENDANCE_WORDS
from services.notifications.roster import PRESENCES, session_of
from services.notifications.roster_lists import PARTS, Lists
from services.notifications.roster_views import Views
from services.notifications.roster_words import WORDS
from services.notifications.settings import Settings
from services.notifications.store import Database
from shared.clock import Clock
from shared.formats import LANGUAGES
from shared.live import Live
from shared.pages import Missing, Pages

Endings = Mapping[str, Callable[[Request, str], Awaitable[Response]]]
ALL_WORDS: Final = {one: {**WORDS[one], **ATTENDANCE_WORDS[one]} for one in LANGUAGES}
BLANKS: Final = 6
"""Empty lines on a sheet, for people who come without a booking."""


def router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """GET /notifications/people, and /notifications/offerings/{offering_id} with /attendance and /sheet."""
    routes = APIRouter(prefix="/notifications", include_in_schema=False)
    lists = Lists(database)
    desk = _Desk(lists, Views(lists, clock), settings)

    @routes.get("/people")
    async def people(request: Request, q: str = "") -> Response:
        return await desk.people(request, q.strip())

    @routes.get("/live/offerings/{offering_id:path}")
    async def live(request: Request, offering_id: str) -> Response:
        return desk.live.answer(request, offering_id)

    @routes.get("/offerings/{path:path}")
    async def offering(request: Request, path: str) -> Response:
        """An id may hold slashes and end like a page of ours: the longest id that is known is meant."""
        for ending, page in desk.endings.items():
            try:
                if path.endswith(ending):
                    return await page(request, path.removesuffix(ending))
            except Missing:
                continue
        return desk.pages.missing(request)

    return routes


class _Desk:
    """The pages, each from the query of its request. Raise Missing."""

    def __init__(self, lists: Lists, views: Views, settings: Settings) -> None:
        self._views = views
        self.endings: Endings = {
            "": self.roster,
            "/sheet": self.sheet,
            "/attendance": self.attendance,
        }
        self.live = Live(lists.fingerprint)
        self.pages = Pages("notifications", Path(__file__).parent / "html", ALL_WORDS, settings.zone)

    async def people(self, request: Request, asked: str) -> Response:
        """Everybody whom a search finds, with their bookings."""
        found = await self._views.people(asked)
        return self.pages.answer(request, "roster_people.html", q=asked, **found)

    async def roster(self, request: Request, offering_id: str) -> Response:
        """One list of an offering, or what a search finds on it."""
        query = request.query_params
        asked, show = query.get("q", "").strip(), query.get("show", "confirmed")
        part = next((one for one in PARTS if one == show), None)
        if part is None:
            raise Missing
        mark = await self.live.mark(offering_id)  # before the reading: what changes meanwhile is told
        if asked:
            found = await self._views.found(offering_id, asked)
        else:
            found = await self._views.part(offering_id, part, query.get("page", "1"))
        return self.pages.answer(
            request,
            "roster.html",
            **found,
            q=asked,
            part=part,
            sent="sent" in query,
            live=f"/notifications/live/offerings/{quote(offering_id)}?{urlencode({'seen': mark})}",
            **_ways(request),
        )

    async def attendance(self, request: Request, offering_id: str) -> Response:
        """The list to tick of one session."""
        query = request.query_params
        mark = await self.live.mark(offering_id)
        found = await self._views.part(offering_id, "confirmed", query.get("page", "1"))
        session = session_of(found["offering"], query.get("session", ""))
        if session is None:
            raise Missing
        return self.pages.answer(
            request,
            "roster_attendance.html",
            **found,
            session=session,
            presences=PRESENCES,
            everybody="all" in query,
            sent="sent" in query,
            live=f"/notifications/live/offerings/{quote(offering_id)}?{urlencode({'seen': mark})}",
            **_ways(request),
        )

    async def sheet(self, request: Request, offering_id: str) -> Response:
        """The sheet of one session, to be printed."""
        query = request.query_params
        found = await self._views.sheet(offering_id, query.get("page", "1"))
        session = session_of(found["offering"], query.get("session", ""))
        if session is None and query.get("session"):
            raise Missing
        return self.pages.answer(request, "roster_sheet.html", **found, session=session, blanks=BLANKS)


def _ways(request: Request) -> dict[str, Any]:
    """`here`: this page, as an action's form names it; `back`: the same, saying that something was sent."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name not in ("sent", "all")]
    path = quote(request.scope["path"])
    return {
        "here": f"{path}?{urlencode(query)}" if query else path,
        "back": f"{path}?{urlencode([*query, ('sent', '1')])}",
    }
