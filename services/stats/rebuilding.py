"""`/stats/api/generations` tells how far a rebuild is; and what nobody reads any more is removed."""

import asyncio
import re
import time
from typing import Final, TypedDict

import structlog
from fastapi import APIRouter, Response

from services.stats.store import COLLECTIONS, Store
from shared.openapi import says
from shared.runtime import Database
from shared.web import Json

GRACE_SECONDS: Final = 60
"""So long somebody may still be reading what was shown before."""
TURN_SECONDS: Final = 10
log = structlog.get_logger()


class GenerationsAnswer(TypedDict):
    """`reading`: what figures are told from; `building`: what is being built, of which `through` partitions are all in.

    `next`: by partition of enrolment.events the offset that is read next.
    """

    reading: int
    building: int | None
    through: int
    partitions: int
    next: dict[str, int]


def router(store: Store) -> APIRouter:
    """The route below /stats/api."""
    routes = APIRouter(prefix="/stats/api")

    @routes.get("/generations", openapi_extra=says(GenerationsAnswer))
    async def read() -> Response:
        """Which generation of figures is shown, and how far a new one is built (`lernbus rebuild stats`)."""
        read = {name.rpartition("/")[2]: offset for name, offset in await store.positions()}
        found = await store.generations()  # after them: whoever has read an end mark has noted it
        answer = {"reading": found.reading, "building": found.building, "through": found.through}
        return Json({**answer, "partitions": found.partitions, "next": read})

    return routes


class Sweeping:
    """The loop of one process; two may remove the same."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database, self._store = database, store
        self._seen: dict[str, float] = {}

    async def turn(self) -> None:
        """Remove the collections of generations before the one that is read, some time after they were found."""
        reading = (await self._store.generations()).reading
        names = await self._database.list_collection_names() if reading else []
        old = {name for name in names if (generation := _generation(name)) is not None and generation < reading}
        now = time.monotonic()
        self._seen = {name: self._seen.get(name, now) for name in old}
        for name, since in self._seen.items():
            if now > since + GRACE_SECONDS:
                log.info("old figures removed", collection=name)
                await self._database.drop_collection(name)
        await asyncio.sleep(TURN_SECONDS)


def _generation(name: str) -> int | None:
    found = re.fullmatch(rf"({'|'.join(COLLECTIONS)})(?:_(\d+))?", name)
    return int(found[2] or 0) if found else None
