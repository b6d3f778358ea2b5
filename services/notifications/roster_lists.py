"""What the roster's pages read: never a whole list, always by an index, names from the contacts of this moment."""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from typing import Any, Final, Literal

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications.documents import contact_of, entry_of
from services.notifications.messages import Contact
from services.notifications.searching import beginnings, found_by
from services.notifications.state import Entry
from shared.events import Offering
from shared.pages import Missing

Database = AsyncDatabase[dict[str, Any]]
Part = Literal["confirmed", "waiting", "awaiting_approval", "ended"]
PARTS: Final[dict[Part, tuple[str, ...]]] = {
    "confirmed": ("confirmed",),
    "waiting": ("waiting",),
    "awaiting_approval": ("awaiting_approval",),
    "ended": ("refused", "cancelled"),
}
"""The lists of a roster -> the statuses that stand there."""
SIZE: Final = 100
"""People on one page."""
SORTED: Final = 1_000
"""A list up to this length is in the order of the names; a longer one in that of the bookings."""
FOUND: Final = 50
"""People that a search shows."""


async def prepare(database: Database) -> None:
    """The indexes of what is read here, and the words of contacts that have none yet."""
    bookings = database["bookings"]
    await bookings.create_index([("offering_id", 1), ("status", 1), ("since", 1), ("_id", 1)])
    await bookings.create_index([("offering_id", 1), ("version", -1)])
    await bookings.create_index([("person_id", 1), ("offering_id", 1)])
    contacts = database["contacts"]
    await contacts.create_index("words")
    unfound = {"words": {"$exists": False}, "person": {"$ne": None}}  # kept before people were found by words
    async for document in contacts.find(unfound):
        same = {"_id": document["_id"], "offset": document["offset"]}  # an erasure that came meanwhile stays one
        await contacts.update_one(same, {"$set": {"words": found_by(contact_of(document))}})


class Lists:
    """Reads what the pages show."""

    def __init__(self, database: Database) -> None:
        self._bookings, self._contacts = database["bookings"], database["contacts"]
        self._offerings, self._organisations = database["offerings"], database["organisations"]

    async def fingerprint(self, offering_id: str) -> tuple[int, int]:
        """Two numbers that change with the offering and with its bookings."""
        offering = await self._offerings.find_one({"_id": offering_id}, ["offering.version"])
        newest = await self._bookings.find({"offering_id": offering_id}, ["version"]).sort("version", -1).to_list(1)
        return offering["offering"]["version"] if offering else 0, newest[0]["version"] if newest else 0

    async def offering(self, offering_id: str) -> Offering:
        """As enrolment told it last. Raises Missing."""
        found = await self._offerings.find_one({"_id": offering_id}, ["offering"])
        if found is None:
            raise Missing
        return msgspec.convert(found["offering"], Offering)

    async def titles(self, offering_ids: Iterable[str]) -> dict[str, str]:
        """Titles of these offerings."""
        cursor = self._offerings.find({"_id": {"$in": sorted({*offering_ids})}}, ["offering.title"])
        return {found["_id"]: found["offering"]["title"] async for found in cursor}

    async def counts(self, offering_id: str) -> dict[Part, int]:
        """How many bookings stand in each list."""
        stages: list[dict[str, Any]] = [
            {"$match": {"offering_id": offering_id}},
            {"$group": {"_id": "$status", "people": {"$sum": 1}}},
        ]
        found = {one["_id"]: one["people"] async for one in await self._bookings.aggregate(stages)}
        return {part: sum(found.get(status, 0) for status in statuses) for part, statuses in PARTS.items()}

    async def piece(self, offering_id: str, part: Part, skip: int, limit: int) -> list[Entry]:
        """A piece of a list: the queue in its order, what has ended the latest first."""
        query = {"offering_id": offering_id, "status": {"$in": [*PARTS[part]]}}
        direction = -1 if part == "ended" else 1
        order = [("since", direction), ("_id", direction)]
        cursor = self._bookings.find(query).sort(order).skip(skip).limit(limit)
        return [entry_of(found) async for found in cursor]

    async def contacts(self, people: Iterable[str]) -> dict[str, Contact]:
        """What is known of these people now."""
        cursor = self._contacts.find({"_id": {"$in": sorted({*people})}})
        return {found["_id"]: contact_of(found) async for found in cursor}

    async def organisations(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Names of these organisations; those not known are missing."""
        cursor = self._organisations.find({"_id": {"$in": sorted({one for one in ids if one is not None})}})
        return {found["_id"]: found["name"] async for found in cursor}

    async def search(self, asked: str) -> list[Contact]:
        """People whom this finds, one more than are shown."""
        if not (query := _named(asked)):
            return []
        return [contact_of(found) async for found in self._contacts.find(query).sort("_id").limit(FOUND + 1)]

    async def search_on(self, offering_id: str, asked: str) -> list[Entry]:
        """Bookings of one offering whose people this finds, one more than are shown.

        From the people to their bookings: a name may be common in the city and rare on an offering.
        """
        if not (query := _named(asked)):
            return []
        wanted = [{"$match": {"offering_id": offering_id}}]
        link = {"from": "bookings", "localField": "_id", "foreignField": "person_id", "pipeline": wanted, "as": "found"}
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$project": {"_id": 1}},
            {"$lookup": link},
            {"$unwind": "$found"},
        ]
        stages += [{"$replaceWith": "$found"}, {"$limit": FOUND + 1}]
        found = {one["_id"]: entry_of(one) async for one in await self._contacts.aggregate(stages)}
        pseudonym = {
            "person_id": asked.strip(),
            "offering_id": offering_id,
        }  # of nobody with a name
        found |= {one["_id"]: entry_of(one) async for one in self._bookings.find(pseudonym).limit(FOUND + 1)}
        return [*found.values()][: FOUND + 1]

    async def bookings_of(self, people: Collection[str]) -> list[Entry]:
        """All bookings of these people."""
        cursor = self._bookings.find({"person_id": {"$in": sorted(people)}})
        return [entry_of(found) async for found in cursor]

    async def places(self, offering_id: str, entries: Sequence[Entry]) -> dict[str, int]:
        """booking_id -> place on the waiting list of those who wait, counted by the index alone."""
        waiting = sorted((one.since, one.booking_id) for one in entries if one.status == "waiting")
        if not waiting:
            return {}
        bounds = sorted({since for since, _ in waiting})
        stages: list[dict[str, Any]] = [
            {"$match": {"offering_id": offering_id, "status": "waiting", "since": {"$lte": bounds[-1]}}},
            {"$bucket": {"groupBy": "$since", "boundaries": [-1, *(bound + 1 for bound in bounds)]}},
        ]
        counts = {one["_id"]: one["count"] async for one in await self._bookings.aggregate(stages)}
        starts = [-1, *(bound + 1 for bound in bounds[:-1])]
        upto = dict(zip(bounds, accumulate(counts.get(start, 0) for start in starts), strict=True))
        return {booking_id: upto[since] for since, booking_id in waiting}


def _named(asked: str) -> dict[str, Any]:
    """People with words that begin with all that was typed; {} where nothing was."""
    words = [{"words": {"$regex": f"^{re.escape(word)}"}} for word in beginnings(asked)[:8]]
    return {"$and": words} if words else {}
