"""Lets reminders go when they are due, from the roster of that moment."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from services.notifications.documents import due_of, entry_of, message_document
from services.notifications.dues import AppendMarks, Dues
from services.notifications.messages import Message
from services.notifications.reminders import Due, end_of_day, fires, has_seat_since, reminder
from services.notifications.settings import Settings
from services.notifications.state import STEP, Entry
from services.notifications.store import Database
from shared.clock import Clock

POLL_SECONDS: Final = 0.5


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
        settings: Settings,
    ) -> None:
        self._database, self._clock, self._fired = database, clock, fired
        self._dues = Dues(database, "due", clock, append_marks)
        self._seconds, self._zone = settings.budgets.database, settings.zone

    async def remind_forever(self) -> None:
        """Until cancelled."""
        while True:
            if not await self.remind_due():
                await asyncio.sleep(POLL_SECONDS)

    async def remind_due(self) -> int:
        """One step of each due reminder whose partition has been read so far; returns how many."""
        ready = await self._dues.ready()
        for due in ready:
            await self._fire(due)
        return len(ready)

    async def backlog(self) -> int:
        """How many due documents should have fired by now."""
        return await self._dues.backlog()

    async def _fire(self, due: Due) -> None:
        with pymongo.timeout(self._seconds):
            async with self._database.client.start_session() as session:
                with contextlib.suppress(DuplicateKeyError):  # another due document has just told the same: again soon
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
        if not await self._move_on(session, due, people):
            return
        readers = [one for one in people if has_seat_since(due, one.seated_at, now)]
        messages = [reminder(due, one.booking_id, one.person_id, now) for one in readers]
        await self._plan(session, [*messages, *await self._later_today(session, readers, now)])

    async def _confirmed(self, session: AsyncClientSession, due: Due) -> list[Entry]:
        query = {"offering_id": due.offering_id, "status": "confirmed", "_id": {"$gt": due.after}}
        cursor = self._database["bookings"].find(query, session=session).sort("_id").limit(STEP)
        return [entry_of(found) async for found in cursor]

    async def _later_today(self, session: AsyncClientSession, readers: list[Entry], now: datetime) -> list[Message]:
        """What the same people would be reminded of later on this day, so that one mail will do."""
        until = end_of_day(now, self._zone)
        found = self._database["due"].find({"at": {"$gt": now, "$lt": until}}, session=session).sort("at")
        later = {due.due_id: due for due in [due_of(document) async for document in found]}
        if not later or not readers:
            return []
        query = {
            "offering_id": {"$in": sorted({due.offering_id for due in later.values()})},
            "status": "confirmed",
            "person_id": {"$in": sorted({one.person_id for one in readers})},
        }
        cursor = self._database["bookings"].find(query, session=session).sort("_id")
        entries = [entry_of(found) async for found in cursor]
        return [
            reminder(due, entry.booking_id, entry.person_id, now)
            for due in later.values()
            for entry in entries
            if entry.offering_id == due.offering_id
        ]

    async def _plan(self, session: AsyncClientSession, messages: list[Message]) -> None:
        """Plan what was not planned earlier on this day."""
        ids = [message.message_id for message in messages]
        known = {
            found["_id"]
            async for found in self._database["messages"].find({"_id": {"$in": ids}}, ["_id"], session=session)
        }
        if new := [message_document(message) for message in messages if message.message_id not in known]:
            await self._database["messages"].insert_many(new, session=session)

    async def _move_on(self, session: AsyncClientSession, due: Due, people: list[Entry]) -> bool:
        """Take the document away, or note how far it is. False if it is not the one that we know any more."""
        same = {"_id": due.due_id, "version": due.version, "after": due.after}
        if len(people) < STEP:
            return (await self._database["due"].delete_one(same, session=session)).deleted_count == 1
        after = {"$set": {"after": people[-1].booking_id}}
        return (await self._database["due"].update_one(same, after, session=session)).matched_count == 1
