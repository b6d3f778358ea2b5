"""What the pages read: pieces of long lists, never a whole one."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from services.enrolment.documents import Document, claimant_of, kept_of, ledger_of
from services.enrolment.shelf import Asked, query_of, ranking
from services.enrolment.state import Entry, Ledger, claimant_id
from services.enrolment.views import OfferingView, offering_view
from services.enrolment.waiting import Claim, Claimant
from shared.events import Booking, Course, Leave, Organisation
from shared.pages import whole_page
from shared.runtime import Database

OFFERINGS: Final = 50
"""Offerings on one page."""
BOOKINGS: Final = 200
"""Bookings on one page, and people of a waiting list that are shown."""
ENTRIES: Final = 50
"""Changes on one page of the history."""
NAMED: Final = 1_000
"""Courses and organisations that one word of a search may name."""
COUNTED: Final = 5_000
"""Places in a queue are counted up to here."""
STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "confirmed": ["confirmed"],
    "waiting": ["waiting"],
    "awaiting_approval": ["awaiting_approval"],
    "ended": ["refused", "cancelled"],
}
"""What bookings are listed by."""


class Lists:
    """Reads what the pages show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def offerings(self, what: Asked, now: datetime, page: str) -> tuple[list[OfferingView], int, int, int]:
        """One page of what is looked for, its number, how many pages and offerings there are. Raises Missing."""
        words = what.words
        courses = [await self._named("courses", "title", word) for word in words]
        organisations = [await self._named("organisations", "name", word) for word in words]
        query = query_of(what, now, courses, organisations)
        count = await self._database["offerings"].count_documents(query)
        number, pages = whole_page(page, count, OFFERINGS)
        piece: list[Document] = [{"$skip": (number - 1) * OFFERINGS}, {"$limit": OFFERINGS}, {"$project": {"_id": 1}}]
        ranked = await self._database["offerings"].aggregate([{"$match": query}, *ranking(now), *piece])
        ids = [document["_id"] async for document in ranked]
        found = {document["_id"]: document async for document in self._database["offerings"].find(_among(ids))}
        return [offering_view(ledger_of(found[one])) for one in ids if one in found], number, pages, count

    async def any_offering(self) -> bool:
        """Whether there is any at all."""
        return await self._database["offerings"].find_one({}, ["_id"]) is not None

    async def hosts(self) -> dict[str, str]:
        """The organisations that host offerings, by id, with their names, in the order of these."""
        ids = await self._database["offerings"].distinct("offering.host_organisation_id")
        names = await self.organisations(ids)
        return dict(sorted(((one, names.get(one, one)) for one in ids), key=lambda pair: pair[1].casefold()))

    async def progress(self) -> list[int]:
        """How far everything is: changes with every event."""
        cursor = self._database["positions"].find({}, ["next"]).sort("_id")
        return [document["next"] async for document in cursor]

    async def version(self, offering_id: str) -> int | None:
        """The number of the last change of an offering and its bookings."""
        found = await self._database["offerings"].find_one({"_id": offering_id}, ["version"])
        return None if found is None else found["version"]

    async def ledger(self, offering_id: str) -> Ledger | None:
        """One offering with its counts."""
        document = await self._database["offerings"].find_one({"_id": offering_id})
        return None if document is None else ledger_of(document)

    async def bookings(self, offering_id: str, status: str, page: int) -> list[tuple[int, Claimant, Booking]]:
        """One page of an offering's bookings in the order of the requests on the log: number, person, booking."""
        ids: Document = {"_id": {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}}
        first = (page - 1) * BOOKINGS
        if status:  # of all that is asked for, or by number
            wanted: Document = {"bookings.booking.status": {"$in": STATUSES[status]}}
            piece: list[Document] = [{"$skip": first}, {"$limit": BOOKINGS}]
        else:
            wanted, piece = {"bookings.seq": {"$gt": first, "$lte": first + BOOKINGS}}, []
        stages: list[Document] = [
            {"$match": {**ids, **wanted}},
            {"$set": {"claim": "$bookings"}},
            {"$unwind": "$claim"},
            {"$match": {name.replace("bookings", "claim"): value for name, value in wanted.items()}},
            {"$sort": {"claim.seq": 1}},
            *piece,
        ]
        cursor = await self._database["claimants"].aggregate(stages)
        return [_claimed(document) async for document in cursor]

    async def person(self, offering_id: str, person_id: str) -> list[tuple[int, Claimant, Booking]]:
        """All bookings of one person."""
        found = await self._database["claimants"].find_one({"_id": claimant_id(offering_id, person_id)})
        claimant = None if found is None else claimant_of(found)
        return [(claim.seq, claimant, claim.booking) for claim in claimant.bookings] if claimant else []

    async def places(self, offering_id: str, claimants: Collection[Claimant]) -> dict[str, int]:
        """Claimant -> place in the queue, from 1; of those far behind it is not counted."""
        numbers = {one.place: one.id for one in claimants if one.place is not None}
        if not numbers:
            return {}
        taken: list[int] = []
        for name, more in (("waiting", {}), ("grouped", {"group": {"$exists": True}})):
            query = {"offering_id": offering_id, **more, name: {"$gt": 0, "$lte": max(numbers)}}
            cursor = self._database["claimants"].find(query, {"_id": 0, name: 1}).sort(name).limit(COUNTED)
            taken += [document[name] async for document in cursor]
        places = {number: place for place, number in enumerate(sorted(taken), 1) if place <= COUNTED}
        return {name: places[number] for number, name in numbers.items() if number in places}

    async def attendance(self, offering_id: str) -> dict[tuple[str, str], int]:
        """(session, status) -> how many people."""
        ids = {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}
        stages: list[Document] = [
            {"$match": {"_id": ids, "bookings.booking.attendance.0": {"$exists": True}}},
            {"$unwind": "$bookings"},
            {"$unwind": "$bookings.booking.attendance"},
            {"$replaceWith": "$bookings.booking.attendance"},
            {"$group": {"_id": {"session": "$session_id", "status": "$status"}, "people": {"$sum": 1}}},
        ]
        cursor = await self._database["claimants"].aggregate(stages)
        return {(row["_id"]["session"], row["_id"]["status"]): row["people"] async for row in cursor}

    async def history(self, offering_id: str, page: int) -> tuple[list[Entry], bool]:
        """One page of what was changed, the latest first; is there more?"""
        cursor = self._database["history"].find({"offering_id": offering_id}).sort([("version", -1), ("_id", -1)])
        found = await cursor.skip((page - 1) * ENTRIES).limit(ENTRIES + 1).to_list()
        return [msgspec.convert(document, Entry) for document in found[:ENTRIES]], len(found) > ENTRIES

    async def queue(self, offering_id: str) -> Sequence[Claimant]:
        """The first people of the waiting list, alone or with a group."""
        alone = {"offering_id": offering_id, "waiting": {"$gt": 0}}
        grouped = {"offering_id": offering_id, "group": {"$exists": True}, "grouped": {"$gt": 0}}
        found: list[Claimant] = []
        for query, name in ((alone, "waiting"), (grouped, "grouped")):
            cursor = self._database["claimants"].find(query).sort(name).limit(BOOKINGS)
            found += [claimant_of(document) async for document in cursor]
        return sorted(found, key=lambda one: one.place or 0)[:BOOKINGS]

    async def courses(self, ids: Collection[str]) -> dict[str, str]:
        """Titles of these courses; those not known are missing."""
        kept = await self._kept("courses", ids)
        return {one.course_id: one.title for one in kept if isinstance(one, Course)}

    async def organisations(self, ids: Collection[str]) -> dict[str, str]:
        """Names of these organisations; those not known are missing."""
        kept = await self._kept("organisations", ids)
        return {one.organisation_id: one.name for one in kept if isinstance(one, Organisation)}

    async def _named(self, collection: str, field: str, word: str) -> list[str]:
        """Ids of courses or organisations whose name has this word."""
        query = {f"entity.{field}": {"$regex": re.escape(word), "$options": "i"}}
        cursor = self._database[collection].find(query, ["_id"]).limit(NAMED)
        return [document["_id"] async for document in cursor]

    async def _kept(self, collection: str, ids: Collection[str]) -> list[Course | Organisation | Leave]:
        cursor = self._database[collection].find({"_id": {"$in": sorted(ids)}})
        return [kept_of(collection, document).entity async for document in cursor]


def _among(ids: Collection[str]) -> Document:
    return {"_id": {"$in": [*ids]}}


def _claimed(document: Document) -> tuple[int, Claimant, Booking]:
    claim = msgspec.convert(document["claim"], Claim)
    return claim.seq, claimant_of(document), claim.booking
