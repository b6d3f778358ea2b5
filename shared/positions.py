"""The position document: per group, topic and partition the fence, the outbox and the tally in one.

{_id: "group/topic/partition", start, next, step, at, window, stopped, letting_go: [key, outcome] or null,
 tally: {outcome: n}, events: [[topic, partition, key, value, headers]], mark: {offset, id, time}}
`next` is the offset to apply next, `step` how many transactions of its record are done, `at` the timestamp (ms) of the
newest record applied, `window` the outcomes of the last records (hexadecimal, shared/limit.py), `stopped` why the
partition stands still (empty while it does not), `letting_go` the key whose held records are being applied and what
became of the record that let them go, `events` what the last batch published; `tally` sums to next - start.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.structs import TopicPartition
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from shared import limit
from shared.errors import Fenced
from shared.publisher import Out

Document = dict[str, Any]


class LettingGo(NamedTuple):
    """A key whose held records are being applied, and what became of the record that let them go."""

    key: str
    outcome: str


@dataclass(slots=True)
class Position:
    """What the owner of a partition remembers of its document."""

    next: int
    step: int = 0
    at: int = -1
    window: int = limit.NONE
    letting_go: LettingGo | None = None
    unpublished: bool = False
    """True while `events` in the document is not empty."""
    held: dict[str, str] = field(default_factory=dict)
    """Held keys: `bug` (behind a dead letter) or `unknown` (before their entity)."""


@dataclass(slots=True)
class Move:
    """How one batch moves one position."""

    before: Position
    next: int
    at: int
    window: int
    letting_go: LettingGo | None
    step: int = 0
    tally: Counter[str] = field(default_factory=Counter)
    events: list[Out] = field(default_factory=list)
    mark: dict[str, Any] | None = None
    held: dict[str, str | None] = field(default_factory=dict)
    """Keys that this batch begins to hold, or (None) lets go."""
    stopped: str = ""
    """Why the partition must stand still from here on."""

    def why_held(self, key: str) -> str | None:
        """Why records of this key are held; nearly always they are not."""
        if self.held or self.before.held:
            return self.held.get(key, self.before.held.get(key))
        return None

    def after(self) -> Position:
        """What to remember once the transaction is committed."""
        held = {key: why for key, why in (self.before.held | self.held).items() if why is not None}
        numbers = self.next, self.step, self.at, self.window
        return Position(*numbers, self.letting_go, unpublished=bool(self.events), held=held)


class Positions:
    """The documents of one group."""

    def __init__(self, collection: AsyncCollection[dict[str, Any]], group: str) -> None:
        self._collection, self._group = collection, group

    def id(self, tp: TopicPartition) -> str:
        """The document's _id."""
        return f"{self._group}/{tp.topic}/{tp.partition}"

    async def read(self, begins: Mapping[TopicPartition, int]) -> dict[TopicPartition, Document]:
        """The documents of these partitions; a new one starts where its log begins."""
        ids = {self.id(tp): tp for tp in begins}
        found = {ids[one["_id"]]: one async for one in self._collection.find({"_id": {"$in": [*ids]}})}
        for tp in begins.keys() - found.keys():  # two may try: the second one fails, and reads it
            found[tp] = {"_id": self.id(tp), "start": begins[tp], "next": begins[tp], **_fresh()}
            await self._collection.insert_one(found[tp])
        return found

    async def write(self, session: AsyncClientSession, moves: Mapping[TopicPartition, Move]) -> None:
        """Move on from what we remember, or raise Fenced."""
        done = await self._collection.bulk_write([self._one(tp, move) for tp, move in moves.items()], session=session)
        if done.matched_count < len(moves):
            raise Fenced("the position was moved by somebody else")

    def _one(self, tp: TopicPartition, move: Move) -> UpdateOne:
        state: Document = {"next": move.next, "step": move.step, "letting_go": move.letting_go, "at": move.at}
        state |= {"window": f"{move.window:x}", "stopped": move.stopped, "events": [[*out] for out in move.events]}
        update = {"$set": state}
        if move.mark:  # its offset stands first, so the newest wins: a repeated publication may bring an older one
            update["$max"] = {"mark": move.mark}
        if move.tally:
            update["$inc"] = {f"tally.{outcome}": n for outcome, n in move.tally.items()}
        return UpdateOne({"_id": self.id(tp), "next": move.before.next, "step": move.before.step}, update)

    async def empty(self, tp: TopicPartition, position: Position) -> None:
        """Forget events that the broker has; guarded, and a lost write costs one more publication."""
        here = {"_id": self.id(tp), "next": position.next, "step": position.step}
        await self._collection.update_one(here, {"$set": {"events": []}})
        position.unpublished = False

    async def stopped(self) -> dict[str, str]:
        """_id -> why, of the partitions that stand still because of their dead letters."""
        found = self._collection.find({"stopped": {"$nin": ["", None]}}, ["stopped"])
        return {one["_id"]: one["stopped"] async for one in found}

    async def resume(self, tp: TopicPartition) -> bool:
        """Let a partition go on, and count anew; its owner sees it at its next tick. False if it was not stopped."""
        where = {"_id": self.id(tp), "stopped": {"$nin": ["", None]}}
        done = await self._collection.update_one(where, {"$set": {"stopped": "", "window": f"{limit.NONE:x}"}})
        return done.modified_count == 1


def _fresh() -> Document:
    return {
        "step": 0,
        "at": -1,
        "window": f"{limit.NONE:x}",
        "stopped": "",
        "letting_go": None,
        "tally": {},
        "events": [],
    }


def left_in(document: Mapping[str, Any]) -> list[Out]:
    """The events that a position document still holds."""
    return [
        Out(topic, partition, key, value, [(name, bytes(content)) for name, content in headers])
        for topic, partition, key, value, headers in document["events"]
    ]


def remembered(document: Mapping[str, Any], held: dict[str, str]) -> Position:
    """What a document says, and the keys that are held."""
    going = LettingGo(*document["letting_go"]) if document["letting_go"] else None
    numbers = document["next"], document["step"], document["at"], int(document["window"], 16)
    return Position(*numbers, going, unpublished=bool(document["events"]), held=held)
