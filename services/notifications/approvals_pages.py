"""The page behind the links of a request for approval: GET shows it and changes nothing, POST answers."""

from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pymongo.errors import DuplicateKeyError

from services.notifications import approvals
from services.notifications.approvals import Answer, Decision
from services.notifications.dates import session
from services.notifications.documents import contact_of, entry_of, message_of
from services.notifications.links import Links
from services.notifications.reader_words import WORDS
from services.notifications.state import Known
from services.notifications.store import Database
from shared.clock import Clock
from shared.errors import Unpublished
from shared.pages import Missing, Pages, language_of
from shared.publisher import Publisher
from shared.web import ProblemError

FORM_BYTES: Final = 8_192
STATUS: Final = {"replaced": 410, "expired": 410, "withdrawn": 410}
HTML: Final = Path(__file__).parent / "html"


class Approvals:
    """Reads requests for approval, and puts answers on the log."""

    def __init__(self, database: Database, publisher: Publisher, links: Links, clock: Clock, partitions: int) -> None:
        self._database, self._publisher, self._links = database, publisher, links
        self._clock, self._partitions = clock, partitions

    async def find(self, token: str) -> approvals.Request:
        """The request behind a link. Raises Missing where we have not made this link."""
        content = self._links.read(approvals.PURPOSE, token)
        found = await self._one("messages", content[0]) if content else None
        if found is None or found["kind"] != "approval_requested":
            raise Missing
        message = message_of(found)
        about, entry = await self._one("contacts", message.about), await self._one("bookings", message.booking_id)
        known, decision = (
            await self._one("offerings", message.offering_id),
            await self._one("approvals", message.message_id),
        )
        return approvals.Request(
            message=message,
            about=contact_of(about) if about else None,
            entry=entry_of(entry) if entry else None,
            offering=msgspec.convert(known, Known).offering if known else None,
            decision=msgspec.convert(decision, Decision) if decision else None,
        )

    async def answer(self, token: str, answer: Answer, reason: str | None) -> None:
        """Put an answer on the log, once; nothing where the link does not stand open. Raises Missing, Unpublished."""
        request, now = await self.find(token), self._clock.now()
        if approvals.stands(request, now) != "open":
            return
        mine = {"_id": request.message.message_id, "published": False}
        said = msgspec.to_builtins(Decision(answer=answer, at=now))
        try:
            await self._database["approvals"].update_one(mine, {"$set": said}, upsert=True)
        except DuplicateKeyError:  # the same link was answered at this moment
            return
        await self._publisher.publish([approvals.record(request, answer, reason, now, self._partitions)])
        await self._database["approvals"].update_one({"_id": mine["_id"]}, {"$set": {"published": True}})

    async def _one(self, collection: str, key: str | None) -> dict[str, Any] | None:
        return await self._database[collection].find_one({"_id": key}, {"raw": 0}) if key else None


def router(approving: Approvals, clock: Clock, zone: ZoneInfo) -> APIRouter:
    """GET and POST /notifications/approvals/{token}."""
    routes = APIRouter(prefix="/notifications/approvals", include_in_schema=False)
    pages = Pages("notifications", HTML, WORDS, zone)

    @routes.get("/{token}")
    async def show(request: Request, token: str) -> Response:
        try:
            found = await approving.find(token)
        except Missing:
            return pages.answer(request, "link_unknown.html", 404)
        return _page(pages, request, found, clock, zone)

    @routes.post("/{token}")
    async def answer(request: Request, token: str) -> Response:
        form = await form_of(request)
        said = next((one for one in get_args(Answer) if one == form.get("answer")), None)
        reason = form.get("reason", "").strip() or None
        try:
            if said is None or len(reason or "") > approvals.REASON:
                return _page(pages, request, await approving.find(token), clock, zone, 422)
            await approving.answer(token, said, reason)
        except Missing:
            return pages.answer(request, "link_unknown.html", 404)
        except Unpublished:
            return _page(pages, request, await approving.find(token), clock, zone, 503)
        return RedirectResponse(str(request.url.replace(netloc="", scheme="", query=_language(request))), 303)

    return routes


def _page(
    pages: Pages, request: Request, found: approvals.Request, clock: Clock, zone: ZoneInfo, status: int = 200
) -> Response:
    stands = approvals.stands(found, clock.now())
    offering, person = found.offering, found.about.person if found.about else None
    language = language_of(request)
    return pages.answer(
        request,
        "approval.html",
        status if status != 200 else STATUS.get(stands, 200),  # noqa: PLR2004 (the usual answer)
        stands=stands,
        failed=status,
        person=person,
        decision=found.decision,
        offering=offering,
        sessions=[session(one, language, zone) for one in offering.sessions] if offering else [],
        until=approvals.expires_at(found.message, offering) if offering else None,
        refusing=request.query_params.get("answer") == "refused",
        most=approvals.REASON,
    )


def _language(request: Request) -> str:
    return f"lang={language_of(request)}" if "lang" in request.query_params else ""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form. Raises ProblemError 413."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES:
            raise ProblemError(413, f"a form has at most {FORM_BYTES} bytes")
    try:
        fields = parse_qs(body.decode(), max_num_fields=10)
    except ValueError as error:
        raise ProblemError(400, "this is no form") from error
    return {name: values[0] for name, values in fields.items()}
