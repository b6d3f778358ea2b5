"""The office's daily summary of what somebody has to look into: at seven, where there is something; no names."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from pymongo.errors import DuplicateKeyError

from services.notifications.documents import entry_of
from services.notifications.links import Links
from services.notifications.mail import Words, build
from services.notifications.messages import NO_ADDRESS, identity
from services.notifications.roster import is_overdue
from services.notifications.settings import Settings
from services.notifications.smtp import Line
from services.notifications.state import Known
from services.notifications.store import QUEUE, Database
from shared.clock import Clock

AT: Final = time(7)
LOOK_SECONDS: Final = 20
AGAIN: Final = timedelta(minutes=10)
"""So long one process has to send it; then another one may try."""
SUBJECT: Final = "Lernbus: {all} Vorgänge brauchen einen Blick"
TEXT: Final = """Guten Tag,

seit gestern ist das zusammengekommen:

{lines}

Nachrichten: {messages}

Nicht verarbeitete Ereignisse: {letters}

Teilnehmende und offene Genehmigungen: {offerings}

--
Diese Nachricht kommt einmal am Tag, wenn es etwas zu berichten gibt.
"""
log = structlog.get_logger()


class Numbers(NamedTuple):
    """What somebody has to look into; `failed` and `unclear` since yesterday, the others as they are now."""

    failed: int
    unclear: int
    no_address: int
    dead_letters: int
    overdue: int


LABELS: Final = (
    "E-Mails, nicht gesendet",
    "E-Mails, Zustellung unklar",
    "E-Mails, Adresse fehlt noch",
    "Ereignisse, nicht verarbeitet",
    "Genehmigungen, überfällig",
)
"""Of the numbers, in their order."""


def is_time(now: datetime, settings: Settings) -> bool:
    """From seven in the office's zone to the end of the day."""
    return now.astimezone(settings.zone).time() >= AT


def words(numbers: Numbers, links: Links, address: str) -> Words:
    """The mail. The lines become a table in its HTML."""
    lines = "\n".join(f"{label}: {number}" for label, number in zip(LABELS, numbers, strict=True) if number)
    body = TEXT.format(
        lines=lines,
        messages=links.url("/notifications/"),
        letters=links.url("/notifications/dead-letters"),
        offerings=links.url("/enrolment/"),
    )
    return Words("", address, "de", SUBJECT.format(all=sum(numbers)), body)


async def count(database: Database, now: datetime) -> Numbers:
    """The numbers at this moment."""
    messages = database["messages"]
    since = {"settled_at": {"$gte": msgspec.to_builtins(now.astimezone(UTC) - timedelta(days=1))}}
    return Numbers(
        await messages.count_documents({"status": "failed", **since}),
        await messages.count_documents({"status": "unclear", **since}),
        await messages.count_documents({"status": "planned", "reason": NO_ADDRESS}, hint=QUEUE),
        await database["dead_letters"].count_documents({"status": "open"}),
        await _overdue(database, now),
    )


async def _overdue(database: Database, now: datetime) -> int:
    entries = [entry_of(found) async for found in database["bookings"].find({"status": "awaiting_approval"})]
    ids = sorted({entry.offering_id for entry in entries})
    cursor = database["offerings"].find({"_id": {"$in": ids}})
    offerings = {found["_id"]: msgspec.convert(found, Known).offering async for found in cursor}
    known = [(entry, offerings[entry.offering_id]) for entry in entries if entry.offering_id in offerings]
    return sum(is_overdue(entry, offering, now) for entry, offering in known)


class Summary:
    """The loop of one of any number of processes; summaries {_id: day, until: BSON date, done}."""

    def __init__(self, database: Database, settings: Settings, clock: Clock, links: Links) -> None:
        self._database, self._settings, self._clock, self._links = database, settings, clock, links

    async def tell_forever(self) -> None:
        """Until cancelled."""
        while True:
            await self.tell()
            await asyncio.sleep(LOOK_SECONDS)

    async def tell(self) -> bool:
        """Send today's summary if it is time and nobody has; True if it is done now."""
        now, address = self._clock.now(), self._settings.office_address
        if address is None or not is_time(now, self._settings):
            return False
        day = now.astimezone(self._settings.zone).date().isoformat()
        if not await self._claim(day, now):
            return False
        numbers = await count(self._database, now)
        done = not any(numbers) or await self._send(day, words(numbers, self._links, address), now)
        if done:
            await self._database["summaries"].update_one({"_id": day}, {"$set": {"done": True}})
        return done

    async def _claim(self, day: str, now: datetime) -> bool:
        free: dict[str, Any] = {"_id": day, "done": False, "until": {"$lte": now}}
        try:
            await self._database["summaries"].update_one(free, {"$set": {"until": now + AGAIN}}, upsert=True)
        except DuplicateKeyError:  # it is done, or another process is at it
            return False
        return True

    async def _send(self, day: str, told: Words, now: datetime) -> bool:
        """True unless it is worth another try."""
        line = Line(self._settings)
        try:
            reply = await line.deliver(build(identity("summary", day), told, self._settings.sender, now))
        finally:
            await line.close()
        if reply.what != "sent":
            log.warning("the daily summary was not taken", what=reply.what, reason=reply.reason)
        return reply.what in ("sent", "unclear", "failed")
