"""Enrolment's documents in MongoDB: what a batch reads and writes. What API and pages read is in views.py."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment import groups, plan
from services.enrolment.documents import (
    COLLECTIONS,
    Document,
    attributes_document,
    claimant_document,
    claimant_of,
    kept_document,
    kept_of,
    ledger_document,
    ledger_of,
)
from services.enrolment.shelf import shelf_of
from services.enrolment.state import Attributes, Entry, Ledger, State
from services.enrolment.waiting import Claimant
from shared.events import LIVE
from shared.handler import Item, WriteOne, Writes
from shared.runtime import create

UNIONS: Final = 100
"""So many waiting lists are read by one aggregation."""
_WAITS: Final = {"waiting": {"$gt": 0}}
PENDING_SECONDS: Final = 24 * 3600
"""So long the office is told what became of what it did."""
_INDEXES: Final = {
    "offerings": [
        IndexModel("next_deadline", partialFilterExpression={"next_deadline": {"$exists": True}}),
        IndexModel("shelf.last"),
    ],
    "claimants": [
        IndexModel([("offering_id", ASCENDING), ("waiting", ASCENDING)], partialFilterExpression=_WAITS),
        IndexModel(
            [("offering_id", ASCENDING), ("organisation", ASCENDING), ("waiting", ASCENDING)],
            partialFilterExpression=_WAITS,
        ),
        IndexModel(
            [("offering_id", ASCENDING), ("group", ASCENDING)],
            partialFilterExpression={"group": {"$exists": True}},
        ),
        IndexModel("offering_id", partialFilterExpression={"assigned": {"$exists": True}}),
        IndexModel([("person_id", ASCENDING), ("bookings.booking.course_id", ASCENDING)]),
    ],
    "history": [IndexModel([("offering_id", ASCENDING), ("version", DESCENDING), ("_id", DESCENDING)])],
    "pending": [
        IndexModel([("offering_id", ASCENDING), ("sent", DESCENDING)]),
        IndexModel("sent", expireAfterSeconds=PENDING_SECONDS),
    ],
}


class Store:
    """Reads outside of transactions: each partition has one writer, and the position document fences it."""

    def __init__(self, database: AsyncDatabase[Document], limit: int = 1_000) -> None:
        self._database, self._limit = database, limit

    async def prepare(self) -> None:
        """Create collections and indexes; a transaction could not wait for them."""
        await create(self._database, *COLLECTIONS)
        for name, indexes in _INDEXES.items():
            await self._database[name].create_indexes(indexes)
        await self._fill_shelves()

    async def _fill_shelves(self) -> None:
        """What the list needs of offerings that an older version stored; one that has changed meanwhile has it."""
        offerings = self._database["offerings"]
        async for document in offerings.find({"shelf": {"$exists": False}}):
            same = {"_id": document["_id"], "version": document["version"], "shelf": {"$exists": False}}
            await offerings.update_one(same, {"$set": {"shelf": shelf_of(ledger_of(document))}})

    async def load(self, items: Sequence[Item]) -> State:
        """Read what the items touch: one query per collection, then the heads of waiting lists."""
        want, state = plan.wanted(items), State(self._limit)
        state.named = want.named
        await asyncio.gather(
            self._load_ledgers(state, want.offerings),
            self._load_claimants(state, want.claimants),
            *(self._load_kept(state, collection, ids) for collection, ids in want.kept.items()),
        )
        plan.unread_queues(state)
        await asyncio.gather(
            *(self._count(ledger, want.named[one]) for one, ledger in state.ledgers.items() if one in want.named),
        )
        queries = plan.heads(state, items)
        await asyncio.gather(
            *(self._load_heads(state, queries[at : at + UNIONS]) for at in range(0, len(queries), UNIONS)),
            *(self._load_live(state, ledger) for ledger in plan.walking(state, items)),
            *(self._load_members(state, ledger) for ledger in plan.walking(state, items)),
        )
        return state

    async def _find(self, collection: str, ids: Collection[str]) -> list[Document]:
        return await self._database[collection].find({"_id": {"$in": [*ids]}}).to_list() if ids else []

    async def _load_ledgers(self, state: State, ids: Collection[str]) -> None:
        for document in await self._find("offerings", ids):
            state.ledgers[document["_id"]] = ledger_of(document)

    async def _load_claimants(self, state: State, ids: Collection[str]) -> None:
        for document in await self._find("claimants", ids):
            state.claimants[document["_id"]] = claimant_of(document)
        state.stored.update(state.claimants)

    async def _load_kept(self, state: State, collection: str, ids: Collection[str]) -> None:
        for document in await self._find(collection, ids):
            state.kept[collection, document["_id"]] = kept_of(collection, document)

    async def _load_heads(self, state: State, queries: Sequence[plan.Heads]) -> None:
        """One round trip for several waiting lists; `queue` tells whose list a document was found in."""
        first, *others = [[*_stages(query), {"$set": {"queue": number}}] for number, query in enumerate(queries)]
        unions = [{"$unionWith": {"coll": "claimants", "pipeline": stages}} for stages in others]
        people = [list[Claimant]() for _ in queries]
        async for document in await self._database["claimants"].aggregate([*first, *unions]):
            people[document["queue"]].append(claimant_of(document))
        for query, found in zip(queries, people, strict=True):
            plan.receive(state, query, found)

    async def _load_live(self, state: State, ledger: Ledger) -> None:
        """Whose bookings a cancelled offering cancels next, in the order of their ids."""
        offering_id = ledger.offering.offering_id
        if ledger.offering.status == "cancelled":
            ids = {"$gt": ledger.walked or f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}
            query = {"_id": ids, "bookings.booking.status": {"$in": [*LIVE]}}
            cursor = self._database["claimants"].find(query).sort("_id").limit(self._limit)
            plan.receive_live(state, offering_id, [claimant_of(document) async for document in cursor])

    async def _load_members(self, state: State, ledger: Ledger) -> None:
        """All of the groups that the next step may move."""
        if ids := groups.next_to_read(ledger, self._limit):
            query = {"offering_id": ledger.offering.offering_id, "group": {"$in": ids}}
            cursor = self._database["claimants"].find(query)
            plan.receive_members(state, ledger, [claimant_of(document) async for document in cursor])

    async def _count(self, ledger: Ledger, named: Collection[str]) -> None:
        """Count the people of organisations that had no delegation: the one query that reads all bookings."""
        if organisations := plan.uncounted(ledger, named):
            rows = await self._database["claimants"].aggregate(_counting(ledger.offering.offering_id, organisations))
            counts = [plan.Counted(**{"group": None, **row["_id"]}, people=row["people"]) async for row in rows]
            plan.count_in(ledger, organisations, counts)

    def writes(self, state: State) -> Writes:
        """What has changed, each document once."""
        kept: dict[str, list[WriteOne]] = {}
        # new ones first: the driver sends a command for each run of one kind
        claimants = sorted(state.changed_claimants, key=state.stored.__contains__)
        for collection, entity_id in state.changed_kept:
            document = kept_document(entity_id, state.kept[collection, entity_id])
            kept.setdefault(collection, []).append(ReplaceOne({"_id": entity_id}, document, upsert=True))
        return {
            "offerings": [_replace(ledger_document(state.ledgers[one])) for one in state.changed_ledgers],
            "claimants": [_write_claimant(state, one) for one in claimants],
            "people": [write_person(one, attributes) for one, attributes in state.people.items()],
            "history": [_write_entry(entry) for entry in state.history.values()],
            **kept,
        }


def write_person(person_id: str, attributes: Attributes) -> UpdateOne:
    """Keep what a record says of a person, unless a later record has been kept: two processes write here."""
    newer = {"$lt": [{"$ifNull": ["$offset", -1]}, attributes.offset]}
    document = {"$literal": attributes_document(person_id, attributes)}
    return UpdateOne({"_id": person_id}, [{"$replaceWith": {"$cond": [newer, document, "$$ROOT"]}}], upsert=True)


def _replace(document: Document) -> ReplaceOne[Document]:
    return ReplaceOne({"_id": document["_id"]}, document, upsert=True)


def _write_claimant(state: State, claimant_id: str) -> WriteOne:
    document = claimant_document(state.claimants[claimant_id])
    return _replace(document) if claimant_id in state.stored else InsertOne(document)


def _write_entry(entry: Entry) -> UpdateOne:
    """What the next steps of a change do is added to what its first one said."""
    document = msgspec.to_builtins(entry)
    moved = {f"moved.{kind}": people for kind, people in document.pop("moved").items()}
    change: Document = {"$setOnInsert": {name: value for name, value in document.items() if name != "_id"}}
    if moved:
        change["$inc"] = moved
    return UpdateOne({"_id": entry.id}, change, upsert=True)


def _stages(query: plan.Heads) -> list[Document]:
    match: Document = {"offering_id": query.offering_id, "waiting": {"$gt": 0}}
    if query.organisations is not None:
        match["organisation"] = {"$in": [*query.organisations]}
    return [{"$match": match}, {"$sort": {"waiting": ASCENDING}}, {"$limit": query.limit}]


def _counting(offering_id: str, organisations: Collection[str]) -> list[Document]:
    """Live bookings by organisation, status and group; only the last booking of a person can be live."""
    return [
        {"$match": {"_id": {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}}},
        {"$replaceWith": {"$mergeObjects": [{"$last": "$bookings.booking"}, {"group": "$group"}]}},
        {"$match": {"organisation_id": {"$in": [*organisations]}, "status": {"$in": [*LIVE]}}},
        {
            "$group": {
                "_id": {"organisation": "$organisation_id", "status": "$status", "group": "$group"},
                "people": {"$sum": 1},
            }
        },
    ]
