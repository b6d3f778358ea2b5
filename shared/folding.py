"""Folds a batch in memory, record by record, into what one transaction writes and what is published then. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from aiokafka.structs import TopicPartition
from pymongo import DeleteOne, InsertOne, UpdateOne

from shared.cloudevents import Event, encode
from shared.codec import Record, dead_letter_headers, partition_and_topic, read_again
from shared.errors import Invalid
from shared.events import LMS_EVENTS, MARK, Mark
from shared.handler import Handler, Item, Result, S, WriteOne
from shared.positions import Move, Position
from shared.publisher import Out

OUTPUT_BYTES = 4 * 1024 * 1024
STEP = 1_000
"""So many held records are let go in one transaction."""
Place = tuple[str, int, int]
Waiting = Mapping[tuple[TopicPartition, str], Sequence[tuple[Record, int]]]
"""Held records that may be let go, in order, each with the step it has reached."""


class BugError(Exception):
    """A record that our own code failed on."""

    def __init__(self, record: Record) -> None:
        super().__init__(place(record))
        self.record = record


def place(record: Record) -> Place:
    """Where a record stands, for a set."""
    return record.topic, record.partition, record.offset


@dataclass(slots=True)
class Reading:
    """A record, and the item that it is or the fault why it is none."""

    record: Record
    item: Item | None
    fault: Invalid | None = None


@dataclass(slots=True)
class Fold(Generic[S]):
    """The state of a fold: feed it readings until `full`."""

    handler: Handler[S]
    state: S
    owned: Mapping[TopicPartition, Position]
    waiting: Waiting
    bugs: frozenset[Place]
    moves: dict[TopicPartition, Move] = field(default_factory=dict)
    held_writes: list[WriteOne] = field(default_factory=list)
    size: int = 0
    full: bool = False

    def take(self, reading: Reading) -> bool:
        """Apply one record and move its partition on. False if it needs another step."""
        record = reading.record
        move = self._move(record)
        if record.offset > move.next:
            move.tally["absent"] += record.offset - move.next
        move.next, move.step, move.at = record.offset + 1, 0, max(move.at, record.timestamp)
        outcome, more = self._outcome(move, reading)
        if more:
            move.next, move.step, self.full = record.offset, self._step(reading) + 1, True
        else:
            move.tally[outcome] += 1
        self.full = self.full or self.size >= OUTPUT_BYTES
        return not more

    def _step(self, reading: Reading) -> int:
        return reading.item.step if reading.item else 0

    def _move(self, record: Record) -> Move:
        tp = partition_and_topic(record)
        if tp not in self.moves:
            before = self.owned[tp]
            start = record.offset if before.next is None else before.next
            self.moves[tp] = Move(before, start, start, before.step, before.at)
        return self.moves[tp]

    def _outcome(self, move: Move, reading: Reading) -> tuple[str, bool]:
        record, item = reading.record, reading.item
        if item is not None and item.event.type == MARK:
            return self._mark(move, item), False
        why = self._why_held(move, item)
        if item is not None and why == "bug":
            return self._hold(move, record, item.key, why), False
        fault = reading.fault or self._known_bug(record)
        if item is None or fault is not None:
            return self._dead_letter(move, record, fault or Invalid("bug"), item), False
        try:
            result = self._apply(item, record)
        except Invalid as refused:
            return self._dead_letter(move, record, refused, item), False
        return self._settle(move, record, item, result, why)

    def _settle(self, move: Move, record: Record, item: Item, result: Result, why: str | None) -> tuple[str, bool]:
        if result.outcome == "held":
            return self._hold(move, record, item.key, "unknown"), False
        self._say(move, record, result.events)
        if result.more or why != "unknown":
            return result.outcome, result.more
        if item.step == 0:  # the entity may have arrived: what waits for it has a transaction of its own
            return result.outcome, True
        return result.outcome, self._let_go(
            move, item.key, self.waiting.get((partition_and_topic(record), item.key), ())
        )

    def _let_go(self, move: Move, key: str, waiting: Sequence[tuple[Record, int]]) -> bool:
        """Apply held records in their order. True if there is more to do."""
        for record, step in waiting:
            if self.size >= OUTPUT_BYTES:
                return True
            outcome, more = self._release(move, record, key, step)
            if outcome == "held":
                return False
            identity = {"_id": held_id(record)}
            if more:
                self.held_writes.append(UpdateOne(identity, {"$set": {"step": step + 1}}))
                return True
            self.held_writes.append(DeleteOne(identity))
            move.tally["held"] -= 1
            move.tally[outcome] += 1
            if move.held.get(key) == "bug":
                return False
        if len(waiting) >= STEP:
            return True
        move.held[key] = None
        return False

    def _release(self, move: Move, record: Record, key: str, step: int) -> tuple[str, bool]:
        try:
            if fault := self._known_bug(record):
                raise fault
            item = read_again(record, self.handler.topics[record.topic], step)
            result = self._apply(item, record)
        except Invalid as refused:
            if refused.reason == "bug":
                move.held[key] = "bug"
            return self._publish_dead_letter(move, record, refused), False
        self._say(move, record, result.events)
        return result.outcome, result.more

    def _apply(self, item: Item, record: Record) -> Result:
        try:
            return self.handler.apply(self.state, item)
        except Invalid:
            raise
        except Exception as error:
            raise BugError(record) from error

    def _known_bug(self, record: Record) -> Invalid | None:
        return Invalid("bug", "", "the service failed on this record") if place(record) in self.bugs else None

    def _why_held(self, move: Move, item: Item | None) -> str | None:
        return move.held.get(item.key, move.before.held.get(item.key)) if item else None

    def _hold(self, move: Move, record: Record, key: str, why: str) -> str:
        move.held[key] = why
        self.held_writes.append(InsertOne(held_document(self.handler.group, record, key)))
        return "held"

    def _dead_letter(self, move: Move, record: Record, fault: Invalid, item: Item | None) -> str:
        if fault.reason == "bug" and item is not None and record.topic not in self.handler.private:
            move.held[item.key] = "bug"
        return self._publish_dead_letter(move, record, fault)

    def _publish_dead_letter(self, move: Move, record: Record, fault: Invalid) -> str:
        value = None if record.topic in self.handler.private else record.value
        topic = f"{self.handler.group}.dead-letters"
        self._emit(move, Out(topic, record.partition, record.key, value, dead_letter_headers(record, fault)))
        return "dead_lettered"

    def _mark(self, move: Move, item: Item) -> str:
        mark: Mark = item.event.data
        offset = item.offset if mark.offset is None else mark.offset
        move.mark = {"id": mark.mark_id, "time": item.event.time, "offset": offset}
        if self.handler.output and item.topic == LMS_EVENTS:
            passed_on = Event(
                item.event.id, item.event.source, MARK, item.event.time, Mark(mark_id=mark.mark_id, offset=offset)
            )
            self._emit(move, Out(self.handler.output, item.partition, None, encode(passed_on)))
        return "applied"

    def _say(self, move: Move, record: Record, events: Sequence[Event]) -> None:
        for event in events:
            value = encode(event)
            if len(value) > OUTPUT_BYTES - 65_536:
                raise BugError(record)
            self._emit(move, Out(self.handler.output or "", record.partition, record.key, value))

    def _emit(self, move: Move, out: Out) -> None:
        move.events.append(out)
        self.size += len(out.value or b"") + len(out.key or b"") + 64


def held_id(record: Record) -> str:
    """The _id of a held record."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def held_document(group: str, record: Record, key: str) -> dict[str, Any]:
    """A held record as it is kept: all that is needed to read it again."""
    return {
        "_id": held_id(record),
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
