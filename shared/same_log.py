"""Is this log the one that was read? A topic may have been made anew, or records removed before they were read."""

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from shared.errors import LogCut, LogReplaced, Stopped


async def strangers(
    consumer: AIOKafkaConsumer, documents: Mapping[TopicPartition, dict[str, Any]], begins: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Stopped]:
    """Partitions whose log is another: newer records than ours before our position, or a beginning behind it."""
    found: dict[TopicPartition, Stopped] = {}
    newer = await consumer.offsets_for_times({tp: document["at"] + 1 for tp, document in documents.items()})
    for tp, document in documents.items():
        first = newer.get(tp)
        if first is not None and first.timestamp >= 0 and first.offset < document["next"]:
            found[tp] = log_replaced(tp, document["next"])
        elif begins[tp] > document["next"]:
            found[tp] = log_cut(tp, begins[tp], document["next"])
    return found


def log_replaced(tp: TopicPartition, position: int) -> LogReplaced:
    """Say which."""
    return LogReplaced(f"{tp.topic}/{tp.partition}: newer records stand before our position {position}")


def log_cut(tp: TopicPartition, begin: int, position: int) -> LogCut:
    """Say which."""
    return LogCut(f"{tp.topic}/{tp.partition} begins at {begin}, we had read up to {position}")
