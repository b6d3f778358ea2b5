"""What all variants share: how much is done, the servers, settings, publishers, a database for the bare ones."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from lernbus.bench import bare, textbook
from lernbus.bench.place import Place, place
from lernbus.bench.reader import Reader
from lernbus.topics import ensure_topics
from services.enrolment import app as enrolment
from services.enrolment.settings import Settings as EnrolmentSettings
from services.stats import app as stats
from services.stats.settings import Settings as StatsSettings
from shared.clock import Clock
from shared.publisher import Publisher
from shared.runtime import Database, Service, connect, publisher

FILL_BYTES = 128 * 1024
"""Record batches of a topic that is filled beforehand: some hundred events, as an LMS pushes them over HTTP."""


@dataclass(frozen=True)
class Size:
    """How much is done in a round.

    `crowd`: bookings that the crowded offering has before the first one; `waiting`: people on the long waiting lists,
    `cancelled`: on the one that is cancelled in each round; `moves`: requests, withdrawals; `told`: events that stats
    reads; `year`: bookings of a year that is reported.
    """

    rounds: int = 5
    offerings: int = 1_000
    bookings: int = 30_000
    textbook: int = 300
    crowd: int = 20_000
    queue: int = 8_000
    rate: int = 200
    pushed: int = 1_200
    waiting: int = 100_000
    cancelled: int = 20_000
    moves: int = 2_000
    mails: int = 1_000
    told: int = 10_000
    year: int = 1_000


@dataclass(frozen=True)
class World:
    """`filling` sends large record batches, `steady` is what a service has."""

    size: Size
    place: Place
    settings: EnrolmentSettings
    filling: Publisher
    steady: Publisher
    database: Database

    def enrolment(self) -> Service:
        """The real service."""
        return enrolment.build(self.settings, Clock())

    def stats(self) -> Service:
        """The real service."""
        return stats.build(StatsSettings(**self.place.settings("lernbus_stats")), Clock())

    def reader(self, topic: str) -> Reader:
        """A reader from the topic's beginning."""
        return Reader(self.place, topic, self.settings.partitions)


@contextlib.asynccontextmanager
async def world(size: Size) -> AsyncIterator[World]:
    """Start the servers and create the topics."""
    async with place() as here, contextlib.AsyncExitStack() as stack:
        settings = EnrolmentSettings(**here.settings("lernbus_enrolment"))
        await ensure_topics(settings)
        await here.create((bare.IN, bare.OUT, textbook.IN, textbook.OUT), settings.partitions)
        database = connect(settings)
        stack.push_async_callback(database.client.close)
        filling, steady = publisher(settings, max_batch_size=FILL_BYTES), publisher(settings)
        stack.push_async_callback(filling.stop)
        stack.push_async_callback(steady.stop)
        yield World(size, here, settings, filling, steady, database.client["lernbus_bench"])
