"""Folds a batch in memory, record by record, into what one transaction writes and what is published then. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from aiokafka.structs import TopicPartition
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from shared import limit
from shared.cloudevents import Event, encode
from shared.codec import TOMBSTONE, Record, dead_letter_headers, partition_and_topic, read_again
from shared.errors import Invalid
from shared.events import CONTROL, LETTER_DROPPED, MARK, Mark
from shared.handler import Handler, Item, Result, S, WriteOne
from shared.held import Waiting, held_document
from shared.letters import (
    CONTENT,
    NO_LETTERS,
    Document,
    Pending,
    letter_id,
    letter_of,
    record_of,
    said,
    sender_of,
    wanted,
)
from shared.positions import LettingGo, Move, Position
from shared.progress import OTHER, Dead, Outcome
from shared.publisher import Out
from shared.reading import BugError, Place, Reading, place

OUTPUT_BYTES = 4 * 1024 * 1024


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
    pending: Pending = NO_LETTERS
    """The letters that control events of this batch are about."""
    held_writes: list[WriteOne] = field(default_factory=list)
    letter_writes: list[WriteOne] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    dead: list[Dead] = field(default_factory=list)
    size: int = 0
    full: bool = False

    def take(self, reading: Reading) -> bool:
        """Apply one record and move its partition on. False if it needs another step."""
        record = reading.record
        move = self._move(record)
        if record.offset > move.next:
            move.tally["absent"] += record.offset - move.next
            self.outcomes[record.topic, OTHER, "absent"] += record.offset - move.next
        outcome, more = self._outcome(move, reading)
        move.at = max(move.at, record.timestamp)
        if more:
            begun = move.before.step if record.offset == move.before.next else 0
            move.next, move.step, self.full = record.offset, begun + 1, True
        else:
            move.next, move.step, move.letting_go = record.offset + 1, 0, None
            move.tally[outcome] += 1
            self.outcomes[record.topic, reading.item.event.type if reading.item else OTHER, outcome] += 1
            if reading.item is None or reading.item.event.type not in CONTROL:
                move.window = limit.pushed(move.window, outcome == "dead_lettered")
                if outcome == "dead_lettered":
                    move.stopped = limit.reached(move.window)
        self.full = self.full or self.size >= OUTPUT_BYTES or bool(move.stopped)
        return not more

    def _move(self, record: Record) -> Move:
        tp = partition_and_topic(record)
        if (move := self.moves.get(tp)) is None:
            before = self.owned[tp]
            move = self.moves[tp] = Move(before, before.next, before.at, before.window, before.letting_go)
        return move

    def _outcome(self, move: Move, reading: Reading) -> tuple[str, bool]:
        record, item = reading.record, reading.item
        if move.letting_go is not None:  # the record itself was applied by an earlier transaction
            waiting = self.waiting[partition_and_topic(record)]
            return move.letting_go.outcome, self._let_go(move, move.letting_go.key, waiting)
        if item is not None and item.event.type in CONTROL:
            return self._control(move, reading, item)
        return self._decide(move, reading)

    def _decide(self, move: Move, reading: Reading, letter: Document | None = None) -> tuple[str, bool]:
        """Apply a record, or the one of a letter that is replayed."""
        record, item = reading.record, reading.item
        behind = letter["key"] if letter is not None and letter["blocks"] else None
        if item is not None and item.event.type in CONTROL:  # the edited value of a letter
            item, reading = None, Reading(record, None, Invalid("unknown_type", "type", "is not for services"))
        if item is None:
            return self._dead_letter(move, record, reading.fault or Invalid("bug"), behind, letter), False
        why = move.why_held(item.key)
        if why == "bug" and behind is None:
            return self._hold(move, record, item.key, why), False
        try:
            result = self._apply(item, record)
        except Invalid as refused:
            return self._dead_letter(move, record, refused, item.key, letter), False
        return self._settle(move, record, item, result, why)

    def _settle(self, move: Move, record: Record, item: Item, result: Result, why: str | None) -> tuple[str, bool]:
        if result.outcome == "held":
            return self._hold(move, record, item.key, "unknown"), False
        self._say(move, record, result.events)
        if result.more or why is None:
            return result.outcome, result.more
        # the entity may have arrived, or the bug is over: what waits for it has transactions of its own
        move.letting_go = LettingGo(item.key, result.outcome)
        return result.outcome, True

    # --- control events ---------------------------------------------------------------------------------------------

    def _control(self, move: Move, reading: Reading, item: Item) -> tuple[str, bool]:
        if item.event.type == MARK:
            return self._mark(move, item), False
        letter = self.pending.documents.get(wanted(self.handler.group, reading) or "")
        if letter is None or letter["status"] != "open":
            return "applied", False  # another service's, or said twice
        if item.event.type == LETTER_DROPPED:
            return "applied", self._settled(move, item, letter, "dropped")
        replay = self.pending.replays.get(place(reading.record))
        if replay is None:  # nothing is kept that could be applied
            return "applied", False
        outcome, more = self._decide(move, replay, letter)
        if more and move.letting_go is None:
            return "applied", True
        return "applied", self._settled(move, item, letter, outcome)

    def _settled(self, move: Move, item: Item, letter: Document, outcome: str) -> bool:
        """Note what came of a letter. True if held records may go now."""
        move.tally["dead_lettered"] -= 1
        move.tally[outcome] += 1
        status = {"dropped": "dropped", "dead_lettered": "open"}.get(outcome, "replayed")
        if move.letting_go is None and letter["blocks"] and status != "open" and outcome != "held":
            move.letting_go = LettingGo(letter["key"], "applied")
        elif move.letting_go is not None:
            move.letting_go = LettingGo(move.letting_go.key, "applied")
        change: Document = {"status": status, "last": {"control": item.offset, "outcome": outcome}}
        if status != "open":
            change["blocks"] = False
        if outcome != "dropped":
            change |= {"replays": letter["replays"] + 1, "edited": item.event.data.value}
        self._note(letter, change)
        return move.letting_go is not None

    def _note(self, letter: Document, change: Document) -> None:
        letter.update(change)
        self.letter_writes.append(UpdateOne({"_id": letter["_id"]}, {"$set": change}))

    # --- held records -----------------------------------------------------------------------------------------------

    def _let_go(self, move: Move, key: str, waiting: Waiting) -> bool:
        """Apply held records in their order. True if there is more to do."""
        for record, step in waiting.records:
            if self.size >= OUTPUT_BYTES:
                return True
            outcome, more = self._release(move, record, key, step)
            if outcome == "held":
                move.held[key] = "unknown"
                return False
            identity = {"_id": letter_id(record)}
            if more:
                self.held_writes.append(UpdateOne(identity, {"$set": {"step": step + 1}}))
                return True
            self.held_writes.append(DeleteOne(identity))
            move.tally["held"] -= 1
            move.tally[outcome] += 1
            self.outcomes[record.topic, self._type(record), outcome] += 1
            if move.held.get(key) == "bug":
                return False
        if waiting.complete:
            move.held[key] = None
        return not waiting.complete

    def _type(self, record: Record) -> str:
        """The type of a held record: one of those that we know, for metrics have a line for each."""
        said = sender_of(record)["type"]
        return said if said in self.handler.topics[record.topic] else OTHER

    def _release(self, move: Move, record: Record, key: str, step: int) -> tuple[str, bool]:
        try:
            result = self._apply(read_again(record, self.handler.topics[record.topic], step), record)
        except Invalid as refused:
            return self._dead_letter(move, record, refused, key), False
        if result.outcome != "held":
            self._say(move, record, result.events)
        return result.outcome, result.more

    def _apply(self, item: Item, record: Record) -> Result:
        if self.bugs and place(record) in self.bugs:
            raise Invalid("bug", "", "the service failed on this record")
        try:
            result = self.handler.apply(self.state, item)
        except Invalid:
            raise
        except Exception as error:
            raise BugError(record) from error
        if item.event.type == TOMBSTONE:  # whatever we keep of this person's records may hold a name
            self.letter_writes.append(UpdateMany({"key": item.key}, {"$set": CONTENT}))
        return result

    def _hold(self, move: Move, record: Record, key: str, why: str) -> str:
        move.held[key] = why
        self.held_writes.append(InsertOne(held_document(self.handler.group, record, key)))
        return "held"

    def _dead_letter(
        self, move: Move, record: Record, fault: Invalid, key: str | None, letter: Document | None = None
    ) -> str:
        """Put a record aside, or put a letter aside again: it goes on blocking then if it did."""
        self.dead.append(Dead(record, fault.reason, key))
        private = record.topic in self.handler.private
        blocks = fault.reason == "bug" and key is not None and not private
        if letter is not None:
            record, blocks = record_of(letter), blocks or letter["blocks"]
            self._note(letter, said(fault, blocks=blocks))
        else:
            written = letter_of(record, fault, private=private, blocks=blocks)
            self.letter_writes.append(ReplaceOne({"_id": written["_id"]}, written, upsert=True))
        if key is not None and blocks:
            move.held[key] = "bug"
        topic = f"{self.handler.group}.dead-letters"
        headers = dead_letter_headers(record, fault, private=private)
        self._emit(move, Out(topic, record.partition, record.key, None if private else record.value, headers))
        return "dead_lettered"

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
