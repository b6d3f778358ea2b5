"""The bare loop: the same batches, the same parser, the same documents and events, and no logic.

No seats, no repeats recognised, no fence: a crash loses or doubles bookings.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

import msgspec
from aiokafka.structs import ConsumerRecord
from pymongo.asynchronous.client_session import AsyncClientSession

from lernbus.bench.reader import Reader
from services.enrolment.events import LOG
from shared.cloudevents import Event, encode, parse
from shared.events import Booking
from shared.publisher import Out, Publisher
from shared.runtime import Database

IN: Final = "bench.bare.in"
OUT: Final = "bench.bare.out"


class Bare:
    """Reads requests from `IN`, keeps bookings, tells them on `OUT`."""

    def __init__(self, database: Database, reader: Reader, publisher: Publisher) -> None:
        self._database, self._reader, self._publisher = database, reader, publisher

    async def skip(self) -> None:
        """Leave out what was read by another."""
        await self._reader.skip()

    async def loop(self, count: int) -> float:
        """Work off `count` records that are there, without a transaction; seconds."""
        async with self._reader.opened():
            await asyncio.sleep(0.5)  # the consumer of a service has fetched its first records by then, too
            begin, done = perf_counter(), 0
            while done < count:
                if records := await self._reader.batch():
                    await self._take(records)
                    done += len(records)
            return perf_counter() - begin

    async def with_transactions(self) -> None:
        """Work off what comes, each batch in one transaction with one insert; until cancelled."""
        async with self._reader.opened(), self._database.client.start_session() as session:
            while True:
                if records := await self._reader.batch():
                    await self._take(records, session)

    async def _take(self, records: Sequence[ConsumerRecord], session: AsyncClientSession | None = None) -> None:
        bookings = [_booking(parse(record.value, LOG)) for record in records]
        documents = [{"_id": booking.booking_id, **msgspec.to_builtins(booking)} for booking in bookings]
        if session is None:
            await self._database["bookings"].insert_many(documents)
        else:
            await session.with_transaction(lambda session: self._insert(documents, session))
        pairs = zip(records, bookings, strict=True)
        await self._publisher.publish([_out(record, booking) for record, booking in pairs])

    async def _insert(self, documents: list[dict[str, Any]], session: AsyncClientSession) -> None:
        await self._database["bookings"].insert_many(documents, session=session)


def _booking(event: Event) -> Booking:
    data = event.data
    return Booking(
        booking_id=event.id,
        offering_id=data.offering_id,
        course_id="course-1",
        person_id=data.person_id,
        organisation_id=data.organisation_id,
        department=data.department,
        status_group=data.status_group,
        status="confirmed",
        requested_at=event.time,
        seated_at=event.time,
        version=1,
        cause=event.id,
    )


def _out(record: ConsumerRecord, booking: Booking) -> Out:
    name = f"{booking.booking_id}.1"
    event = Event(name, "lernbus/enrolment", "enrolment.booking.confirmed.v1", booking.requested_at, booking)
    return Out(OUT, record.partition, record.key, encode(event))
