"""Reads a topic as a whole, as an auditor does: without a group, from its beginning to where it ends now."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from shared.codec import Record
from shared.settings import Settings

RECORDS: Final = 500
"""So many records are handed over at once: between two of these portions others get their turn."""


class History:
    """One topic. `begins`: partition -> first offset that the log still has, known once reading has begun."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings, self.topic = settings, topic
        self.begins: dict[int, int] = {}

    @property
    def cut(self) -> set[int]:
        """Partitions whose beginning is gone."""
        return {partition for partition, offset in self.begins.items() if offset > 0}

    async def read(self) -> AsyncIterator[Sequence[Record]]:
        """All records, in order per partition; those that come meanwhile are left out."""
        async with self._consumer() as consumer:
            unread = consumer.assignment()
            ends: dict[TopicPartition, int] = {}
            while unread:
                found = await consumer.getmany(*unread, timeout_ms=200, max_records=RECORDS)
                for tp in unread:
                    # of a fetch, because the embedded broker's own answer about the end of a log is too low
                    if tp not in ends and (end := consumer.highwater(tp)) is not None:
                        ends[tp] = end
                yield [record for tp, some in found.items() for record in some if record.offset < ends[tp]]
                unread = {tp for tp in unread if tp not in ends or await consumer.position(tp) < ends[tp]}

    async def ends(self) -> dict[int, int]:
        """Partition -> offset behind the newest record."""
        async with self._consumer() as consumer:
            unknown = consumer.assignment()
            await consumer.seek_to_end(*unknown)
            ends: dict[int, int] = {}
            while unknown:
                await consumer.getmany(*unknown, timeout_ms=200)
                ends |= {tp.partition: end for tp in unknown if (end := consumer.highwater(tp)) is not None}
                unknown = {tp for tp in unknown if tp.partition not in ends}
            return ends

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            **self._settings.connecting,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(self.topic, partition) for partition in range(self._settings.partitions)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            self.begins = {tp.partition: offset for tp, offset in (await consumer.beginning_offsets(tps)).items()}
            yield consumer
        finally:
            await consumer.stop()
