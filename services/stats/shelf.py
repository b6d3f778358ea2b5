"""What has been told of a year in one state of the data, kept so that all instances and formats tell the same.

told        {_id: "<year>/<k>/<state>", year, k, state, at, day: when it was counted, parts: their number, writer}
told_parts  {_id: "<told's _id>/<writer>/<number>", told, writer, content}: its content, compressed, in pieces

Who comes first is told from then on. Of each year the newest few states are kept, and the first one of the last day.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final
from uuid import uuid4
from zlib import compress, decompress

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from shared.runtime import Database

COLLECTIONS: Final = ("told", "told_parts")
NEWEST: Final = 3
"""So many states of each year are kept."""
PIECE: Final = 8_000_000
"""Bytes of one document."""
Header = dict[str, Any]


class Shelf:
    """Contents by year and state; `k`: from so many people on a figure is told."""

    def __init__(self, database: Database, k: int) -> None:
        self._told, self._parts, self._k = database["told"], database["told_parts"], k

    async def prepare(self) -> None:
        """Create the indexes, unless they are there."""
        await self._told.create_index([("year", ASCENDING), ("k", ASCENDING), ("at", ASCENDING)])
        await self._parts.create_index("told")

    async def find(self, year: int, state: str) -> bytes | None:
        """What was told of this state, or None."""
        return await self._content(await self._told.find_one({"_id": self._id(year, state)}))

    async def of_day(self, year: int, day: str) -> bytes | None:
        """What was told first on that day, or None."""
        query = {"year": year, "k": self._k, "day": day}
        return await self._content(await self._told.find_one(query, sort=[("at", ASCENDING), ("_id", ASCENDING)]))

    async def put(self, told: tuple[int, str], content: bytes, at: datetime, day: str) -> None:
        """Keep what is told of a year and state, unless something is."""
        year, state = told
        name, writer, packed = self._id(year, state), uuid4().hex, compress(content, 1)
        pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
        whose = {"told": name, "writer": writer}
        await self._parts.insert_many(
            [{"_id": f"{name}/{writer}/{number}", **whose, "content": one} for number, one in zip(count(), pieces)]
        )
        header = {"year": year, "k": self._k, "state": state, "day": day, "at": at, "writer": writer}
        try:
            await self._told.insert_one({"_id": name, **header, "parts": len(pieces)})
        except DuplicateKeyError:  # another instance was faster
            await self._parts.delete_many(whose)
        await self._tidy(year, day)

    async def _content(self, header: Header | None) -> bytes | None:
        if header is None:
            return None
        name = f"{header['_id']}/{header['writer']}"
        ids = [f"{name}/{number}" for number in range(header["parts"])]
        found = {one["_id"]: one["content"] async for one in self._parts.find({"_id": {"$in": ids}})}
        if len(found) < len(ids):  # it has just been tidied away
            return None
        return decompress(b"".join(found[one] for one in ids))

    async def _tidy(self, year: int, day: str) -> None:
        """Forget what is neither among the newest of this year nor the first one of the day."""
        headers = await self._told.find({"year": year}).sort([("at", DESCENDING), ("_id", DESCENDING)]).to_list()
        mine = [one for one in headers if one["k"] == self._k]
        kept = {one["_id"] for one in [*mine[:NEWEST], *[one for one in mine if one["day"] == day][-1:]]}
        await self._forget([one["_id"] for one in headers if one["_id"] not in kept])

    async def _forget(self, names: Sequence[str]) -> None:
        if names:
            await self._told.delete_many({"_id": {"$in": names}})
            await self._parts.delete_many({"told": {"$in": names}})

    def _id(self, year: int, state: str) -> str:
        return f"{year}/{self._k}/{state}"
