"""A year of statistics to measure on: `python -m lernbus.bench.year --bookings 1000000`, some minutes for a million.

It starts a mongod, fills stats' database with a generated year (40 organisations of which one has half of the people,
60 departments, 10 status groups, 200 courses, an offering for every 333 bookings, a person for every 5, a leave for
every 100), says where it is, and keeps it until it is ended (Ctrl-C). `--year 2023 --year 2022` fills several years
alike.

What is written is what stats' own handler makes of enrolment's events, batch by batch; only the bus and the
transactions are left out. The same year and number always give the same events.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from random import Random
from time import perf_counter
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from aiokafka.structs import TopicPartition
from pymongo import AsyncMongoClient
from rich.console import Console

from lernbus.bench.bookings import Bookings
from lernbus.bench.people import People
from lernbus.bench.supply import courses, offerings, organisations
from lernbus.embedded.directory import data_directory
from lernbus.embedded.mongod import mongod
from services.stats.consumer import StatsHandler
from services.stats.store import Store
from shared.cloudevents import Event
from shared.events import ENROLMENT_EVENTS, Booking, Course, Leave, Offering, Organisation
from shared.handler import Item
from shared.keys import key_of, partition_of
from shared.positions import Positions
from shared.runtime import Database

BATCH: Final = 10_000
PARTITIONS: Final = 12
LANES: Final = 2
"""Batches written side by side, each from partitions of its own, as in the kernel."""
DATABASE: Final = "lernbus_stats"
Payload = Booking | Course | Leave | Offering | Organisation
TYPES: Final[dict[type[Payload], str]] = {
    Booking: "enrolment.booking.completed.v1",
    Course: "enrolment.course.changed.v1",
    Leave: "enrolment.leave.granted.v1",
    Offering: "enrolment.offering.scheduled.v1",
    Organisation: "enrolment.organisation.changed.v1",
}


def payloads(year: int, count: int) -> Iterator[Payload]:
    """All that enrolment tells of a year with `count` bookings, courses and offerings first."""
    people = People(Random(0), max(100, count // 5))  # noqa: S311 - drawn again, it must be the same
    random = Random(year)  # noqa: S311
    runs = [*offerings(random, year, max(20, count // 333))]
    drawn = Bookings(random, year, people, runs)
    yield from organisations()
    yield from courses(Random(1))  # noqa: S311
    yield from runs
    yield from drawn.bookings(count)
    yield from drawn.leaves(count // 100)


def items(year: int, count: int) -> Iterator[Item]:
    """The same as the kernel reads it."""
    for number, data in enumerate(payloads(year, count)):
        key = key_of(data) or ""
        event = Event(f"{year}-{number}", "lernbus/enrolment", TYPES[type(data)], _time(data, year), data)
        yield Item(event, key, ENROLMENT_EVENTS, partition_of(key.encode(), PARTITIONS), number)


async def fill(database: Database, year: int, count: int) -> int:
    """Write a year into stats' database; returns how many events there were."""
    zone = ZoneInfo("Europe/Berlin")
    store = Store(database, zone)
    await store.prepare()
    positions = Positions(database["positions"], StatsHandler.group)
    await positions.read({TopicPartition(ENROLMENT_EVENTS, number): 0 for number in range(PARTITIONS)})
    handler, told, done = StatsHandler(store), items(year, count), 0
    while batch := [*islice(told, BATCH)]:
        lanes = [[one for one in batch if one.partition % LANES == lane] for lane in range(LANES)]
        await asyncio.gather(*(_write(database, handler, lane) for lane in lanes if lane))
        done += len(batch)
    await new_state(database, done)
    return done


async def new_state(database: Database, by: int = 1) -> None:
    """Move the positions on, as a batch does: what was computed for the data before is not of this state."""
    await database["positions"].update_many({}, {"$inc": {"next": by}})


async def _write(database: Database, handler: StatsHandler, batch: Sequence[Item]) -> None:
    state = await handler.load(batch)
    for item in batch:
        handler.apply(state, item)
    for name, writes in handler.writes(state).items():
        if writes:
            await database[name].bulk_write([*writes], ordered=False)


def _time(data: Payload, year: int) -> datetime:
    """When the last act happened; offerings, courses and organisations are known when the year begins."""
    match data:
        case Booking():
            return data.completed_at or data.ended_at or data.seated_at or data.requested_at
        case Leave(starts_on=day):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return datetime(year, 1, 1, tzinfo=UTC)


async def keep(bookings: int, years: Sequence[int], console: Console) -> None:
    """Fill a database and leave it running."""
    with data_directory() as directory:
        async with mongod(directory) as uri:
            client: AsyncMongoClient[dict[str, Any]]
            async with AsyncMongoClient(uri, tz_aware=True) as client:
                for year in years:
                    begin = perf_counter()
                    count = await fill(client[DATABASE], year, bookings)
                    console.print(f"{year}: {count:,} events in {perf_counter() - begin:.0f} s")
            console.print(f"LERNBUS_MONGO='{uri}' LERNBUS_DATABASE={DATABASE}", soft_wrap=True)
            await asyncio.Event().wait()


def main(
    bookings: Annotated[int, typer.Option(help="Bookings in each year.")] = 1_000_000,
    year: Annotated[list[int] | None, typer.Option(help="Years to fill; 2023 if none is named.")] = None,
) -> None:
    """Fill stats' database with generated years and keep it running until Ctrl-C."""
    asyncio.run(keep(bookings, year or [2023], Console(highlight=False)))


if __name__ == "__main__":
    typer.run(main)
