"""What the pages read: pieces of the long list of messages, the newest first."""

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default
from typing import Any, Final, NamedTuple

from pymongo import ASCENDING, DESCENDING

from services.notifications.documents import message_of
from services.notifications.messages import Message
from services.notifications.store import Database
from shared.pages import Missing

MESSAGES: Final = 50
"""Messages on one page."""


class Piece(NamedTuple):
    """Messages, the newest first, and whether there are newer and older ones."""

    messages: list[Message]
    newer: bool
    older: bool


class Mail(NamedTuple):
    """A mail as its reader sees it."""

    sender: str
    to: str
    subject: str
    date: str
    text: str


async def newest(database: Database, query: Mapping[str, str], before: str, after: str) -> Piece:
    """The newest messages, or those just before or after a message. Raises Missing if that one is not known.

    A page is found by a message of its neighbour, so it costs the same however many there are.
    """
    if after:
        found = await _walk(database, query, after, ASCENDING)
        return Piece([*reversed(found[:MESSAGES])], len(found) > MESSAGES, older=True)
    found = await _walk(database, query, before, DESCENDING)
    return Piece(found[:MESSAGES], bool(before), len(found) > MESSAGES)


async def _walk(database: Database, query: Mapping[str, str], start: str, direction: int) -> list[Message]:
    """One message more than a page shows, in this direction."""
    wanted: dict[str, Any] = dict(query)
    if start:
        at = await database["messages"].find_one({"_id": start}, ["order"])
        if at is None:
            raise Missing
        wanted["order"] = {"$gt" if direction == ASCENDING else "$lt": at["order"]}
    cursor = database["messages"].find(wanted, {"raw": 0}).sort("order", direction).limit(MESSAGES + 1)
    return [message_of(document) async for document in cursor]


async def message(database: Database, message_id: str) -> tuple[Message, Mail | None]:
    """A message, and its mail as far as that is kept. Raises Missing."""
    document = await database["messages"].find_one({"_id": message_id})
    if document is None:
        raise Missing
    return message_of(document), read_mail(bytes(document["raw"])) if "raw" in document else None


async def titles(database: Database, offering_ids: set[str]) -> dict[str, str]:
    """Titles of these offerings; those not known are missing."""
    cursor = database["offerings"].find({"_id": {"$in": sorted(offering_ids)}}, ["offering.title"])
    return {document["_id"]: document["offering"]["title"] async for document in cursor}


def read_mail(raw: bytes) -> Mail:
    """What a mail program shows of it."""
    mail = message_from_bytes(raw, policy=default)
    body = mail.get_body(("plain",))
    text: str = body.get_content() if body is not None else ""
    sender, to, subject, date = (str(mail[name] or "") for name in ("From", "To", "Subject", "Date"))
    return Mail(sender, to, subject, date, text.strip())
