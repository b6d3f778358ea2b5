"""The only module that knows stats' documents, together with `rows.py`, which makes them.

facts, leaves       {_id, ...Fact or LeaveFact, key: Key as JSON, years: [int]} (traces.py says what both are)
offerings           {_id, ...OfferingFact, years: [int] of its sessions, ends: when it is over}
courses, organisations: {_id, ...}
counters            {_id: trace id, n, partition, offering_id, years, trace: Trace or LeaveTrace as JSON}, none with n 0
sums                {_id, offering_id, year, <measure>: sum} of an offering and year
seats               {_id, offering_id, now: {organisation: {status: number}}} of an offering
progress            {_id: partition, as_of: newest event time applied, since: the oldest}
generations         one document (generations.py); all but progress and generations exist once in each generation
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from services.stats import rows, shelf
from services.stats.counters import Counts
from services.stats.domain import Fact, LeaveFact, OfferingFact
from services.stats.figures import MILLION, Figure
from services.stats.generations import ID, Generations
from services.stats.reading import Reader, Year
from services.stats.state import KINDS, State, place_of
from services.stats.traces import counting_in
from shared.events import Booking, Course, Offering, Organisation
from shared.handler import Item, Writes
from shared.runtime import Database, create

_KEPT: Final = {collection: shape for collection, _, shape in KINDS.values()}
COLLECTIONS: Final = (*_KEPT, *rows.DERIVED)
"""What each generation has."""
T = TypeVar("T", bound=msgspec.Struct)


class Store:
    """stats' database. `zone`: whose years count."""

    def __init__(self, database: Database, zone: tzinfo, partitions: int = 12, generation: int = 0) -> None:
        self._database, self.zone, self._partitions, self._generation = database, zone, partitions, generation

    def at(self, generation: int) -> "Store":
        """The same of a generation."""
        return Store(self._database, self.zone, self._partitions, generation)

    async def generations(self, session: AsyncClientSession | None = None) -> Generations:
        """Which generation is read, and which one is being built."""
        return Generations.of(
            await self._database["generations"].find_one({"_id": ID}, session=session), self._partitions
        )

    async def reading(self, session: AsyncClientSession | None = None) -> "Store":
        """The store of the generation that figures are told from."""
        return self.at((await self.generations(session)).reading)

    async def prepare(self) -> None:
        """Create collections and indexes, unless they are there."""
        await create(self._database, "progress", "generations", *shelf.COLLECTIONS)
        await self.shelf(0).prepare()
        await (await self.reading()).make()

    def shelf(self, k: int) -> shelf.Shelf:
        """Where it is kept what has been told to whom figures are told from `k` people on."""
        return shelf.Shelf(self._database, k)

    async def make(self) -> None:
        """Create the collections and indexes of this generation, unless they are there."""
        await create(self._database, *map(self.name, COLLECTIONS))
        for name in ("facts", "leaves"):
            await self.collection(name).create_index([("years", 1), ("key", 1)])
        for name in ("offerings", "counters"):
            await self.collection(name).create_index("years")
        await self.collection("offerings").create_index("ends")
        await self.collection("counters").create_index("offering_id")
        await self.collection("sums").create_index("year")
        await self.collection("seats").create_index("offering_id")

    async def load(self, items: Sequence[Item]) -> State:
        """The entities that a batch is about, the offerings of its bookings, and the counters of its offerings."""
        data = [item.event.data for item in items if type(item.event.data) in KINDS]
        places = {place_of(one) for one in data} | {("offerings", one.offering_id) for one in data if _is_booking(one)}
        state = State(Counts(self.zone))
        for collection in {name for name, _ in places}:
            ids = [key for name, key in places if name == collection]
            async for document in self.collection(collection).find({"_id": {"$in": ids}}):
                state.entities[collection, document["_id"]] = msgspec.convert(document, _KEPT[collection])
        state.known = frozenset(state.entities)
        if offerings := [one.offering_id for one in data if isinstance(one, Offering)]:
            async for one in self.collection("counters").find({"offering_id": {"$in": offerings}}):
                state.counts.stands(one["_id"], rows.trace_in(one), one["n"])
        return state

    def writes(self, state: State) -> Writes:
        """What a batch has changed."""
        writes = {**rows.of_entities(state), **rows.of_counts(state.counts)}
        return {self.name(name): some for name, some in writes.items() if some}

    async def read(self, year: int) -> Year:
        """One state of the data, as far as a year's report depends on it."""
        async with self._database.client.start_session(snapshot=True) as session:
            generations = await self.generations(session)
            found = await self.at(generations.reading).read_in(session, year)
            return replace(found, rebuilding=generations.building is not None)

    async def read_in(self, session: AsyncClientSession, year: int) -> Year:
        """The same of this generation, in this snapshot."""
        courses = {one.course_id: one for one in await self._all(Course, "courses", session)}
        organisations = await self._all(Organisation, "organisations", session)
        reader = Reader(self.collection, session, year, self.zone)
        columns = await reader.read(courses)
        as_of, since = await self._period(session)
        return Year(
            state_of(await self.positions(session)),
            columns,
            courses={name: one.title for name, one in courses.items()},
            organisations={one.organisation_id: one.name for one in organisations},
            offerings={name: one.title for name, one in reader.offerings.items()},
            as_of=as_of,
            since=since,
        )

    async def state(self) -> str:
        """Tells two states of the data apart."""
        return state_of(await self.positions())

    async def positions(self, session: AsyncClientSession | None = None) -> list[tuple[str, int]]:
        """How far every partition has been read."""
        found = await self._database["positions"].find({}, ["next"], session=session).sort("_id").to_list()
        return [(one["_id"], one["next"]) for one in found]

    async def years(self) -> set[int]:
        """The years that something counts in."""
        return {abs(year) for year in await (await self.reading()).collection("sums").distinct("year")}

    async def overview(self, year: int) -> dict[str | None, dict[str, Figure]]:
        """A year's figures from the sums, persons apart: {offering_id: {measure: sum}}; leave stands under None."""
        told: dict[str | None, dict[str, Figure]] = {}
        async for one in (
            (await self.reading()).collection("sums").find({"year": counting_in(year)}, {"_id": 0, "year": 0})
        ):
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
        store = await self.reading()
        found = store.collection("offerings").find(open_ones).sort([("ends", 1), ("_id", 1)])
        offerings = [msgspec.convert(one, OfferingFact) async for one in found]
        ids = {"offering_id": {"$in": [one.offering_id for one in offerings]}}
        now_there = {one["offering_id"]: one["now"] async for one in store.collection("seats").find(ids)}
        return [rows.seats_of(one, now_there.get(one.offering_id, {})) for one in offerings]

    async def facts(self) -> AsyncIterator[Fact | LeaveFact]:
        """Every fact there is, for the audit."""
        store = await self.reading()
        async for document in store.collection("facts").find():
            yield msgspec.convert(document, Fact)
        async for document in store.collection("leaves").find():
            yield msgspec.convert(document, LeaveFact)

    def name(self, name: str) -> str:
        """What a collection is called in this generation."""
        return f"{name}_{self._generation}" if self._generation else name

    def collection(self, name: str) -> AsyncCollection[dict[str, Any]]:
        """One of this generation's collections."""
        return self._database[self.name(name)]

    async def _all(self, shape: type[T], collection: str, session: AsyncClientSession) -> list[T]:
        return [one async for one in self._found(shape, collection, {}, session)]

    async def _found(
        self, shape: type[T], collection: str, query: Mapping[str, Any], session: AsyncClientSession
    ) -> AsyncIterator[T]:
        async for document in self.collection(collection).find(query, session=session):
            yield msgspec.convert(document, shape)

    async def _period(self, session: AsyncClientSession) -> tuple[datetime | None, datetime | None]:
        """The times of the newest and of the oldest event that were read."""
        lanes = await self._database["progress"].find(session=session).to_list()
        newest = max((one["as_of"].replace(tzinfo=UTC) for one in lanes if "as_of" in one), default=None)
        return newest, min((one["since"].replace(tzinfo=UTC) for one in lanes if "since" in one), default=None)


def state_of(positions: object) -> str:
    """The same for the same positions, so each instance of the service gives it."""
    return blake2b(msgspec.json.encode(positions), digest_size=12).hexdigest()


def _is_booking(data: object) -> bool:
    return isinstance(data, Booking)
