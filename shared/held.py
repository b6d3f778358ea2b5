"""How much one batch takes, of the log and of the held records."""

from collections.abc import AsyncIterable, Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord

from shared.codec import Record
from shared.folding import Waiting

INPUT_BYTES = 4 * 1024 * 1024


def first_bytes(records: Sequence[Record]) -> Sequence[Record]:
    """As many records as fit into one batch, at least one."""
    size = 0
    for index, record in enumerate(records):
        size += len(record.value or b"")
        if size > INPUT_BYTES and index:
            return records[:index]
    return records


async def within_bytes(documents: AsyncIterable[dict[str, Any]], limit: int) -> Waiting:
    """As many held records as fit into one batch, at least one."""
    found: list[tuple[Record, int]] = []
    size = 0
    async for document in documents:
        size += len(document["value"] or b"")
        if len(found) == limit or (found and size > INPUT_BYTES):
            return Waiting(found, complete=False)
        found.append((_record(document), document["step"]))
    return Waiting(found)


def _record(document: dict[str, Any]) -> Record:
    """A held record as Kafka had given it."""
    headers = tuple((name, content) for name, content in document["headers"])
    key = document["key"].encode()
    where = (document["topic"], document["partition"], document["offset"], document["timestamp"])
    return ConsumerRecord(*where, 0, key, document["value"], None, 0, 0, headers)  # type: ignore[no-any-return]
