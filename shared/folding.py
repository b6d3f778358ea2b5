"""Folds a batch in memory, record by record, into what one transaction writes and what is published then. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

from aiokafka.structs import TopicPartition
from pymongo import DeleteOne, InsertOne, UpdateOne

from shared.cloudevents import Event, encode
from shared.codec import Record, dead_letter_headers, partition_and_topic, read_again
from shared.errors import Invalid
from shared.events import MARK, Mark
from shared.handler import Handler, Item, Result, S, WriteOne
from shared.positions import LettingGo, Move, Position
from shared.publisher import Out

OUTPUT_BYTES = 4 * 1024 * 1024
BUGS_IN_A_ROW = 50
Place = tuple[str, int, int]


class Waiting(NamedTuple):
    """Held records of one key that may be let go, in order, each with the step it has reached; are these all?"""

    records: Sequence[tuple[Record, int]] = ()
    complete: bool = True


class BugError(Exception):
    """A record that our own code failed on."""

    def __init__(self, record: Record) -> None:
        super().__init__(place(record))
        self.record = record


class LastBugError(BugError):
    """One bug too many in a row."""


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
    waiting: Mapping[TopicPartition, Waiting]
    bugs: frozenset[Place]
    """Records that our own code is known to fail on."""
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
        outcome, more = self._outcome(move, reading)
        move.at = max(move.at, record.timestamp)
        if more:
            begun = move.before.step if record.offset == move.before.next else 0
            move.next, move.step, self.full = record.offset, begun + 1, True
        else:
            move.next, move.step, move.letting_go = record.offset + 1, 0, None
            move.tally[outcome] += 1
        self.full = self.full or self.size >= OUTPUT_BYTES
        return not more

    def _move(self, record: Record) -> Move:
        tp = partition_and_topic(record)
        if (move := self.moves.get(tp)) is None:
            before = self.owned[tp]
            move = self.moves[tp] = Move(before, before.next, before.at, before.bugs, before.letting_go)
        return move

    def _outcome(self, move: Move, reading: Reading) -> tuple[str, bool]:
        record, item = reading.record, reading.item
        if move.letting_go is not None:  # the record itself was applied by an earlier transaction
            waiting = self.waiting[partition_and_topic(record)]
            return move.letting_go.outcome, self._let_go(move, move.letting_go.key, waiting)
        if item is not None and item.event.type == MARK:
            return self._mark(move, item), False
        if item is None:
            return self._dead_letter(move, record, reading.fault or Invalid("bug"), None), False
        why = move.why_held(item.key)
        if why == "bug":
            return self._hold(move, record, item.key, why), False
        try:
            result = self._apply(move, item, record)
        except Invalid as refused:
            return self._dead_letter(move, record, refused, item.key), False
        return self._settle(move, record, item, result, why)

    def _settle(self, move: Move, record: Record, item: Item, result: Result, why: str | None) -> tuple[str, bool]:
        if result.outcome == "held":
            return self._hold(move, record, item.key, "unknown"), False
        self._say(move, record, result.events)
        if result.more or why != "unknown":
            return result.outcome, result.more
        # the entity may have arrived: what waits for it has transactions of its own
        move.letting_go = LettingGo(item.key, result.outcome)
        return result.outcome, True

    def _let_go(self, move: Move, key: str, waiting: Waiting) -> bool:
        """Apply held records in their order. True if there is more to do."""
        for record, step in waiting.records:
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
        if waiting.complete:
            move.held[key] = None
        return not waiting.complete

    def _release(self, move: Move, record: Record, key: str, step: int) -> tuple[str, bool]:
        try:
            result = self._apply(move, read_again(record, self.handler.topics[record.topic], step), record)
        except Invalid as refused:
            return self._dead_letter(move, record, refused, key), False
        if result.outcome != "held":
            self._say(move, record, result.events)
        return result.outcome, result.more

    def _apply(self, move: Move, item: Item, record: Record) -> Result:
        if self.bugs and place(record) in self.bugs:
            raise Invalid("bug", "", "the service failed on this record")
        try:
            result = self.handler.apply(self.state, item)
        except Invalid:
            raise
        except Exception as error:
            raise BugError(record) from error
        move.bugs = 0
        return result

    def _hold(self, move: Move, record: Record, key: str, why: str) -> str:
        move.held[key] = why
        self.held_writes.append(InsertOne(held_document(self.handler.group, record, key)))
        return "held"

    def _dead_letter(self, move: Move, record: Record, fault: Invalid, key: str | None) -> str:
        private = record.topic in self.handler.private
        if fault.reason == "bug":
            self._count_bug(move, record)
            if key is not None and not private:
                move.held[key] = "bug"
        value = None if private else record.value
        topic = f"{self.handler.group}.dead-letters"
        self._emit(move, Out(topic, record.partition, record.key, value, dead_letter_headers(record, fault)))
        return "dead_lettered"

    def _count_bug(self, move: Move, record: Record) -> None:
        move.bugs += 1
        if move.bugs >= BUGS_IN_A_ROW:
            raise LastBugError(record)

    def _mark(self, move: Move, item: Item) -> str:
        mark: Mark = item.event.data
        offset = item.offset if mark.offset is None else mark.offset
        if move.mark is None or offset > move.mark["offset"]:
            move.mark = {"offset": offset, "id": mark.mark_id, "time": item.event.time}
        if self.handler.output and item.topic not in self.handler.private:
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
