"""The textbook: a typed FastStream handler per message, one MongoDB transaction each."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from faststream.kafka import KafkaBroker
from pydantic import BaseModel
from pymongo.asynchronous.client_session import AsyncClientSession

from lernbus.bench.place import Place
from lernbus.bench.reader import BenchError
from shared.publisher import Out, Publisher
from shared.runtime import Database

IN: Final = "bench.textbook.in"
OUT: Final = "bench.textbook.out"
WAIT_SECONDS: Final = 120


class Requested(BaseModel):
    """The data of a request."""

    offering_id: str
    person_id: str
    organisation_id: str | None
    department: str | None
    status_group: str | None


class Request(BaseModel):
    """A request as the LMS pushes it."""

    id: str
    time: datetime
    data: Requested


class Textbook:
    """Finds the offering and the booking, inserts, counts and publishes, one message after the other."""

    def __init__(self, place: Place, database: Database) -> None:
        self._offerings, self._bookings = database["textbook_offerings"], database["textbook_bookings"]
        self._client = database.client
        self._open, self._done, self._left = asyncio.Event(), asyncio.Event(), 0
        embedded = place.broker == "embedded"
        self._broker = KafkaBroker(place.kafka, acks="all", enable_idempotence=not embedded, logger=None)
        subscribe = self._broker.subscriber(
            IN,
            group_id="textbook",
            auto_offset_reset="earliest",
            session_timeout_ms=3_000 if embedded else 10_000,
            fetch_max_wait_ms=place.fetch_wait,
        )
        subscribe(self._handle)

    async def run(self, publisher: Publisher, offerings: Sequence[str], capacity: int, outs: Sequence[Out]) -> float:
        """Work off these requests, which are put on the topic first; seconds."""
        await self._offerings.insert_many([{"_id": one, "capacity": capacity, "confirmed": 0} for one in offerings])
        await publisher.publish(outs)
        self._left, before = len(outs), await self._bookings.count_documents({})
        async with self._broker:
            await self._broker.start()
            await asyncio.sleep(0.5)  # the group has formed, and the first message waits
            begin = perf_counter()
            self._open.set()
            async with asyncio.timeout(WAIT_SECONDS):
                await self._done.wait()
            seconds = perf_counter() - begin
        if await self._bookings.count_documents({}) - before != len(outs):
            raise BenchError("the textbook has not made as many bookings as there were requests")
        return seconds

    async def _handle(self, request: Request) -> None:
        await self._open.wait()
        async with self._client.start_session() as session:
            booking = await session.with_transaction(lambda session: self._book(session, request))
        key = request.data.offering_id.encode()
        await self._broker.publish({"cause": request.id, **booking}, OUT, key=key)
        self._left -= 1
        if not self._left:
            self._done.set()

    async def _book(self, session: AsyncClientSession, request: Request) -> dict[str, Any]:
        data = request.data
        booking_id = f"{data.offering_id}/{data.person_id}"
        offering = await self._offerings.find_one({"_id": data.offering_id}, session=session)
        found = await self._bookings.find_one({"_id": booking_id}, session=session)
        if offering is None or found is not None:
            raise BenchError("the textbook has met an unknown offering or a repeat")
        seated = offering["confirmed"] < offering["capacity"]
        booking = {"_id": booking_id, **data.model_dump(), "status": "confirmed" if seated else "waiting"}
        await self._bookings.insert_one(booking, session=session)
        count = {"$inc": {"confirmed": int(seated)}}
        await self._offerings.update_one({"_id": data.offering_id}, count, session=session)
        return booking
