"""A demonstration's clock: `GET|PUT /clock`, and how all containers follow one clock (docs/decisions/0010).

The topic `lernbus.clock` holds how far the clock is ahead of real time; every container reads its first partition from
the beginning and obeys the last record.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from fastapi import APIRouter, Request
from fastapi.responses import Response

from lernbus.topics import CLOCK
from shared.clock import Clock
from shared.closing import close_consumer
from shared.errors import Unpublished
from shared.publisher import Out, Publisher
from shared.runtime import publisher
from shared.settings import Settings
from shared.web import Json, ProblemError

Move = Callable[[datetime], Awaitable[None]]
PLACE: Final = TopicPartition(CLOCK, 0)
SETTLED_SECONDS: Final = 1
"""Other containers hear of a moved clock within milliseconds; whoever moves it waits so long for them."""
PATIENCE_SECONDS: Final = 10
log = structlog.get_logger()


def router(clock: Clock, move: Move | None) -> APIRouter:
    """GET and PUT /clock: {now}. Without `move` the clock shows real time and stays so."""
    routes = APIRouter()

    @routes.get("/clock")
    async def read() -> Response:
        return Json({"now": clock.now()})

    @routes.put("/clock")
    async def put(request: Request) -> Response:
        if move is None:
            raise ProblemError(409, "this stack runs on real time: --now or LERNBUS_NOW lets its clock be moved")
        try:
            moment = datetime.fromisoformat((await request.json())["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProblemError(400, 'send {"now": a time with an offset}') from error
        if moment.tzinfo is None:
            raise ProblemError(400, "the time needs an offset")
        await move(moment)
        return Json({"now": clock.now()})

    return routes


class CommonClock:
    """Keeps a clock where all the containers' clocks are."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._publisher: Publisher = publisher(settings)
        self._read = -1
        self._begun = asyncio.Event()

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Go by the common clock from the first moment to the last."""
        task = asyncio.create_task(self._follow_forever())
        try:
            await self._begun.wait()
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await self._publisher.stop()

    async def move(self, moment: datetime) -> None:
        """Move everybody's clock. Raises ProblemError 503 while Kafka can't tell the others."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                offset = await self._publish(Clock(moment).ahead)
                while self._read < offset:  # noqa: ASYNC110 - a demonstration's clock needs no condition
                    await asyncio.sleep(0.01)
        except (Unpublished, TimeoutError) as error:
            raise ProblemError(503, "Kafka can't take it now, try again", {"Retry-After": "5"}) from error
        await asyncio.sleep(SETTLED_SECONDS)

    async def _publish(self, ahead: timedelta) -> int:
        value = msgspec.json.encode({"ahead_seconds": ahead.total_seconds()})
        return (await self._publisher.publish([Out(CLOCK, PLACE.partition, b"clock", value)]))[0]

    async def _follow_forever(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, Unpublished) as error:
                log.warning("waiting for the common clock", kind=type(error).__name__)
                await asyncio.sleep(1)

    async def _follow(self) -> None:
        """Obey what is on the topic, in order. Who finds nothing there says what the clock is to begin with."""
        settings = self._settings
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka, **settings.connecting, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            consumer.assign([PLACE])
            await consumer.seek_to_beginning(PLACE)
            end = (await consumer.end_offsets([PLACE]))[PLACE] or 1 + await self._publish(self._clock.ahead)
            while True:
                for record in (await consumer.getmany(timeout_ms=1_000)).get(PLACE, ()):
                    self._clock.ahead = timedelta(seconds=msgspec.json.decode(record.value)["ahead_seconds"])
                    self._read = record.offset
                if self._read + 1 >= end:
                    self._begun.set()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await consumer.stop()
            await close_consumer(consumer)
