"""A mail is sent again because somebody of the office wants it: the same message, with the same Message-ID.

Whoever has received it already sees it once, for mail programs know it by its id. It says what is the case now.
"""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.notifications.queue import Queue
from services.notifications.results import unsendable
from services.notifications.store import Database

AGAIN: Final = ("sent", "failed", "unclear")
"""What may be sent again; what was withheld has a reason that still holds, and what is planned goes out anyway."""
KEPT: Final = 20


class Resent(msgspec.Struct, frozen=True):
    """Who has sent a message again, and what had become of it before."""

    who: str
    at: datetime
    status: str
    reason: str | None = None
    sent_at: datetime | None = None


async def resend(database: Database, message_id: str, who: str, now: datetime, zone: ZoneInfo) -> str | None:
    """Plan a message again; what stands against it, as a message's reason, or None if it is planned."""
    queue = Queue(database)
    letter = await queue.letter(message_id)
    if letter is None or letter.message.status not in AGAIN:
        return "not_now"
    message = letter.message
    letter.message = msgspec.structs.replace(message, status="planned")
    if (obstacle := unsendable(letter, now, zone)) is not None:
        return obstacle.reason
    resent = Resent(who, now, message.status, message.reason, message.sent_at)
    fresh = {"status": "planned", "reason": None, "next_try": now, "lease": None, "attempts": 0, "tried_at": None}
    change = {"$set": fresh, "$push": {"resent": {"$each": [msgspec.to_builtins(resent)], "$slice": -KEPT}}}
    # not if another one has just done so, or a sender holds it
    done = await database["messages"].update_one({"_id": message_id, "status": message.status, "lease": None}, change)
    return None if done.matched_count else "not_now"


def resent_of(document: dict[str, Any]) -> list[Resent]:
    """Every time that it was sent again, the newest first."""
    return msgspec.convert(document.get("resent", []), list[Resent])[::-1]
