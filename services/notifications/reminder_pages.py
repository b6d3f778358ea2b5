"""`/notifications/offerings/{id}/reminders`: when the people of one offering are reminded; no script needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.notifications.editor import form_of
from services.notifications.lead_times import LeadTimes
from services.notifications.lists import titles
from services.notifications.reminder_words import REMINDER_WORDS
from services.notifications.settings import Settings
from services.notifications.store import Database
from shared.pages import HEADERS, Missing, Pages, language_of

MOST: Final = 5
LONGEST: Final = 365


class ReminderPages:
    """One form per offering."""

    def __init__(self, database: Database, settings: Settings, lead_times: LeadTimes) -> None:
        self._database, self._lead_times = database, lead_times
        self.pages = Pages("notifications", Path(__file__).parent / "html", REMINDER_WORDS, settings.zone)

    async def form(self, request: Request, offering_id: str) -> Response:
        """What counts now. Raises Missing."""
        days, own = await self._lead_times.of(offering_id)
        given = ", ".join(map(str, days))
        return await self._answer(request, offering_id, given, own=own, done=request.query_params.get("done", ""))

    async def act(self, request: Request, offering_id: str) -> Response:
        """Save the days, or use those in general. Raises Missing."""
        await self._title(offering_id)
        form = await form_of(request)
        given = form.get("days", "")
        days = None if form.get("action") == "general" else days_of(given)
        if days is None and form.get("action") != "general":
            _, own = await self._lead_times.of(offering_id)
            return await self._answer(request, offering_id, given, own=own, wrong=True)
        await self._lead_times.set(offering_id, days)
        chosen = f"&lang={language_of(request)}" if request.query_params.get("lang") else ""
        return RedirectResponse(f"{quote(path_of(offering_id))}/reminders?done=saved{chosen}", 303, HEADERS)

    async def _answer(
        self, request: Request, offering_id: str, given: str, *, wrong: bool = False, **more: Any
    ) -> Response:
        title = await self._title(offering_id)
        values = {"title": title, "path": path_of(offering_id), "given": given, "wrong": wrong, "done": "", **more}
        return self.pages.answer(request, "reminders.html", 422 if wrong else 200, **values)

    async def _title(self, offering_id: str) -> str:
        found = await titles(self._database, {offering_id})
        if offering_id not in found:
            raise Missing
        return found[offering_id]


def days_of(text: str) -> Sequence[int] | None:
    """The numbers of a list such as "7, 1"; None: it is none."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if len(parts) > MOST or not all(part.isascii() and part.isdigit() and len(part) <= MOST for part in parts):
        return None
    days = sorted({int(part) for part in parts}, reverse=True)
    return None if days and days[0] > LONGEST else days


def path_of(offering_id: str) -> str:
    """The offering's page, not quoted yet."""
    return f"/notifications/offerings/{offering_id}"


def router(database: Database, settings: Settings, lead_times: LeadTimes) -> APIRouter:
    """GET and POST /notifications/offerings/{offering_id}/reminders."""
    site = ReminderPages(database, settings, lead_times)
    routes = APIRouter(prefix="/notifications", include_in_schema=False)

    @routes.get("/offerings/{offering_id:path}/reminders")
    async def form(request: Request, offering_id: str) -> Response:
        try:
            return await site.form(request, offering_id)
        except Missing:
            return site.pages.missing(request)

    @routes.post("/offerings/{offering_id:path}/reminders")
    async def act(request: Request, offering_id: str) -> Response:
        try:
            return await site.act(request, offering_id)
        except Missing:
            return site.pages.missing(request)

    return routes
