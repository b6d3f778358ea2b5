"""Lets reminders go when they are due, from the roster of that moment."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Final

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession

from services.notifications.documents import due_of, message_document
from services.notifications.reminders import Due, fires, reminder
from services.notifications.state import STEP
from services.notifications.store import Database
from shared.clock import Clock
from shared.events import ENROLMENT_EVENTS

POLL_SECONDS: Final = 0.5
MARK_SECONDS: Final = 1
LIMIT: Final = 200
AppendMarks = Callable[[Collection[int]], Awaitable[None]]


class Reminders:
    """One of any number of processes that let due reminders go.

    `append_marks` puts a mark on these partitions of lms.events, `fired` is told when messages were planned.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        append_marks: AppendMarks,
        fired: Callable[[], None],
        database_seconds: float,
    ) -> None:
        self._database, self._clock, self._append_marks, self._fired = database, clock, append_marks, fired
        self._seconds = database_seconds
        self._asked = float("-inf")

    async def remind_forever(self) -> None:
        """Until cancelled."""
        while True:
            if not await self.remind_due():
                await asyncio.sleep(POLL_SECONDS)

    async def remind_due(self) -> int:
        """One step of each due reminder whose partition has been read so far; returns how many."""
        now = self._clock.now()
        newest = await self._newest(now)
        marks = await self._marks(newest)
        ready = await self._ready({partition: min(now, mark) for partition, mark in marks.items()})
        for due in ready:
            await self._fire(due)
        await self._ask_for_marks([lane for lane, at in newest.items() if lane not in marks or marks[lane] < at])
        return len(ready)

    async def backlog(self) -> int:
        """How many due documents should have fired by now."""
        return await self._database["due"].count_documents({"at": {"$lte": self._clock.now()}})

    async def _newest(self, now: datetime) -> dict[int, datetime]:
        """Partition -> the newest of its moments that have come."""
        per_partition = {"$group": {"_id": "$partition", "at": {"$max": "$at"}}}
        found = await self._database["due"].aggregate([{"$match": {"at": {"$lte": now}}}, per_partition])
        return {one["_id"]: one["at"] async for one in found}

    async def _ready(self, until: Mapping[int, datetime]) -> list[Due]:
        """Due documents of each partition up to its moment: a partition that is not read on holds up no other."""
        if not until:
            return []
        lanes = [{"partition": partition, "at": {"$lte": moment}} for partition, moment in until.items()]
        found = self._database["due"].find({"$or": lanes}).sort("at").limit(LIMIT)
        return [due_of(document) async for document in found]

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

    async def _fire(self, due: Due) -> None:
        with pymongo.timeout(self._seconds):
            async with self._database.client.start_session() as session:
                await session.with_transaction(lambda session: self._step(session, due))
        self._fired()

    async def _step(self, session: AsyncClientSession, due: Due) -> None:
        """Remind at most STEP people. Whoever moves the session meanwhile writes this document too: one yields."""
        now = self._clock.now()
        others = self._database["due"].find(
            {"offering_id": due.offering_id, "session_id": due.session_id}, session=session
        )
        people = []
        if fires(due, [due_of(document) async for document in others], now):
            people = await self._confirmed(session, due)
        if not await self._move_on(session, due, people) or not people:
            return
        messages = [reminder(due, booking_id, person_id, now) for booking_id, person_id in people]
        documents = [message_document(message) for message in messages]
        await self._database["messages"].insert_many(documents, session=session)

    async def _confirmed(self, session: AsyncClientSession, due: Due) -> list[tuple[str, str]]:
        query = {"offering_id": due.offering_id, "status": "confirmed", "_id": {"$gt": due.after}}
        cursor = self._database["bookings"].find(query, ["person_id"], session=session).sort("_id").limit(STEP)
        return [(found["_id"], found["person_id"]) async for found in cursor]

    async def _move_on(self, session: AsyncClientSession, due: Due, people: list[tuple[str, str]]) -> bool:
        """Take the document away, or note how far it is. False if it is not the one that we know any more."""
        same = {"_id": due.due_id, "version": due.version, "after": due.after}
        if len(people) < STEP:
            return (await self._database["due"].delete_one(same, session=session)).deleted_count == 1
        after = {"$set": {"after": people[-1][0]}}
        return (await self._database["due"].update_one(same, after, session=session)).matched_count == 1
