"""The only module that knows stats' documents, together with `rows.py`, which makes them.

facts, leaves       {_id, ...Fact or LeaveFact, key: Key as JSON, years: [int]} (traces.py says what both are)
offerings           {_id, ...OfferingFact, years: [int] of its sessions, ends: when it is over}
courses, organisations: {_id, ...}
counters            {_id: trace id, n, partition, offering_id, years, trace: Trace or LeaveTrace as JSON}, none with n 0
sums                {_id, offering_id, year, <measure>: sum} of an offering and year
seats               {_id, offering_id, now: {organisation: {status: number}}} of an offering
progress            {_id: partition, as_of: newest event time applied, since: the oldest}
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, TypeVar

import msgspec
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from services.stats import rows
from services.stats.counters import Counts
from services.stats.domain import Fact, LeaveFact, OfferingFact
from services.stats.figures import MILLION, Figure
from services.stats.state import KINDS, State, place_of
from services.stats.tables import Data
from services.stats.traces import counting_in
from shared.events import Booking, Course, Offering, Organisation
from shared.handler import Item, Writes
from shared.runtime import Database, create

_KEPT: Final = {collection: shape for collection, _, shape in KINDS.values()}
T = TypeVar("T", bound=msgspec.Struct)


class Store:
    """stats' database. `zone`: whose years count."""

    def __init__(self, database: Database, zone: tzinfo) -> None:
        self._database, self.zone = database, zone

    async def prepare(self) -> None:
        """Create collections and indexes, unless they are there."""
        await create(self._database, *(self._name(one) for one in (*_KEPT, *rows.DERIVED)), "progress")
        for name in ("facts", "leaves"):
            await self._collection(name).create_index([("years", 1), ("key", 1)])
        for name in ("offerings", "counters"):
            await self._collection(name).create_index("years")
        await self._collection("offerings").create_index("ends")
        await self._collection("counters").create_index("offering_id")
        await self._collection("sums").create_index("year")
        await self._collection("seats").create_index("offering_id")

    async def load(self, items: Sequence[Item]) -> State:
        """The entities that a batch is about, the offerings of its bookings, and the counters of its offerings."""
        data = [item.event.data for item in items if type(item.event.data) in KINDS]
        places = {place_of(one) for one in data} | {("offerings", one.offering_id) for one in data if _is_booking(one)}
        state = State(Counts(self.zone))
        for collection in {name for name, _ in places}:
            ids = [key for name, key in places if name == collection]
            async for document in self._collection(collection).find({"_id": {"$in": ids}}):
                state.entities[collection, document["_id"]] = msgspec.convert(document, _KEPT[collection])
        state.known = frozenset(state.entities)
        if offerings := [one.offering_id for one in data if isinstance(one, Offering)]:
            async for one in self._collection("counters").find({"offering_id": {"$in": offerings}}):
                state.counts.stands(one["_id"], rows.trace_in(one), one["n"])
        return state

    def writes(self, state: State) -> Writes:
        """What a batch has changed."""
        writes = {**rows.of_entities(state), **rows.of_counts(state.counts)}
        named = {self._name(name): some for name, some in writes.items() if some}
        return {**named, "progress": rows.of_progress(state)} if state.as_of else named

    async def year(self, year: int) -> Data:
        """One state of the data, with all that this year's report depends on."""
        async with self._database.client.start_session(snapshot=True) as session:
            offerings = await self._all(OfferingFact, "offerings", session)
            held = [one["_id"] async for one in self._collection("offerings").find({"years": year}, session=session)]
            query = {"$or": [{"years": counting_in(year)}, {"booking.offering_id": {"$in": held}}]}
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
        return {abs(year) for year in await self._collection("sums").distinct("year")}

    async def overview(self, year: int) -> dict[str | None, dict[str, Figure]]:
        """A year's figures from the sums, persons apart: {offering_id: {measure: sum}}; leave stands under None."""
        told: dict[str | None, dict[str, Figure]] = {}
        async for one in self._collection("sums").find({"year": counting_in(year)}, {"_id": 0, "year": 0}):
            row = told.setdefault(one.pop("offering_id"), {})
            for measure, amount in one.items():
                row[measure] = row.get(measure, 0) + amount
        for row in told.values():
            if "leave_days" in row:
                row["leave_days"] /= MILLION
        return told

    async def seats(self, now: datetime) -> list[rows.Seats]:
        """Who is where on every offering that is not over, nor cancelled, sorted by its end."""
        open_ones = {"status": "scheduled", "$or": [{"ends": None}, {"ends": {"$gte": now}}]}
        found = self._collection("offerings").find(open_ones).sort([("ends", 1), ("_id", 1)])
        offerings = [msgspec.convert(one, OfferingFact) async for one in found]
        ids = {"offering_id": {"$in": [one.offering_id for one in offerings]}}
        now_there = {one["offering_id"]: one["now"] async for one in self._collection("seats").find(ids)}
        return [rows.seats_of(one, now_there.get(one.offering_id, {})) for one in offerings]

    async def facts(self) -> AsyncIterator[Fact | LeaveFact]:
        """Every fact there is, for the audit."""
        async for document in self._collection("facts").find():
            yield msgspec.convert(document, Fact)
        async for document in self._collection("leaves").find():
            yield msgspec.convert(document, LeaveFact)

    def _name(self, name: str) -> str:
        """The collection in the database of one that this module speaks of."""
        return name

    def _collection(self, name: str) -> AsyncCollection[dict[str, Any]]:
        return self._database[self._name(name)]

    async def _all(self, shape: type[T], collection: str, session: AsyncClientSession) -> list[T]:
        return [one async for one in self._found(shape, collection, {}, session)]

    async def _found(
        self, shape: type[T], collection: str, query: Mapping[str, Any], session: AsyncClientSession
    ) -> AsyncIterator[T]:
        async for document in self._collection(collection).find(query, session=session):
            yield msgspec.convert(document, shape)

    async def _period(self, session: AsyncClientSession) -> tuple[datetime | None, datetime | None]:
        """The times of the newest and of the oldest event that were read."""
        lanes = await self._database["progress"].find(session=session).to_list()
        newest = max((one["as_of"].replace(tzinfo=UTC) for one in lanes), default=None)
        return newest, min((one["since"].replace(tzinfo=UTC) for one in lanes if "since" in one), default=None)


def _is_booking(data: object) -> bool:
    return isinstance(data, Booking)
