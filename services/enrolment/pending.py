"""What the training office has done, until it is known what became of it.

A document in `pending`, kept for a day: {_id (a number of its own), offering_id, action, person_id, by, at, sent,
partition, offsets (of its events on lms.events)}. It is settled once the partition's position is beyond them, and then
the other collections tell: a dead letter, a held record, an entry in the history, or none of these: nothing changed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

import msgspec

from services.enrolment.documents import Document
from services.enrolment.history import entry_id
from shared.clock import Clock
from shared.events import LMS_EVENTS
from shared.letters import place_id
from shared.runtime import Database

SHOWN: Final = 5
"""So many are shown on a page, the latest first."""
Outcome = Literal["pending", "applied", "repeated", "held", "dead_letter"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the office has done. `moved`: how many bookings it moved, by outcome; `letter`: of a dead one."""

    action: str
    person_id: str | None
    by: str
    at: datetime
    outcome: Outcome
    moved: dict[str, int] = {}
    letter: str | None = None
    reason: str | None = None


class Pending:
    """The office's orders on offerings."""

    def __init__(self, database: Database) -> None:
        self._database, self._collection = database, database["pending"]

    async def add(self, order: Document, partition: int, offsets: Sequence[int]) -> None:
        """Remember what was put onto the log."""
        # the database itself forgets it by `sent`, so that is real time, whatever clock a demonstration has
        document = {"_id": uuid4().hex, **order, "sent": Clock().now(), "partition": partition, "offsets": [*offsets]}
        await self._collection.insert_one(document)

    async def latest(self, offering_id: str) -> list[Order]:
        """What became of the last ones."""
        found = await self._last(offering_id)
        nexts = await self._nexts({one["partition"] for one in found})
        return [await self._order(one, nexts.get(one["partition"], 0)) for one in found]

    async def fingerprint(self, offering_id: str) -> list[tuple[str, bool]]:
        """Which there are, and which of them are settled."""
        found = await self._last(offering_id)
        nexts = await self._nexts({one["partition"] for one in found})
        return [(one["_id"], _is_settled(one, nexts.get(one["partition"], 0))) for one in found]

    async def _last(self, offering_id: str) -> list[Document]:
        return await self._collection.find({"offering_id": offering_id}).sort("sent", -1).limit(SHOWN).to_list()

    async def _nexts(self, partitions: set[int]) -> dict[int, int]:
        """Partition -> the offset up to which everything is done."""
        ids = {f"enrolment/{LMS_EVENTS}/{one}": one for one in partitions}
        cursor = self._database["positions"].find({"_id": {"$in": [*ids]}}, ["next"])
        return {ids[document["_id"]]: document["next"] async for document in cursor}

    async def _order(self, one: Document, after: int) -> Order:
        said = {name: one[name] for name in ("action", "person_id", "by", "at")}
        if not _is_settled(one, after):
            return Order(**said, outcome="pending")
        places = [place_id(LMS_EVENTS, one["partition"], offset) for offset in one["offsets"]]
        letter = await self._database["dead_letters"].find_one({"_id": {"$in": places}, "status": "open"}, ["reason"])
        if letter is not None:
            return Order(**said, outcome="dead_letter", letter=letter["_id"], reason=letter["reason"])
        if await self._database["held"].find_one({"_id": {"$in": places}}, ["_id"]) is not None:
            return Order(**said, outcome="held")
        return await self._settled(said, [entry_id(one["offering_id"], offset) for offset in one["offsets"]])

    async def _settled(self, said: dict[str, Any], entries: list[str]) -> Order:
        noted = await self._database["history"].find({"_id": {"$in": entries}}, ["moved"]).to_list()
        moved: dict[str, int] = {}
        for entry in noted:
            for kind, people in entry.get("moved", {}).items():
                moved[kind] = moved.get(kind, 0) + people
        return Order(**said, outcome="applied" if noted else "repeated", moved=moved)


def _is_settled(one: Document, after: int) -> bool:
    return bool(max(one["offsets"]) < after)
