"""What the pages read: pieces of long lists, never a whole one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from services.enrolment.documents import Document, claimant_of, kept_of, ledger_of
from services.enrolment.state import Ledger
from services.enrolment.views import OfferingView, offering_view
from services.enrolment.waiting import Claim, Claimant
from shared.events import Course, Leave, Organisation
from shared.runtime import Database

OFFERINGS: Final = 50
"""Offerings on one page."""
BOOKINGS: Final = 200
"""Bookings on one page, and people of a waiting list that are shown."""
_LATER: Final = 2**62


class Lists:
    """Reads what the pages show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> int:
        """How many offerings there are."""
        return await self._database["offerings"].count_documents({})

    async def offerings(self, now: datetime, page: int) -> list[OfferingView]:
        """One page: what is to come by its next session, what has no dates, then what is over, the latest first."""
        piece: list[Document] = [{"$skip": (page - 1) * OFFERINGS}, {"$limit": OFFERINGS}]
        cursor = await self._database["offerings"].aggregate([*_ranking(now), *piece])
        return [offering_view(ledger_of(document)) async for document in cursor]

    async def ledger(self, offering_id: str) -> Ledger | None:
        """One offering with its counts."""
        document = await self._database["offerings"].find_one({"_id": offering_id})
        return None if document is None else ledger_of(document)

    async def bookings(self, offering_id: str, page: int) -> list[Claim]:
        """One page of an offering's bookings, in the order of the requests on the log, which are numbered from 1."""
        first = (page - 1) * BOOKINGS + 1
        numbers = {"$gte": first, "$lt": first + BOOKINGS}
        stages: list[Document] = [
            {"$match": {"_id": {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}, "bookings.seq": numbers}},
            {"$unwind": "$bookings"},
            {"$match": {"bookings.seq": numbers}},
            {"$sort": {"bookings.seq": 1}},
            {"$replaceWith": "$bookings"},
        ]
        cursor = await self._database["claimants"].aggregate(stages)
        return [msgspec.convert(document, Claim) async for document in cursor]

    async def queue(self, offering_id: str) -> Sequence[Claimant]:
        """The first people of the waiting list."""
        waiting = {"offering_id": offering_id, "waiting": {"$gt": 0}}
        cursor = self._database["claimants"].find(waiting).sort("waiting").limit(BOOKINGS)
        return [claimant_of(document) async for document in cursor]

    async def courses(self, ids: Collection[str]) -> dict[str, str]:
        """Titles of these courses; those not known are missing."""
        kept = await self._kept("courses", ids)
        return {one.course_id: one.title for one in kept if isinstance(one, Course)}

    async def organisations(self, ids: Collection[str]) -> dict[str, str]:
        """Names of these organisations; those not known are missing."""
        kept = await self._kept("organisations", ids)
        return {one.organisation_id: one.name for one in kept if isinstance(one, Organisation)}

    async def _kept(self, collection: str, ids: Collection[str]) -> list[Course | Organisation | Leave]:
        cursor = self._database[collection].find({"_id": {"$in": sorted(ids)}})
        return [kept_of(collection, document).entity async for document in cursor]


def _ranking(now: datetime) -> list[Document]:
    """Times are text as it came, so the order is made of the moments that they name."""
    to_come = {"$cond": [{"$gte": [_moment("ends_at"), now]}, _moment("starts_at"), None]}
    return [
        {"$set": {"next": {"$min": _each(to_come)}, "last": {"$max": _each(_moment("ends_at"))}}},
        {"$set": {"over": {"$and": [{"$gt": ["$last", None]}, {"$lt": ["$last", now]}]}}},
        {"$set": {"rank": {"$cond": ["$over", {"$subtract": [0, _number("$last")]}, _number("$next")]}}},
        {"$sort": {"over": 1, "rank": 1, "_id": 1}},
    ]


def _moment(name: str) -> Document:
    return {"$dateFromString": {"dateString": f"$$session.{name}", "onNull": None}}


def _each(value: Document) -> Document:
    return {"$map": {"input": "$offering.sessions", "as": "session", "in": value}}


def _number(field: str) -> Document:
    return {"$ifNull": [{"$toLong": field}, _LATER]}
