"""A year read from MongoDB as columns. Of each fact only its key is read, from the index {years, key} alone."""

from asyncio import create_task, to_thread
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import compress, count
from typing import Any, Final

import msgspec
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor

from services.stats.columns import Columns, Value
from services.stats.domain import OfferingFact
from services.stats.figures import UNKNOWN, Run, run_of
from services.stats.profiles import NOTHING, Profiles
from services.stats.rows import trace_in
from services.stats.traces import Key, counting_in
from shared.events import Course

BATCH: Final = 25_000
"""So many keys at a time are unpacked: some 10 MB."""
RANGES: Final = 200
"""So many traces at a time are looked for by their ids."""
_KEYS: Final[msgspec.json.Decoder[list[Key]]] = msgspec.json.Decoder(list[Key])
_ORDER: Final = ("organisation", "department", "status_group")
"""Whose it is, as a key tells it."""
Document = dict[str, Any]
Collection = Callable[[str], AsyncCollection[Document]]


@dataclass(frozen=True, slots=True)
class Year:
    """All that the report of a year depends on, of one state of the data, which `state` tells apart; names by id.

    `as_of`, `since`: the times of the newest and of the oldest event that were read. `rebuilding`: it is the state of
    before, and a new one is being built (generations.py).
    """

    state: str
    columns: Columns
    courses: Mapping[str, str]
    organisations: Mapping[str, str]
    offerings: Mapping[str, str]
    as_of: datetime | None
    since: datetime | None
    rebuilding: bool = False


class Reader:
    """Reads one year's lines within one snapshot."""

    def __init__(self, collection: Collection, session: AsyncClientSession, year: int, zone: tzinfo) -> None:
        self._collection, self._session, self._year, self._zone = collection, session, year, zone
        self._numbers: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}
        self._persons: defaultdict[str, int] = defaultdict(count().__next__)
        self._values: list[defaultdict[Value, int]] = [defaultdict(count().__next__) for _ in _ORDER]
        self.offerings: dict[str, OfferingFact] = {}
        """Those that something of the year is about."""
        self._runs: dict[str, Run] = {}
        self._columns = Columns()

    async def read(self, courses: Mapping[str, Course]) -> Columns:
        """All lines."""
        await self._read_traces(Profiles(self._year, courses))
        found = {"years": counting_in(self._year)}
        await self._read_lines("facts", found)
        await self._read_lines("leaves", found)
        left = [_left(name, year) for name, year in self._elsewhere.items()]
        for start in range(0, len(left), RANGES):
            await self._read_lines("facts", {"$or": left[start : start + RANGES]})
        self._columns.values = {name: [*values] for name, values in zip(_ORDER, self._values, strict=True)}
        return self._columns

    async def _read_traces(self, profiles: Profiles) -> None:
        """What each trace counts as; attendance counts when the session was, whenever it was recorded."""
        await self._read_offerings({"years": self._year})
        wanted = counting_in(self._year)
        query = {"$or": [{"years": wanted}, {"offering_id": {"$in": [*self.offerings]}}]}
        counters = self._collection("counters").find(query, ["offering_id", "trace", "years"], session=self._session)
        while found := await _next(counters):
            others = {one["offering_id"] for one in found} - self.offerings.keys() - {None}
            await self._read_offerings({"_id": {"$in": [*others]}})
            await to_thread(self._take_traces, found, {*wanted["$in"]}, profiles)
        self._columns.profiles = profiles.profiles

    def _take_traces(self, found: Sequence[Document], wanted: set[int], profiles: Profiles) -> None:
        """Of a trace whose facts are not found by this year, a year is noted by which they are."""
        for one in found:
            number = self._numbers[one["_id"]] = profiles.number(
                trace_in(one), self._runs.get(one["offering_id"], UNKNOWN)
            )
            if number != NOTHING and wanted.isdisjoint(one["years"]):
                self._elsewhere[one["_id"]] = one["years"][0]

    async def _read_offerings(self, query: Mapping[str, Any]) -> None:
        async for one in self._collection("offerings").find(query, session=self._session):
            offering = self.offerings[one["_id"]] = msgspec.convert(one, OfferingFact)
            self._runs[offering.offering_id] = run_of(offering, self._zone)

    async def _read_lines(self, collection: str, query: Mapping[str, Any]) -> None:
        """The next batch is under way while one is unpacked."""
        fields = {"_id": 0, "key": 1}
        cursor = self._collection(collection).find(query, fields, batch_size=BATCH, session=self._session)
        coming = create_task(_next(cursor))
        try:
            while batch := await coming:
                coming = create_task(_next(cursor))
                await to_thread(self._take_lines, batch)
        finally:
            coming.cancel()
            await cursor.close()

    def _take_lines(self, batch: Sequence[Document]) -> None:
        """A batch of keys becomes numbers; what does not count in the year is left out."""
        rows = _KEYS.decode(f"[{','.join([one['key'] for one in batch])}]")
        names, *owners, persons = zip(*rows, strict=True)
        profile = [*map(self._numbers.__getitem__, names)]
        here = [number != NOTHING for number in profile] if NOTHING in profile else None
        columns = self._columns

        def counting(column: Iterable[Any]) -> Iterable[Any]:
            return column if here is None else compress(column, here)

        columns.profile.extend(counting(profile))
        columns.person.extend(map(self._persons.__getitem__, counting(persons)))
        for name, column, values in zip(_ORDER, owners, self._values, strict=True):
            columns.columns[name].extend(map(values.__getitem__, counting(column)))


async def _next(cursor: AsyncCursor[Document]) -> list[Document]:
    return await cursor.to_list(BATCH)


def _left(name: str, year: int) -> dict[str, Any]:
    """The facts that have left a trace: their keys begin with its id."""
    return {"years": year, "key": {"$gte": f'["{name}",', "$lt": f'["{name}"-'}}
