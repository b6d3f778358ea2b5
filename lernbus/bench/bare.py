"""The bare loop: the same batches, the same parser, the same documents and events, and no logic.

No seats, no repeats recognised, no fence: a crash loses or doubles bookings. It produces in one of two ways: record
batches, as the services do, or `send` for each event, as it is usually written.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from pymongo.asynchronous.client_session import AsyncClientSession

from lernbus.bench.reader import Reader
from services.enrolment.events import LOG
from shared.cloudevents import Event, encode, parse
from shared.events import Booking
from shared.publisher import Out
from shared.runtime import Database
from shared.settings import Settings

IN: Final = "bench.bare.in"
OUT: Final = "bench.bare.out"


Publish = Callable[[Sequence[Out]], Awaitable[object]]


class Bare:
    """Reads requests from `IN`, keeps bookings, tells them on `OUT`."""

    def __init__(self, database: Database, reader: Reader, publish: Publish) -> None:
        self._database, self._reader, self.publish = database, reader, publish

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
        await self.publish([_out(record, booking) for record, booking in pairs])

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


@contextlib.asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[Publish]:
    """A producer as everybody has it: `send` for each event, and all are awaited."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka, acks="all", max_batch_size=900_000, **settings.producing
    )
    await producer.start()

    async def publish(outs: Sequence[Out]) -> None:
        sent = [await producer.send(out.topic, out.value, out.key, out.partition) for out in outs]
        await asyncio.gather(*sent)

    try:
        yield publish
    finally:
        await producer.stop()
