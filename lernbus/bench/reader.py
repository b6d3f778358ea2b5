"""Reads a topic without a group, from where it ended the last time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from lernbus.bench.place import Place
from lernbus.errors import CommandError

BATCH: Final = 2_000
WAIT_SECONDS: Final = 30
QUIET: Final = 20
"""So many empty answers in a row, 50 ms each, and the topic is read."""


class BenchError(CommandError):
    """What was measured did not do its work; the message is one line."""


class Reader:
    """One topic; `following` is the next offset to read of each partition."""

    def __init__(self, place: Place, topic: str, partitions: int) -> None:
        self._place = place
        self.following = {TopicPartition(topic, number): 0 for number in range(partitions)}
        self._consumer: Any = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["Reader"]:
        """Connect, and begin to fetch."""
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._place.kafka,
            enable_auto_commit=False,
            fetch_max_wait_ms=self._place.fetch_wait,
            fetch_max_bytes=4 * 1024 * 1024,
        )
        await self._consumer.start()
        try:
            self._consumer.assign([*self.following])
            for tp, offset in self.following.items():
                self._consumer.seek(tp, offset)
            yield self
        finally:
            await self._consumer.stop()

    async def skip(self) -> None:
        """Read all that is there."""
        async with self.opened():
            quiet = 0
            while quiet < QUIET:
                quiet = 0 if await self.batch() else quiet + 1

    async def batch(self) -> list[ConsumerRecord]:
        """What has come, at most as much as a service takes at once."""
        found = await self._consumer.getmany(timeout_ms=50, max_records=BATCH)
        for tp, records in found.items():
            self.following[tp] = records[-1].offset + 1
        return [record for records in found.values() for record in records]


class _Cause(msgspec.Struct):
    cause: str


class Outcome(msgspec.Struct):
    """What the benchmark needs of an outcome."""

    id: str
    type: str
    data: _Cause


outcome_of: Final = msgspec.json.Decoder(Outcome).decode


async def outcomes(reader: Reader, name: str, count: int) -> list[Outcome]:
    """The outcomes of `count` events `name`-..., each once: a service that starts publishes its last batch again.

    Raises BenchError where they do not come.
    """
    found: dict[str, Outcome] = {}
    try:
        async with asyncio.timeout(WAIT_SECONDS), reader.opened():
            while len(found) < count:
                for record in await reader.batch():
                    outcome = outcome_of(record.value)
                    if outcome.data.cause.startswith(f"{name}-"):
                        found[outcome.id] = outcome
    except TimeoutError as error:
        raise BenchError(f"{name}: only {len(found)} of {count} outcomes are there") from error
    return [*found.values()]
