"""The only module that knows stats' documents.

facts, leaves       {_id, ...Fact or LeaveFact, years: [int], waits: bool}
offerings           {_id, ...OfferingFact, years: [int] of its sessions}; courses, organisations: {_id, ...}
counters            {_id: digest, n, kind, ...Trace or LeaveTrace, years, waits}
progress            {_id: partition, as_of: newest event time applied, since: the oldest}
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, TypeVar

import msgspec
from pymongo import ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from services.stats.counters import LeaveTrace, Trace, counter_id, trace_of, years_of
from services.stats.domain import Entity, Fact, LeaveFact, OfferingFact, Payload, session_years
from services.stats.figures import Figure, figures
from services.stats.tables import Data
from shared.events import Booking, Course, Leave, Offering, Organisation
from shared.handler import Item, Writes
from shared.runtime import Database, create

KINDS: Final[Mapping[type[Payload], tuple[str, str, type[Entity]]]] = {
    Booking: ("facts", "booking_id", Fact),
    Leave: ("leaves", "leave_id", LeaveFact),
    Offering: ("offerings", "offering_id", OfferingFact),
    Course: ("courses", "course_id", Course),
    Organisation: ("organisations", "organisation_id", Organisation),
}
"""Payload -> collection, its id, what is kept."""
_KEPT: Final = {collection: shape for collection, _, shape in KINDS.values()}
_TRACE: Final = Trace | LeaveTrace
T = TypeVar("T", bound=msgspec.Struct)
Place = tuple[str, str]


@dataclass(slots=True)
class State:
    """What a batch touches: entities by collection and id, which of them changed, and what the counters gain."""

    entities: dict[Place, Entity] = field(default_factory=dict)
    changed: set[Place] = field(default_factory=set)
    counters: Counter[Trace | LeaveTrace] = field(default_factory=Counter)
    as_of: dict[int, datetime] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)


def place_of(data: Payload) -> Place:
    """The collection and the id of an entity."""
    collection, name, _ = KINDS[type(data)]
    return collection, getattr(data, name)


class Store:
    """stats' database. `zone`: whose years count."""

    def __init__(self, database: Database, zone: tzinfo) -> None:
        self._database, self.zone = database, zone

    async def prepare(self) -> None:
        """Create collections and indexes, unless they are there."""
        await create(self._database, *_KEPT, "counters", "progress")
        for name in ("facts", "leaves", "offerings", "counters"):
            await self._database[name].create_index("years")
        for name in ("facts", "counters"):
            await self._database[name].create_index("waits", partialFilterExpression={"waits": True})
        await self._database["facts"].create_index("booking.offering_id")
        await self._database["counters"].create_index("offering_id")

    async def load(self, items: Sequence[Item]) -> State:
        """The entities that a batch is about."""
        places = {place_of(item.event.data) for item in items if type(item.event.data) in KINDS}
        state = State()
        for collection in {name for name, _ in places}:
            ids = [key for name, key in places if name == collection]
            async for document in self._database[collection].find({"_id": {"$in": ids}}):
                state.entities[collection, document["_id"]] = msgspec.convert(document, _KEPT[collection])
        return state

    def writes(self, state: State) -> Writes:
        """What a batch has changed."""
        writes: dict[str, list[Any]] = {}
        for place in state.changed:
            collection, key = place
            document = {"_id": key, **self._document(state.entities[place])}
            writes.setdefault(collection, []).append(ReplaceOne({"_id": key}, document, upsert=True))
        counters = [_counting(trace, by) for trace, by in state.counters.items() if by]
        progress = [
            UpdateOne({"_id": one}, {"$max": {"as_of": at}, "$min": {"since": state.since[one]}}, upsert=True)
            for one, at in state.as_of.items()
        ]
        return {name: some for name, some in {**writes, "counters": counters, "progress": progress}.items() if some}

    async def year(self, year: int) -> Data:
        """One state of the data, with all that this year's report depends on."""
        async with self._database.client.start_session(snapshot=True) as session:
            offerings = await self._all(OfferingFact, "offerings", session)
            touching = self._touching(year, offerings)
            of_offerings = {"booking.offering_id": touching["offering_id"]}
            query = {"$or": [{"years": year}, {"waits": True}, of_offerings]}
            as_of, since = await self._period(session)
            return Data(
                facts=[fact async for fact in self._found(Fact, "facts", query, session)],
                leaves=[leave async for leave in self._found(LeaveFact, "leaves", {"years": year}, session)],
                offerings={one.offering_id: one for one in offerings},
                courses={one.course_id: one for one in await self._all(Course, "courses", session)},
                organisations={
                    one.organisation_id: one for one in await self._all(Organisation, "organisations", session)
                },
                as_of=as_of,
                since=since,
            )

    async def positions(self) -> list[tuple[str, int]]:
        """How far every partition has been read: what tells two states of the data apart."""
        found = await self._database["positions"].find({}, ["next"]).sort("_id").to_list()
        return [(one["_id"], one["next"]) for one in found]

    async def years(self) -> set[int]:
        """The years that something counts in."""
        found = [await self._database[name].distinct("years") for name in ("facts", "leaves")]
        return {year for years in found for year in years if year is not None}  # null: a fact that counts nowhere

    async def overview(self, year: int) -> dict[str | None, dict[str, Figure]]:
        """A year's figures from the counters, persons apart: {offering_id: {measure: sum}}; leave stands under None."""
        async with self._database.client.start_session(snapshot=True) as session:
            offerings = {one.offering_id: one for one in await self._all(OfferingFact, "offerings", session)}
            touching = self._touching(year, offerings.values())
            query = {"$or": [{"years": year}, {"waits": True}, touching], "n": {"$gt": 0}}
            sums: dict[str | None, dict[str, Figure]] = {}
            async for document in self._database["counters"].find(query, session=session):
                trace: Trace | LeaveTrace = msgspec.convert(document, _TRACE)
                offering_id = trace.offering_id if isinstance(trace, Trace) else None
                row = sums.setdefault(offering_id, {})
                for name, amount in figures(trace, offerings.get(offering_id or ""), self.zone, year).items():
                    row[name] = row.get(name, 0) + amount * document["n"]
            return sums

    async def facts(self) -> AsyncIterator[Fact | LeaveFact]:
        """Every fact there is, for the audit."""
        async for document in self._database["facts"].find():
            yield msgspec.convert(document, Fact)
        async for document in self._database["leaves"].find():
            yield msgspec.convert(document, LeaveFact)

    async def counters(self) -> dict[str, int]:
        """Every counter that is not 0, for the audit: {counter id: n}."""
        found = self._database["counters"].find({"n": {"$ne": 0}}, {"n": 1})
        return {document["_id"]: document["n"] async for document in found}

    def _document(self, entity: Entity) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(entity)
        if isinstance(entity, OfferingFact):
            return document | {"years": sorted(set(session_years(entity, self.zone).values()))}
        if isinstance(entity, Fact | LeaveFact):
            trace = trace_of(entity, self.zone)
            assigned = entity.assigned if isinstance(entity, Fact) else ()
            return document | _when(trace, years_of(trace, assigned, self.zone) if trace else set())
        return document

    def _touching(self, year: int, offerings: Iterable[OfferingFact]) -> dict[str, Any]:
        """Those of offerings with a session in that year: attendance counts when the session was."""
        years = ((one.offering_id, session_years(one, self.zone).values()) for one in offerings)
        return {"offering_id": {"$in": [offering_id for offering_id, held in years if year in held]}}

    async def _all(self, shape: type[T], collection: str, session: AsyncClientSession) -> list[T]:
        return [one async for one in self._found(shape, collection, {}, session)]

    async def _found(
        self, shape: type[T], collection: str, query: Mapping[str, Any], session: AsyncClientSession
    ) -> AsyncIterator[T]:
        async for document in self._database[collection].find(query, session=session):
            yield msgspec.convert(document, shape)

    async def _period(self, session: AsyncClientSession) -> tuple[datetime | None, datetime | None]:
        """The times of the newest and of the oldest event that were read."""
        lanes = await self._database["progress"].find(session=session).to_list()
        newest = max((one["as_of"].replace(tzinfo=UTC) for one in lanes), default=None)
        return newest, min((one["since"].replace(tzinfo=UTC) for one in lanes if "since" in one), default=None)


def _when(trace: Trace | LeaveTrace | None, years: set[int]) -> dict[str, Any]:
    waits = isinstance(trace, Trace) and trace.waits_from is not None and trace.waits_to is None
    return {"years": sorted(years), "waits": waits}


def _counting(trace: Trace | LeaveTrace, by: int) -> UpdateOne:
    fields = {**msgspec.to_builtins(trace), **_when(trace, years_of(trace))}
    return UpdateOne({"_id": counter_id(trace)}, {"$inc": {"n": by}, "$setOnInsert": fields}, upsert=True)
