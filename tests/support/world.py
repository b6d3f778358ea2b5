"""One test's world: topics, group and database of its own, the service in this process or in others, and the audit."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition
from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase

from shared import kernel, runtime
from shared.keys import partition_of
from shared.settings import Settings
from tests.support.audit import Expected, Origin, check_published, fold, origin
from tests.support.seats import Seats
from tests.support.servers import Kafka, create_topics

ROOT = Path(__file__).parents[2]
TIME = "2024-11-04T09:30:00+01:00"
SESSION_MS = 3_000


class FastSettings(Settings):
    """A consumer that counts as dead after three seconds, so that tests need not wait for ten."""

    @property
    def consuming(self) -> dict[str, Any]:
        return super().consuming | {"session_timeout_ms": SESSION_MS}


@dataclass
class World:
    kafka: Kafka
    mongo: str
    database: AsyncDatabase[dict[str, Any]]
    unique: str
    directory: Path
    partitions: int = 3
    produced: Counter[int] = field(default_factory=Counter)
    number: int = 0

    @property
    def topic(self) -> str:
        return f"{self.unique}.in"

    @property
    def output(self) -> str:
        return f"{self.unique}.out"

    @property
    def dead_letters(self) -> str:
        return f"{self.unique}.dead-letters"

    async def create(self) -> None:
        await create_topics(self.kafka.bootstrap, [self.topic, self.output, self.dead_letters], self.partitions)
        await runtime.create(self.database, "offerings")

    async def side_by_side(self, words: Sequence[str], play: Callable[["World", str], Awaitable[None]]) -> None:
        """Play the same piece for each word at the same time, each in a world of its own."""

        async def one(word: str) -> None:
            name = f"{self.unique}-{word}"
            own = World(self.kafka, self.mongo, self.database.client[name], name, self.directory / word)
            own.directory.mkdir()
            await own.create()
            await play(own, word)
            await own.database.client.drop_database(name)

        async with asyncio.TaskGroup() as tasks:
            for word in words:
                tasks.create_task(one(word), name=word)

    # --- what goes in -----------------------------------------------------------------------------------------------

    def event(self, kind: str, offering: str, **data: Any) -> tuple[bytes, bytes]:
        """Key and value of a record."""
        self.number += 1
        body = {"specversion": "1.0", "id": f"e{self.number}", "source": "test", "type": f"test.{kind}.v1"}
        return offering.encode(), json.dumps({**body, "time": TIME, "data": {"offering_id": offering, **data}}).encode()

    def requests(self, offerings: int, people: int, capacity: int = 3) -> Iterator[tuple[bytes, bytes]]:
        """Offerings, then people for each in turn, with a withdrawal now and then."""
        for n in range(offerings):
            yield self.event("scheduled", f"o{n}", capacity=capacity)
        for person in range(people):
            yield self.event("requested", f"o{person % offerings}", person_id=f"p{person}")
            if person % 7 == 6:
                yield self.event("withdrawn", f"o{person % offerings}", person_id=f"p{person - offerings}")

    async def produce(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Put records where Kafka's default partitioner would."""
        await self.put([(partition_of(key, self.partitions), key, value, []) for key, value in records])

    async def put(self, records: list[tuple[int, bytes | None, bytes | None, list[Any]]]) -> None:
        """Put records with headers on partitions of one's own choice."""
        lanes: dict[int, list[tuple[bytes | None, bytes | None, list[Any]]]] = defaultdict(list)
        for partition, key, value, headers in records:
            lanes[partition].append((key, value, headers))
        async with AIOKafkaProducer(
            bootstrap_servers=self.kafka.bootstrap, enable_idempotence=self.kafka.idempotent, max_batch_size=4_000_000
        ) as producer:
            for partition, lane in lanes.items():
                batch = producer.create_batch()
                for key, value, headers in lane:
                    assert batch.append(key=key, value=value, timestamp=None, headers=headers), "more than 4 MB"
                done = await (await producer.send_batch(batch, self.topic, partition=partition))
                self.produced[partition] = done.offset + len(lane)

    # --- the service ------------------------------------------------------------------------------------------------

    def settings(self, **more: Any) -> Settings:
        given: dict[str, Any] = {
            "kafka": self.kafka.bootstrap,
            "mongo": SecretStr(self.mongo),
            "database": self.unique,
            "partitions": self.partitions,
            "broker": "kafka" if self.kafka.idempotent else "embedded",
        }
        return FastSettings(**(given | more))

    def build(self, **more: Any) -> runtime.Service:
        return build(self.settings(**more), self.unique, self.topic, self.output)

    @contextlib.asynccontextmanager
    async def service(self, *, cured: bool = False, **more: Any) -> AsyncIterator[runtime.Service]:
        service = self.build(**more)
        seats(service).cured = cured
        async with service.running():
            yield service

    @contextlib.contextmanager
    def worker(self, fault: str = "", *, cured: bool = False, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
        """The service in a process of its own, with a fault built in (see tests/support/worker.py)."""
        settings = self.settings(**more)
        said = {
            "settings": {**settings.model_dump(mode="json", exclude={"mongo"}), "mongo": self.mongo},
            "names": [self.unique, self.topic, self.output],
            "fault": fault,
            "cured": cured,
        }
        command = [sys.executable, "-m", "tests.support.worker", json.dumps(said)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.number += 1
        log = self.directory / f"worker{self.number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def positions(self) -> dict[int, dict[str, Any]]:
        """Partition -> position document of the input topic."""
        found = self.database["positions"].find({"_id": {"$regex": f"^{self.unique}/{self.topic}/"}})
        return {int(one["_id"].rpartition("/")[2]): one async for one in found}

    async def until_idle(self, seconds: float = 60, but: Iterable[int] = ()) -> None:
        """Wait until everything produced is applied and published, except on the partitions `but`."""

        async def idle() -> bool:
            documents = await self.positions()
            return all(
                (one := documents.get(partition)) is not None
                and (one["next"], one["step"], one["events"]) == (end, 0, [])
                for partition, end in self.produced.items()
                if partition not in but
            )

        await until(idle, seconds, self._where)

    async def _where(self) -> str:
        logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(self.directory.glob("*.log")))
        documents = {n: {**one, "events": len(one["events"])} for n, one in (await self.positions()).items()}
        return f"produced {dict(self.produced)}, positions {documents}\n{logs}"

    async def until_applied(self, count: int, seconds: float = 60) -> None:
        """Wait until at least so many records are applied."""

        async def applied() -> bool:
            nexts: list[int] = [one["next"] for one in (await self.positions()).values()]
            return sum(nexts) >= count

        await until(applied, seconds, self._where)

    # --- the audit --------------------------------------------------------------------------------------------------

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """All records of a topic, by a plain consumer."""
        tps = [TopicPartition(topic, n) for n in range(self.partitions)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            consumer.assign(tps)
            records: list[ConsumerRecord] = []
            while True:
                found = await consumer.getmany(timeout_ms=200)
                records += [record for group in found.values() for record in group]
                marks = {tp: consumer.highwater(tp) for tp in tps}
                places = {tp: await consumer.position(tp) for tp in tps}
                if all((mark := marks[tp]) is not None and places[tp] >= mark for tp in tps):
                    return records

    async def audit(self) -> int:
        """Compare everything with the naive fold of the log; returns the number of repeated publications."""
        expected = fold(await self.read(self.topic), self.unique)
        await self._check_documents(expected)
        await self._check_positions(expected)
        await self._check_dead_letters(expected)
        return check_published(expected, await self.read(self.output))

    async def _check_documents(self, expected: Expected) -> None:
        fields = {"capacity": 1, "confirmed": 1, "waiting": 1, "version": 1}
        found = {one.pop("_id"): one async for one in self.database["offerings"].find({}, fields)}
        for name in found.keys() | expected.offerings.keys():
            is_so, should = found.get(name), expected.offerings.get(name)
            assert is_so == should, (name, is_so, should)
        held: dict[str, list[int]] = defaultdict(list)
        async for one in self.database["held"].find().sort("offset"):
            held[one["key"]].append(one["offset"])
        assert held == {key: [record.offset for record in waiting] for key, waiting in expected.held.items()}
        keys = {one["key"]: one["why"] async for one in self.database["held_keys"].find()}
        assert keys == {
            key: "bug" if key in expected.blocked else "unknown" for key in expected.held.keys() | expected.blocked
        }

    async def _check_positions(self, expected: Expected) -> None:
        total: Counter[str] = Counter()
        for partition, one in (await self.positions()).items():
            assert one["events"] == [], partition
            assert one["step"] == 0, partition
            assert one["next"] == self.produced[partition], partition
            assert sum(one["tally"].values()) == one["next"] - one["start"], partition
            assert all(count >= 0 for count in one["tally"].values()), partition
            total.update(one["tally"])
        assert total["dead_lettered"] == len(expected.dead)
        assert total["dropped"] == list(expected.settled.values()).count("dropped")
        assert total["held"] == sum(map(len, expected.held.values()))
        assert total["absent"] == 0

    async def _check_dead_letters(self, expected: Expected) -> None:
        originals = {origin(record): record for record in await self.read(self.topic)}
        found: dict[Origin, str] = {}
        for record in await self.read(self.dead_letters):
            headers = dict(record.headers)
            partition, offset = (int(headers[f"lernbus-{name}"]) for name in ("partition", "offset"))
            place = headers["lernbus-topic"].decode(), partition, offset
            original = originals[place]
            assert (record.key, record.value) == (original.key, original.value)
            assert int(headers["lernbus-timestamp"]) == original.timestamp
            found[place] = headers["lernbus-reason"].decode()
        assert found == expected.letters, found.items() ^ expected.letters.items()
        await self._check_letters(expected, originals)

    async def _check_letters(self, expected: Expected, originals: dict[Origin, ConsumerRecord]) -> None:
        """The letters in the database say the same, and keep the original bytes."""
        said = {}
        blocking = {}
        async for one in self.database["dead_letters"].find():
            where = one["topic"], one["partition"], one["offset"]
            original = originals[where]
            assert (one["raw_key"], one["value"], one["timestamp"]) == (
                original.key,
                original.value,
                original.timestamp,
            )
            assert [(name, value) for name, value in one["headers"]] == [*original.headers]
            said[where] = one["reason"], one["status"]
            if one["blocks"]:
                blocking[one["key"]] = where
        assert said == {
            where: (reason, expected.settled.get(where, "open")) for where, reason in expected.letters.items()
        }
        assert blocking == expected.blocked


def seats(service: runtime.Service) -> Seats:
    """Its handler."""
    assert isinstance(service.handler, Seats)
    return service.handler


def build(settings: Settings, group: str, topic: str, output: str) -> runtime.Service:
    """The service under test, whose batches go in two lanes however small they are."""
    kernel.APART = 1  # type: ignore[misc]
    database, publisher = runtime.connect(settings), runtime.publisher(settings)
    handler = Seats(database, group, topic, output)
    return runtime.Service(settings, database, publisher, handler, lambda: runtime.create(database, "offerings"))


async def until(
    holds: Callable[[], Any], seconds: float = 30, where: Callable[[], Any] | None = None, every: float = 0.1
) -> None:
    """Wait until a condition holds (a function or coroutine function), or fail."""
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if await answer if asyncio.iscoroutine(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {await where() if where else holds}")
        await asyncio.sleep(every)
