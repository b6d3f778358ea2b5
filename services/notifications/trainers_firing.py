"""Plans the lists for trainers when they are due, from the roster of that moment, by the same marks as reminders."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession

from services.notifications.documents import message_document
from services.notifications.dues import AppendMarks, Dues
from services.notifications.firing import POLL_SECONDS
from services.notifications.reminders import Due
from services.notifications.state import Known
from services.notifications.store import Database
from services.notifications.trainers import NAMED, UPDATE, roster
from shared.clock import Clock
from shared.events import Offering

COLLECTION: Final = "rosters"


class Rosters:
    """One of any number of processes that do so; `fired` is told when messages were planned."""

    def __init__(
        self, database: Database, clock: Clock, append_marks: AppendMarks, fired: Callable[[], None], seconds: float
    ) -> None:
        self._database, self._clock, self._fired, self._seconds = database, clock, fired, seconds
        self._dues = Dues(database, COLLECTION, clock, append_marks)

    async def tell_forever(self) -> None:
        """Until cancelled."""
        while True:
            if not await self.tell_due():
                await asyncio.sleep(POLL_SECONDS)

    async def tell_due(self) -> int:
        """Plan what is due and may go; returns how many sessions."""
        ready = await self._dues.ready()
        for due in ready:
            await self._fire(due)
        return len(ready)

    async def backlog(self) -> int:
        """How many should be planned by now."""
        return await self._dues.backlog()

    async def _fire(self, due: Due) -> None:
        with pymongo.timeout(self._seconds):
            async with self._database.client.start_session() as session:
                await session.with_transaction(lambda session: self._step(session, due))
        self._fired()

    async def _step(self, session: AsyncClientSession, due: Due) -> None:
        """A list of its own makes an update that is due for this session superfluous: both say the same."""
        now, rosters = self._clock.now(), self._database[COLLECTION]
        mine = {"_id": due.due_id, "version": due.version, "at": due.at}
        if not (await rosters.delete_one(mine, session=session)).deleted_count:
            return
        same_session = {"offering_id": due.offering_id, "session_id": due.session_id}
        await rosters.delete_many({**same_session, "days": UPDATE}, session=session)
        nearer = {"$lt": due.days} if due.days != UPDATE else {"$gt": UPDATE}
        due_too = {**same_session, "days": nearer, "at": {"$lte": now}}  # after a standstill one list will do
        offering = await self._offering(session, due)
        if now >= due.starts_at or offering is None or await rosters.find_one(due_too, session=session):
            return
        people = await self._confirmed(session, due)
        if messages := [message_document(roster(due, trainer, people, now)) for trainer in {*offering.trainers}]:
            await self._database["messages"].insert_many(messages, session=session)

    async def _offering(self, session: AsyncClientSession, due: Due) -> Offering | None:
        found = await self._database["offerings"].find_one({"_id": due.offering_id}, session=session)
        return msgspec.convert(found, Known).offering if found else None

    async def _confirmed(self, session: AsyncClientSession, due: Due) -> list[str]:
        query = {"offering_id": due.offering_id, "status": "confirmed", "erased": {"$ne": True}}
        cursor = self._database["bookings"].find(query, ["person_id"], session=session).sort("_id").limit(NAMED + 1)
        return [found["person_id"] async for found in cursor]
