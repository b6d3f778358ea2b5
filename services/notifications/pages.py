"""The training office's pages: all messages, and one message as its reader sees it. Names and addresses appear here."""

from pathlib import Path
from typing import Any, Final, get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.notifications import lists
from services.notifications.messages import Kind, MessageStatus
from services.notifications.settings import Settings
from services.notifications.store import Database
from services.notifications.words import WORDS
from shared.pages import HEADERS, Missing, Pages

MAIL_HEADERS: Final = {
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
}
"""A mail's HTML has its style in itself; the frame that it stands in lets no script run."""
FIELDS: Final = {"kind": "kind", "status": "status", "person": "person_id", "offering": "offering_id"}
"""What the form asks for -> the field of a message."""


def router(database: Database, settings: Settings) -> APIRouter:
    """GET /notifications/ and /notifications/messages/{message_id}."""
    routes = APIRouter(prefix="/notifications", include_in_schema=False)
    pages = Pages("notifications", Path(__file__).parent / "html", WORDS, settings.zone)

    @routes.get("/")
    async def messages(request: Request, before: str = "", after: str = "") -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
        try:
            found = await _messages(database, asked, before, after)
        except Missing:
            return pages.missing(request)
        return pages.answer(request, "messages.html", **found)

    @routes.get("/messages/{message_id}")
    async def message(request: Request, message_id: str) -> Response:
        try:
            found = await _message(database, message_id)
        except Missing:
            return pages.missing(request)
        return pages.answer(request, "message.html", **found)

    return routes


async def _messages(database: Database, asked: dict[str, str], before: str, after: str) -> dict[str, Any]:
    query = {FIELDS[name]: value for name, value in asked.items() if value}
    piece = await lists.newest(database, query, before, after)
    named = {one.offering_id for one in piece.messages if one.offering_id is not None}
    return {
        "piece": piece,
        "asked": asked,
        "moved": bool(before or after),
        "titles": await lists.titles(database, named),
        "kinds": get_args(Kind),
        "statuses": get_args(MessageStatus),
    }


async def _message(database: Database, message_id: str) -> dict[str, Any]:
    message, mail = await lists.message(database, message_id)
    titles = await lists.titles(database, {message.offering_id} if message.offering_id else set())
    return {"message": message, "mail": mail, "title": titles.get(message.offering_id or "")}
