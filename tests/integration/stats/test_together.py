"""Three processes of stats at once: no counter is written by two of them, and all counters are right."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.asynchronous.database import AsyncDatabase

from lernbus.bench.year import PARTITIONS, items
from services.stats.audit import audit
from services.stats.consumer import StatsHandler
from services.stats.settings import Settings
from services.stats.store import Store
from shared.cloudevents import encode
from shared.events import ENROLMENT_EVENTS, Booking, Leave
from shared.handler import Item
from shared.publisher import Out, Publisher
from tests.support.servers import Kafka, create_topics, delete_topics
from tests.support.stack import ROOT
from tests.support.stats_world import BERLIN
from tests.support.world import until

YEAR = 2023
TOPICS = [ENROLMENT_EVENTS, "stats.dead-letters"]
MEMBERS = 3
PORTION = 120
Database = AsyncDatabase[dict[str, Any]]


def told(count: int) -> list[Item]:
    """A year, each booking in four versions, a fifth of all said again, shuffled: newer ones come before older ones."""
    random, found = Random(7), list[Item]()
    for one in items(YEAR, count):
        if isinstance(booking := one.event.data, Booking):
            found += [_with(one, version) for version in _versions(booking)]
        else:
            found.append(one)
    found += random.sample(found, len(found) // 5)
    random.shuffle(found)
    return found


def _versions(last: Booking) -> Iterator[Booking]:
    yield replace(last, status="waiting", seated_at=None, attendance=[], completed_at=None, ended_at=None, version=1)
    yield replace(last, status="confirmed", attendance=[], completed_at=None, ended_at=None, version=2)
    yield replace(last, completed_at=None, version=3)
    yield replace(last, version=4)


def _with(one: Item, booking: Booking) -> Item:
    return replace(one, event=replace(one.event, id=f"{one.event.id}.{booking.version}", data=booking))


def naive_fold(log: Sequence[Item]) -> Counter[str]:
    """The year's figures from the newest version of everything, as plainly as can be."""
    newest: dict[str, Booking | Leave] = {}
    for one in log:
        data = one.event.data
        if isinstance(data, Booking | Leave):
            key = data.booking_id if isinstance(data, Booking) else data.leave_id
            if key not in newest or newest[key].version < data.version:
                newest[key] = data
    figures: Counter[str] = Counter()
    for found in newest.values():
        if isinstance(found, Leave):
            figures["leave_days"] += round(2 * found.days)  # whole numbers: half days
            continue
        seated = found.seated_at is not None and found.seated_at.astimezone(BERLIN).year == YEAR
        completed = found.completed_at is not None and found.completed_at.astimezone(BERLIN).year == YEAR
        figures["bookings"] += seated
        figures["cancelled"] += seated and found.status == "cancelled"
        figures["completions"] += completed
    return figures


class Log:
    """The topic that stats reads: what was put there, and how far that is."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher, self.ends = publisher, Counter[int]()

    async def put(self, portion: Sequence[Item]) -> None:
        outs = [Out(ENROLMENT_EVENTS, one.partition, one.key.encode(), encode(one.event)) for one in portion]
        for out, offset in zip(outs, await self._publisher.publish(outs), strict=True):
            self.ends[out.partition] = max(self.ends[out.partition], offset + 1)

    async def traffic(self, events: Sequence[Item]) -> None:
        """Many small portions, so that the processes are at it at the same time."""
        for start in range(0, len(events), PORTION):
            await self.put(events[start : start + PORTION])
            await asyncio.sleep(0.02)


@pytest.fixture
async def the_log(kafka: Kafka) -> AsyncIterator[Log]:
    await asyncio.to_thread(delete_topics, kafka.bootstrap, TOPICS)
    await create_topics(kafka.bootstrap, TOPICS, PARTITIONS)
    publisher = Publisher(kafka.bootstrap, enable_idempotence=kafka.idempotent)
    yield Log(publisher)
    await publisher.stop()
    await asyncio.to_thread(delete_topics, kafka.bootstrap, TOPICS)


class Processes:
    """Members of the group, each a process with its log."""

    def __init__(self, settings: Settings, directory: Path, *, shared: bool) -> None:
        given = settings.model_dump(mode="json") | {"mongo": settings.mongo.get_secret_value()}
        self._said = {"settings": given, "shared": shared}
        self._directory, self._running = directory, list[tuple[subprocess.Popen[bytes], Path]]()

    def start(self) -> None:
        path = self._directory / f"stats{len(self._running)}-{os.urandom(4).hex()}.log"
        command = [sys.executable, "-m", "tests.support.stats_worker", json.dumps(self._said)]
        with path.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=output, stderr=subprocess.STDOUT
            )
        self._running.append((process, path))

    def end(self, how: Callable[["subprocess.Popen[bytes]"], None]) -> None:
        """Kill or terminate the one that runs longest."""
        process, _ = self._running.pop(0)
        how(process)
        process.wait()

    def close(self) -> None:
        while self._running:
            self.end(subprocess.Popen.kill)

    def shares(self) -> list[int]:
        """How many partitions each has, by its own word."""
        return [_assigned(path.read_text()) for _, path in self._running]

    def said(self) -> str:
        return "\n".join(path.read_text()[-2_000:] for _, path in self._running)


def _assigned(said: str) -> int:
    lines = [json.loads(line) for line in said.splitlines() if '"event": "assigned"' in line]
    return sum(lines[-1]["partitions"].values()) if lines else 0


@pytest.fixture
def settings(kafka: Kafka, mongo_uri: str, database: Database) -> Settings:
    broker = "kafka" if kafka.idempotent else "embedded"
    given: dict[str, Any] = {"kafka": kafka.bootstrap, "mongo": mongo_uri, "database": database.name, "broker": broker}
    return Settings(**given, partitions=PARTITIONS)


@contextlib.asynccontextmanager
async def together(settings: Settings, directory: Path, *, shared: bool = False) -> AsyncIterator[Processes]:
    """Three processes, each with a third of the partitions."""
    found = Processes(settings, directory, shared=shared)
    try:
        for _ in range(MEMBERS):
            found.start()
        await until(lambda: found.shares() == [PARTITIONS // MEMBERS] * MEMBERS, 60, lambda: _word(found))
        yield found
    finally:
        found.close()


async def _word(found: Processes) -> str:
    return found.said()


async def read_all(database: Database, log: Log, found: Processes) -> None:
    """Wait until everything put on the log is applied."""

    async def reached() -> bool:
        documents = await database["positions"].find().to_list()
        nexts = {int(one["_id"].rpartition("/")[2]): one["next"] for one in documents}
        return all(nexts.get(partition) == end for partition, end in log.ends.items())

    await until(reached, 90, lambda: _word(found))


async def undone(database: Database) -> int:
    """How many transactions mongod has undone so far: one that meets another's write is."""
    status = await database.client.admin.command("serverStatus")
    return int(status["transactions"]["totalAborted"])


async def test_three_at_once_never_meet_on_a_counter_and_count_right(
    settings: Settings, database: Database, the_log: Log, tmp_path: Path
) -> None:
    """First all three side by side; then with a death, a departure and two arrivals under traffic."""
    log = told(600)
    half = len(log) // 2
    async with together(settings, tmp_path) as found:
        before = await undone(database)
        await the_log.traffic(log[:half])
        await read_all(database, the_log, found)
        assert found.shares() == [PARTITIONS // MEMBERS] * MEMBERS
        assert await undone(database) == before

        traffic = asyncio.create_task(the_log.traffic(log[half:]))
        for how in (subprocess.Popen.kill, subprocess.Popen.terminate):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(found.end, how)
            found.start()
        await traffic
        await read_all(database, the_log, found)

    handler = StatsHandler(Store(database, BERLIN))
    report = await audit(database, settings, handler)
    assert report.broken == []
    assert report.checked["facts"] == 600
    kept: Counter[str] = Counter()
    for row in (await Store(database, BERLIN).overview(YEAR)).values():
        kept.update({**row, "leave_days": round(2 * row.get("leave_days", 0))})
    naive = naive_fold(log)
    assert {name: kept[name] for name in naive} == dict(naive)
    assert min(naive.values()) > 0
    tallies = [one["tally"] async for one in database["positions"].find()]
    assert sum(one.get("repeated", 0) for one in tallies) > len(log) // 5


async def test_a_counter_that_all_share_would_be_noticed(
    settings: Settings, database: Database, the_log: Log, tmp_path: Path
) -> None:
    async with together(settings, tmp_path, shared=True) as found:
        before = await undone(database)
        await the_log.traffic(told(600))
        await read_all(database, the_log, found)
        assert await undone(database) > before
