"""How many days before a session people are reminded: in general (a setting), and as the office says of an offering.

lead_times {_id: offering_id, days, since: BSON date, check_at: BSON date}      `_id` is "" for those in general

A batch that was loaded before the office's change and is written after it works by the old days. So due documents are
compared with the days once more, when any such batch is over (decision 0018).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from services.notifications.documents import due_document, due_of
from services.notifications.reminders import recomputed
from services.notifications.settings import Settings
from services.notifications.store import Database
from shared.clock import Clock
from shared.events import Offering
from shared.keys import partition_of

GENERAL: Final = ""
CHECK_MS: Final = 60_000
"""After so long every batch that had been loaded before is written, or has failed."""
POLL_SECONDS: Final = 5


class LeadTimes:
    """Reads, sets and carries out the lead times."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._general, self._partitions = settings.reminder_days, settings.partitions
        self._seconds = settings.budgets.database

    async def of(self, offering_id: str) -> tuple[Sequence[int], bool]:
        """The days that count for an offering, the longest first, and whether they are its own."""
        own = await self._database["lead_times"].find_one({"_id": offering_id})
        return (own["days"], True) if own is not None and own["days"] is not None else (self._general, False)

    async def set(self, offering_id: str, days: Sequence[int] | None) -> None:
        """From now on these days count for an offering; None: those in general."""
        given = None if days is None else sorted({*days}, reverse=True)
        check_at = {"$add": ["$$NOW", CHECK_MS]}
        change = {"days": {"$literal": given}, "since": self._clock.now(), "check_at": check_at}
        await self._database["lead_times"].update_one({"_id": offering_id}, [{"$set": change}], upsert=True)
        await self.carry_out(offering_id)

    async def carry_out(self, offering_id: str) -> None:
        """Make the due documents of an offering those that they should be."""
        with pymongo.timeout(self._seconds):
            async with self._database.client.start_session() as session:
                await session.with_transaction(lambda session: self._recompute(session, offering_id))

    async def watch_forever(self) -> None:
        """Until cancelled: carry out what a batch may have missed, at first also a change of the setting."""
        await self._compare_setting()
        while True:
            await self.check()
            await asyncio.sleep(POLL_SECONDS)

    async def check(self) -> None:
        """Look again at what was changed a while ago."""
        due = {"$expr": {"$lt": ["$check_at", "$$NOW"]}, "check_at": {"$ne": None}}
        async for one in self._database["lead_times"].find(due):
            await self.carry_out(one["_id"])
            same = {"_id": one["_id"], "check_at": one["check_at"]}
            await self._database["lead_times"].update_one(same, {"$set": {"check_at": None}})

    async def _compare_setting(self) -> None:
        """Once after a start: the setting may be another one than last time."""
        days = sorted({*self._general}, reverse=True)
        known = await self._database["lead_times"].find_one({"_id": GENERAL})
        if known is not None and known["days"] == days:
            return
        own = await self._database["lead_times"].distinct("_id", {"days": {"$ne": None}})
        async for offering in self._database["offerings"].find({"_id": {"$nin": own}}, ["_id"]):
            await self.carry_out(offering["_id"])
        general = {"days": days, "since": self._clock.now(), "check_at": None}
        try:
            await self._database["lead_times"].update_one({"_id": GENERAL}, {"$set": general}, upsert=True)
        except DuplicateKeyError:  # another instance has started in the same moment
            return

    async def _recompute(self, session: AsyncClientSession, offering_id: str) -> None:
        """The offering is touched, so that a batch that changes it in this moment conflicts, and one yields."""
        found = await self._database["offerings"].find_one_and_update(
            {"_id": offering_id}, {"$inc": {"lead_times_set": 1}}, session=session
        )
        if found is None:
            return
        offering, days = msgspec.convert(found["offering"], Offering), await self._days(session, offering_id)
        there = self._database["due"].find({"offering_id": offering_id}, session=session)
        due = [due_of(document) async for document in there]
        lane = partition_of(offering_id.encode(), self._partitions)
        changes = recomputed(due, offering, self._clock.now(), days, lane)
        if changes.dropped:
            await self._database["due"].delete_many({"_id": {"$in": [*changes.dropped]}}, session=session)
        if changes.added:
            await self._database["due"].insert_many([due_document(one) for one in changes.added], session=session)

    async def _days(self, session: AsyncClientSession, offering_id: str) -> Sequence[int]:
        own: dict[str, Any] | None = await self._database["lead_times"].find_one({"_id": offering_id}, session=session)
        return self._general if own is None or own["days"] is None else own["days"]
