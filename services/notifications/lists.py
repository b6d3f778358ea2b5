"""What the pages read: pieces of the long list of messages, the newest first."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from pymongo import ASCENDING, DESCENDING

from services.notifications.documents import message_of
from services.notifications.messages import NO_ADDRESS, Message, order_key
from services.notifications.resend import Resent, resent_of
from services.notifications.store import QUEUE, Database
from shared.pages import Missing

MESSAGES: Final = 50
"""Messages on one page."""


class Piece(NamedTuple):
    """Messages, the newest first, and whether there are newer and older ones."""

    messages: list[Message]
    newer: bool
    older: bool


class Attachment(NamedTuple):
    """What comes with a mail: its name, or its kind where it has none, and its size in bytes."""

    name: str
    kind: str
    size: int


class Mail(NamedTuple):
    """A mail as its reader sees it; `html` is empty where it has none."""

    sender: str
    to: str
    subject: str
    date: str
    text: str
    html: str
    attachments: list[Attachment]


class Numbers(NamedTuple):
    """The queue now. `waiting`: should be out by now; `oldest`: since when the first of them should."""

    waiting: int
    oldest: datetime | None
    no_address: int
    failed: int
    unclear: int


class Period(NamedTuple):
    """Days, both included, as the form gives them; one that is no day counts as none."""

    since: str = ""
    until: str = ""

    def orders(self, zone: ZoneInfo) -> dict[str, str]:
        """The same as a condition on `order`, which begins with the moment."""
        first, last = _day(self.since), _day(self.until)
        wanted = {}
        if first is not None:
            wanted["$gte"] = order_key(datetime.combine(first, time(), zone))
        if last is not None:
            wanted["$lt"] = order_key(datetime.combine(last + timedelta(days=1), time(), zone))
        return wanted


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


async def numbers(database: Database, now: datetime) -> Numbers:
    """How the queue is doing; `failed` counts the last 24 hours."""
    messages = database["messages"]
    planned = {"status": "planned"}
    due = {**planned, "next_try": {"$lte": now}, "reason": {"$ne": NO_ADDRESS}}
    first = await messages.find_one(due, ["next_try"], sort=[("next_try", 1)])
    yesterday = msgspec.to_builtins(now.astimezone(UTC) - timedelta(days=1))
    return Numbers(
        await messages.count_documents(due),
        first["next_try"].replace(tzinfo=UTC) if first else None,
        await messages.count_documents({**planned, "reason": NO_ADDRESS}, hint=QUEUE),
        await messages.count_documents({"status": "failed", "settled_at": {"$gte": yesterday}}),
        await messages.count_documents({"status": "unclear"}),
    )


async def fingerprint(database: Database, message_id: str = "") -> object:
    """Differs when the list, or a message, looks different."""
    messages = database["messages"]
    if message_id:
        fields = ["status", "reason", "sent_at", "attempts", "resent"]
        return await messages.find_one({"_id": message_id}, fields)
    last = await messages.find_one({}, ["order"], sort=[("order", -1)])
    counts = [await messages.count_documents({"status": status}) for status in ("failed", "unclear")]
    # this is asked every second, and without the hint all messages there ever were would be read
    return last, counts, await messages.count_documents({"status": "planned"}, hint=QUEUE)


async def newest(database: Database, query: Mapping[str, Any], before: str, after: str) -> Piece:
    """The newest messages, or those just before or after a message. Raises Missing if that one is not known.

    A page is found by a message of its neighbour, so it costs the same however many there are.
    """
    if after:
        found = await _walk(database, query, after, ASCENDING)
        return Piece([*reversed(found[:MESSAGES])], len(found) > MESSAGES, older=True)
    found = await _walk(database, query, before, DESCENDING)
    return Piece(found[:MESSAGES], bool(before), len(found) > MESSAGES)


async def _walk(database: Database, query: Mapping[str, Any], start: str, direction: int) -> list[Message]:
    """One message more than a page shows, in this direction."""
    wanted: dict[str, Any] = dict(query)
    if start:
        at = await database["messages"].find_one({"_id": start}, ["order"])
        if at is None:
            raise Missing
        beyond = {"order": {"$gt" if direction == ASCENDING else "$lt": at["order"]}}
        wanted = {"$and": [wanted, beyond]}
    cursor = database["messages"].find(wanted, {"raw": 0}).sort("order", direction).limit(MESSAGES + 1)
    return [message_of(document) async for document in cursor]


async def message(database: Database, message_id: str) -> tuple[Message, Mail | None, list[Resent]]:
    """A message, its mail as far as that is kept, and how often the office has sent it again. Raises Missing."""
    document = await database["messages"].find_one({"_id": message_id})
    if document is None:
        raise Missing
    mail = read_mail(bytes(document["raw"])) if "raw" in document else None
    return message_of(document), mail, resent_of(document)


async def titles(database: Database, offering_ids: set[str]) -> dict[str, str]:
    """Titles of these offerings; those not known are missing."""
    cursor = database["offerings"].find({"_id": {"$in": sorted(offering_ids)}}, ["offering.title"])
    return {document["_id"]: document["offering"]["title"] async for document in cursor}


def read_mail(raw: bytes) -> Mail:
    """What a mail program shows of it."""
    mail = message_from_bytes(raw, policy=default)
    sender, to, subject, date = (str(mail[name] or "") for name in ("From", "To", "Subject", "Date"))
    text, html = _part(mail, "plain").strip(), _part(mail, "html")
    return Mail(sender, to, subject, date, text, html, [*_attachments(mail)])


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return str(body.get_content()) if body is not None else ""


def _attachments(mail: EmailMessage) -> Iterator[Attachment]:
    for part in mail.walk():
        if not part.is_multipart() and part.get_content_type() not in ("text/plain", "text/html"):
            content = part.get_payload(decode=True)
            size = len(content) if isinstance(content, bytes) else 0
            yield Attachment(part.get_filename() or "", part.get_content_type(), size)
