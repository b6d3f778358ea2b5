"""Sends records in order per partition, and takes a new producer after every failure."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.closing import close_producer
from shared.errors import Unpublished

BATCH_BYTES = 900_000
"""Below the 1 MiB that a topic takes by default; a larger record goes in a batch of its own."""
RECORD_BYTES = 4 * 1024 * 1024


class Out(NamedTuple):
    """A record to send."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Publisher:
    """One producer at a time. A failed one is never used again.

    After an outage longer than the request timeout the broker refuses an idempotent producer's sequence numbers for
    ever; and with one record batch per partition nothing can overtake what failed.
    """

    def __init__(self, bootstrap: str, **settings: Any) -> None:
        self._settings = {
            "bootstrap_servers": bootstrap,
            "acks": "all",
            "linger_ms": 0,
            "max_batch_size": BATCH_BYTES,
            "max_request_size": RECORD_BYTES + 65_536,
            "request_timeout_ms": 40_000,
            "retry_backoff_ms": 500,
            "metadata_max_age_ms": 30_000,
            **settings,
        }
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, outs: Sequence[Out]) -> list[int]:
        """Send all; return their offsets, in order, once every replica has them. Raises Unpublished."""
        lanes: dict[tuple[str, int], list[int]] = defaultdict(list)
        for index, out in enumerate(outs):
            lanes[out.topic, out.partition].append(index)
        offsets = [-1] * len(outs)
        if not outs:
            return offsets
        producer = None
        try:
            producer = await self._ready()
            async with asyncio.TaskGroup() as tasks:  # the first failure ends all: nothing goes on in the background
                for place, lane in lanes.items():
                    tasks.create_task(self._send(producer, place, lane, outs, offsets))
        except BaseException as error:
            await self._discard(producer)
            failed = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            if isinstance(failed, (KafkaError, OSError)):
                raise Unpublished(f"{type(failed).__name__}: {failed}") from failed
            raise
        return offsets

    async def stop(self) -> None:
        """Close the connection."""
        await self._discard(self._producer)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._settings)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None and producer is self._producer:
            self._producer = None
            await asyncio.shield(close_producer(producer))

    async def _send(
        self,
        producer: AIOKafkaProducer,
        place: tuple[str, int],
        lane: list[int],
        outs: Sequence[Out],
        offsets: list[int],
    ) -> None:
        """One record batch after the other, each acknowledged before the next."""
        topic, partition = place
        while lane:
            batch = producer.create_batch()
            sent = []
            for index in lane:
                out = outs[index]
                if batch.append(key=out.key, value=out.value, timestamp=None, headers=list(out.headers)) is None:
                    break
                sent.append(index)
            done = await (await producer.send_batch(batch, topic, partition=partition))
            for position, index in enumerate(sent):
                offsets[index] = done.offset + position
            lane = lane[len(sent) :]
