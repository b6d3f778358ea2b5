"""What is parked beside the log: held records, held keys and dead letters, as the kernel reads and writes them."""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.structs import TopicPartition
from pymongo import DeleteOne, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase

from shared.codec import Record
from shared.handler import WriteOne
from shared.letters import Document, first_within, letter_id, record_of, wanted
from shared.positions import Move, Position, Positions
from shared.reading import Reading

INPUT_BYTES = 4 * 1024 * 1024


class Waiting(NamedTuple):
    """Held records of one key that may be let go, in order, each with the step it has reached; are these all?"""

    records: Sequence[tuple[Record, int]] = ()
    complete: bool = True


def first_bytes(records: Sequence[Record]) -> Sequence[Record]:
    """As many records as fit into one batch, at least one."""
    return records[: first_within([len(record.value or b"") for record in records], INPUT_BYTES)]


def held_document(group: str, record: Record, key: str) -> dict[str, Any]:
    """A held record as it is kept: all that is needed to read it again."""
    return {
        "_id": letter_id(record),
        "group": group,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": key,
        "value": record.value,
        "headers": [[name, value] for name, value in record.headers],
        "step": 0,
    }


class Parked:
    """The collections `held`, `held_keys` and `dead_letters` of one group."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], positions: Positions, group: str) -> None:
        self._database, self._positions, self._group = database, positions, group

    async def waiting(
        self, tps: Iterable[TopicPartition], owned: Mapping[TopicPartition, Position], limit: int
    ) -> dict[TopicPartition, Waiting]:
        """The held records that the unfinished walks of these partitions may let go."""
        found: dict[TopicPartition, Waiting] = {}
        for tp in {*tps} & owned.keys():
            if going := owned[tp].letting_go:
                query = {"topic": tp.topic, "partition": tp.partition, "key": going.key}
                async with self._database["held"].find(query).sort("offset").limit(limit + 1) as cursor:
                    found[tp] = await within_bytes(cursor, limit)
        return found

    async def keys(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, dict[str, str]]:
        """The held keys of these partitions, and why."""
        ids = {self._positions.id(tp): tp for tp in tps}
        found: dict[TopicPartition, dict[str, str]] = {}
        async for document in self._database["held_keys"].find({"position": {"$in": [*ids]}}):
            found.setdefault(ids[document["position"]], {})[document["key"]] = document["why"]
        return found

    def key_writes(self, moves: Mapping[TopicPartition, Move]) -> list[WriteOne]:
        """What these moves change about held keys."""
        writes: list[WriteOne] = []
        for tp, move in moves.items():
            for key, why in move.held.items():
                identity = {"_id": f"{self._positions.id(tp)}/{key}"}
                if why is None:
                    writes.append(DeleteOne(identity))
                elif why != move.before.held.get(key):
                    document = {**identity, "position": self._positions.id(tp), "key": key, "why": why}
                    writes.append(ReplaceOne(identity, document, upsert=True))
        return writes

    async def letters(self, readings: Sequence[Reading]) -> tuple[Sequence[Reading], dict[str, Document]]:
        """The open letters that control events among these readings are about, and as many readings as go with them.

        Asks the database only where there is such an event.
        """
        about = [wanted(self._group, one) for one in readings]
        if not (ids := [one for one in about if one is not None]):
            return readings, {}
        letters = self._database["dead_letters"]
        sizes = {one["_id"]: one["size"] async for one in letters.find({"_id": {"$in": ids}}, ["size"])}
        number = first_within([sizes.get(one or "", 0) for one in about], INPUT_BYTES)
        query = {"_id": {"$in": [one for one in about[:number] if one is not None]}, "status": "open"}
        return readings[:number], {one["_id"]: one async for one in letters.find(query)}


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
    return record_of({**document, "raw_key": document["key"].encode()})
