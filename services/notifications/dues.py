"""Which due documents may fire: those whose partition was read beyond their moment (design section 3, mechanism 9)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from services.notifications.documents import due_of
from services.notifications.reminders import Due
from services.notifications.store import Database
from shared.clock import Clock
from shared.events import ENROLMENT_EVENTS

MARK_SECONDS: Final = 1
LIMIT: Final = 200
AppendMarks = Callable[[Collection[int]], Awaitable[None]]


class Dues:
    """The due documents of a collection; `append_marks` puts a mark on these partitions of lms.events."""

    def __init__(self, database: Database, collection: str, clock: Clock, append_marks: AppendMarks) -> None:
        self._database, self._found = database, database[collection]
        self._clock, self._append_marks, self._asked = clock, append_marks, float("-inf")

    async def ready(self) -> list[Due]:
        """The oldest of those that may fire; for the others it sees to it that marks come."""
        now = self._clock.now()
        newest = await self._newest(now)
        marks = await self._marks(newest)
        await self._ask_for_marks([lane for lane, at in newest.items() if lane not in marks or marks[lane] < at])
        return await self._until({partition: min(now, mark) for partition, mark in marks.items()})

    async def backlog(self) -> int:
        """How many should have fired by now."""
        return await self._found.count_documents({"at": {"$lte": self._clock.now()}})

    async def _newest(self, now: datetime) -> dict[int, datetime]:
        """Partition -> the newest of its moments that have come."""
        per_partition = {"$group": {"_id": "$partition", "at": {"$max": "$at"}}}
        found = await self._found.aggregate([{"$match": {"at": {"$lte": now}}}, per_partition])
        return {one["_id"]: one["at"] async for one in found}

    async def _until(self, moments: Mapping[int, datetime]) -> list[Due]:
        """Those of each partition up to its moment: a partition that is not read on holds up no other."""
        if not moments:
            return []
        lanes = [{"partition": partition, "at": {"$lte": moment}} for partition, moment in moments.items()]
        return [due_of(one) async for one in self._found.find({"$or": lanes}).sort("at").limit(LIMIT)]

    async def _marks(self, partitions: Collection[int]) -> dict[int, datetime]:
        """When the last mark that was read from each partition of enrolment.events was appended."""
        ids = {f"notifications/{ENROLMENT_EVENTS}/{partition}": partition for partition in partitions}
        query = {"_id": {"$in": sorted(ids)}, "mark": {"$exists": True}}
        cursor = self._database["positions"].find(query, ["mark"])
        return {ids[found["_id"]]: found["mark"]["time"] async for found in cursor}

    async def _ask_for_marks(self, partitions: Collection[int]) -> None:
        now = asyncio.get_running_loop().time()
        if partitions and now >= self._asked + MARK_SECONDS:
            self._asked = now
            await self._append_marks(sorted(partitions))
