"""The training office's pages: all messages, and one message as its reader sees it. Names and addresses appear here."""

from pathlib import Path
from typing import Any, Final, get_args

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.notifications import lists
from services.notifications.messages import Kind, MessageStatus
from services.notifications.resend import AGAIN, resend
from services.notifications.settings import Settings
from services.notifications.store import Database
from services.notifications.words import WORDS
from shared.clock import Clock
from shared.guard import user_of
from shared.live import Live
from shared.pages import HEADERS, Missing, Pages, language_of

MAIL_HEADERS: Final = {
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
}
"""A mail's HTML has its style in itself; the frame that it stands in lets no script run."""
FIELDS: Final = {"kind": "kind", "status": "status", "person": "person_id", "offering": "offering_id"}
"""What the form asks for -> the field of a message."""
PERIOD: Final = ("since", "until")
LIVE: Final = "/notifications/live"


class Office:
    """The pages of the messages."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database, self._zone, self._clock = database, settings.zone, clock
        self.pages = Pages("notifications", Path(__file__).parent / "html", WORDS, settings.zone)

        async def look(*message_id: str) -> object:
            return await lists.fingerprint(database, *message_id)

        self.changes = Live(look)

    async def messages(self, request: Request, before: str, after: str) -> Response:
        """One page of the list. Raises Missing."""
        live = f"{LIVE}/messages?seen={await self.changes.mark()}"
        asked = {name: request.query_params.get(name, "").strip() for name in (*FIELDS, *PERIOD)}
        query: dict[str, Any] = {field: asked[name] for name, field in FIELDS.items() if asked[name]}
        if orders := lists.Period(asked["since"], asked["until"]).orders(self._zone):
            query["order"] = orders
        piece = await lists.newest(self._database, query, before, after)
        named = {one.offering_id for one in piece.messages if one.offering_id is not None}
        now = self._clock.now()
        return self.pages.answer(
            request,
            "messages.html",
            live=live,
            piece=piece,
            asked=asked,
            moved=bool(before or after),
            titles=await lists.titles(self._database, named),
            kinds=get_args(Kind),
            statuses=get_args(MessageStatus),
            numbers=await lists.numbers(self._database, now),
            now=now,
        )

    async def message(self, request: Request, message_id: str, status: int = 200, refused: str = "") -> Response:
        """One message. Raises Missing."""
        live = f"{LIVE}/messages/{message_id}?seen={await self.changes.mark(message_id)}"
        message, mail, resent = await lists.message(self._database, message_id)
        titles = await lists.titles(self._database, {message.offering_id} if message.offering_id else set())
        answer = self.pages.answer(
            request,
            "message.html",
            status,
            live=live,
            message=message,
            mail=mail,
            resent=resent,
            title=titles.get(message.offering_id or ""),
            may_resend=message.status in AGAIN,
            refused=refused,
            was_asked=request.query_params.get("asked") == "1",
        )
        if mail and mail.html:
            answer.headers.update(MAIL_HEADERS)
        return answer

    async def resend(self, request: Request, message_id: str) -> Response:
        """Plan it again, and go back to it. Raises Missing."""
        refused = await resend(self._database, message_id, user_of(request), self._clock.now(), self._zone)
        if refused is not None:
            return await self.message(request, message_id, 409, refused)
        chosen = f"&lang={language_of(request)}" if request.query_params.get("lang") else ""
        return RedirectResponse(f"/notifications/messages/{message_id}?asked=1{chosen}", 303, HEADERS)


def router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """GET /notifications/, GET /notifications/messages/{message_id}, POST .../resend, and their live changes."""
    routes = APIRouter(prefix="/notifications", include_in_schema=False)
    site = Office(database, settings, clock)

    @routes.get("/")
    async def messages(request: Request, before: str = "", after: str = "") -> Response:
        try:
            return await site.messages(request, before, after)
        except Missing:
            return site.pages.missing(request)

    @routes.get("/messages/{message_id}")
    async def message(request: Request, message_id: str) -> Response:
        try:
            return await site.message(request, message_id)
        except Missing:
            return site.pages.missing(request)

    @routes.post("/messages/{message_id}/resend")
    async def send_again(request: Request, message_id: str) -> Response:
        try:
            return await site.resend(request, message_id)
        except Missing:
            return site.pages.missing(request)

    @routes.get("/live/messages")
    async def live_list(request: Request) -> Response:
        return site.changes.answer(request)

    @routes.get("/live/messages/{message_id}")
    async def live_message(request: Request, message_id: str) -> Response:
        return site.changes.answer(request, message_id)

    return routes
