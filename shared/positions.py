"""The position document: per group, topic and partition the fence, the outbox and the tally in one.

{_id: "group/topic/partition", start, next, step, at, tally: {outcome: n}, events: [[topic, partition, key, value, headers]],
 mark: {id, time, offset}}
`next` is the offset to apply next, `step` how many transactions of its record are done, `at` the timestamp (ms) of the
newest record applied, `events` what the last batch published; `tally` sums to next - start.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.structs import TopicPartition
from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from shared.errors import Fenced
from shared.publisher import Out

DUPLICATE_KEY = 11_000


@dataclass(slots=True)
class Position:
    """What the owner of a partition remembers of its document."""

    next: int | None = None
    step: int = 0
    at: int = -1
    sought: bool = True
    """True until the first batch after a seek: only then is a jump in the offsets believed."""
    unpublished: bool = False
    """True while `events` in the document is not empty."""
    held: dict[str, str] = field(default_factory=dict)
    """Held keys: `bug` (behind a dead letter) or `unknown` (before their entity)."""


@dataclass(slots=True)
class Move:
    """How one batch moves one position."""

    before: Position
    start: int
    next: int
    step: int = 0
    at: int = -1
    tally: Counter[str] = field(default_factory=Counter)
    events: list[Out] = field(default_factory=list)
    mark: dict[str, Any] | None = None
    held: dict[str, str | None] = field(default_factory=dict)
    """Keys that this batch begins to hold, or (None) lets go."""

    def after(self) -> Position:
        """What to remember once the transaction is committed."""
        held = {key: why for key, why in (self.before.held | self.held).items() if why is not None}
        return Position(self.next, self.step, max(self.at, self.before.at), False, bool(self.events), held)


class Positions:
    """The documents of one group."""

    def __init__(self, collection: AsyncCollection[dict[str, Any]], group: str) -> None:
        self._collection, self._group = collection, group

    def id(self, tp: TopicPartition) -> str:
        """The document's _id."""
        return f"{self._group}/{tp.topic}/{tp.partition}"

    async def read(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, dict[str, Any]]:
        """The documents that exist."""
        ids = {self.id(tp): tp for tp in tps}
        return {ids[found["_id"]]: found async for found in self._collection.find({"_id": {"$in": [*ids]}})}

    async def write(self, session: AsyncClientSession, moves: Mapping[TopicPartition, Move]) -> None:
        """Move on from what we remember, or raise Fenced."""
        try:
            done = await self._collection.bulk_write(
                [self._one(tp, move) for tp, move in moves.items()], session=session
            )
        except BulkWriteError as error:
            if any(fault["code"] == DUPLICATE_KEY for fault in error.details.get("writeErrors", ())):
                raise Fenced("the first step was taken by somebody else") from error
            raise
        if done.matched_count + done.inserted_count < len(moves):
            raise Fenced("the position was moved by somebody else")

    def _one(self, tp: TopicPartition, move: Move) -> UpdateOne | InsertOne[dict[str, Any]]:
        state = {"next": move.next, "step": move.step, "events": [[*out] for out in move.events]}
        if move.mark:
            state["mark"] = move.mark
        if move.before.next is None:
            at = max(move.at, move.before.at)
            return InsertOne({"_id": self.id(tp), "start": move.start, "at": at, "tally": dict(move.tally), **state})
        update: dict[str, Any] = {"$set": state, "$max": {"at": move.at}}
        if move.tally:
            update["$inc"] = {f"tally.{outcome}": n for outcome, n in move.tally.items()}
        return UpdateOne({"_id": self.id(tp), "next": move.before.next, "step": move.before.step}, update)

    async def empty(self, tp: TopicPartition, position: Position) -> None:
        """Forget events that the broker has; guarded, and a lost write costs one more publication."""
        here = {"_id": self.id(tp), "next": position.next, "step": position.step}
        await self._collection.update_one(here, {"$set": {"events": []}})
        position.unpublished = False


def left_in(document: Mapping[str, Any]) -> list[Out]:
    """The events that a position document still holds."""
    return [
        Out(topic, partition, key, value, [(name, bytes(content)) for name, content in headers])
        for topic, partition, key, value, headers in document["events"]
    ]
