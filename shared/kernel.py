"""The consumer kernel: a batch of records becomes one transaction, then its events are published, then it is over.

docs/kernel.md explains it on one page. What must hold here:
* one lock: a batch, a recovery or a revocation at a time;
* `owned` holds what this consumer remembers of its position documents; every write is guarded by it, so whoever is late fails;
* after any failure it forgets what it owned; recovery reads the documents, publishes what they still hold, and seeks to `next`.
Kafka's committed offsets are a hint for people who watch the lag, and nothing here reads them.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

import pymongo
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from bson.errors import BSONError
from pymongo import DeleteOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DocumentTooLarge, PyMongoError, WriteError

from shared.codec import Record, partition_and_topic, read
from shared.errors import Invalid, LogCut, LogReplaced, Stopped, TooManyBugs, Transient
from shared.folding import STEP, BugError, Fold, Place, Reading, Waiting, place
from shared.handler import Handler, S, WriteOne
from shared.positions import Position, Positions, left_in
from shared.publisher import Publisher
from shared.settings import Settings

INPUT_BYTES = 4 * 1024 * 1024
BUGS_IN_A_ROW = 50
log = structlog.get_logger()


class Kernel(ConsumerRebalanceListener, Generic[S]):  # type: ignore[misc]
    """Feeds one service from the partitions that its consumer owns."""

    def __init__(
        self, handler: Handler[S], database: AsyncDatabase[dict[str, Any]], publisher: Publisher, settings: Settings
    ) -> None:
        self.handler, self.publisher, self.settings = handler, publisher, settings
        self.budgets, self.partitions = settings.budgets, settings.partitions
        self.database = database
        self.positions = Positions(database["positions"], handler.group)
        self.consumer: AIOKafkaConsumer | None = None
        self.owned: dict[TopicPartition, Position] = {}
        self.stopped: dict[TopicPartition, Stopped] = {}
        self.lock = asyncio.Lock()
        self.assigned = asyncio.Event()
        self.on_commit: Callable[[], None] = lambda: None
        self.failures = 0
        self._bugs: Counter[TopicPartition] = Counter()
        self._hinted: dict[TopicPartition, int] = {}

    # --- what the consumer tells us ---------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the running batch end, for a while, then forget everything."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.budgets.revocation), self.lock:
                pass
        self.owned.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Recovery must not run in here: aiokafka sends no heartbeats meanwhile."""
        self.owned.clear()
        self.stopped.clear()
        self._hinted.clear()
        self.assigned.set()

    async def run(self, records: Sequence[Record]) -> None:
        """Apply one batch. Never raises: a failure is waited for, and the records are read again."""
        async with self.lock:
            try:
                await self._run(records)
                self.failures = 0
            except Exception as error:  # every failure ends in the same way: forget, wait, read again
                self._rewind(records)
                await self._back_off(error)

    async def tick(self) -> None:
        """Once a second: own what is not owned yet, tidy what is idle, hint at Kafka how far we are."""
        async with self.lock:
            try:
                await self._recover(self._assignment() - self.owned.keys() - self.stopped.keys())
                for tp, position in self.owned.items():
                    if position.unpublished and position.next == self._hinted.get(tp):
                        await self.positions.empty(tp, position)
                self.failures = 0
            except Exception as error:
                await self._back_off(error)
        await self._hint()

    @property
    def ready(self) -> bool:
        """True once everything assigned is owned, and nothing failed since."""
        return self.assigned.is_set() and not self.failures and self._assignment() <= self.owned.keys()

    # --- one batch --------------------------------------------------------------------------------------------------

    async def _run(self, records: Sequence[Record]) -> None:
        pending = await self._fresh(records)
        while pending:
            async with asyncio.timeout(self.budgets.revocation):
                pending = await self._advance(pending)

    async def _fresh(self, records: Sequence[Record]) -> list[Record]:
        """The records that stand at or after our positions; those of a partition that is elsewhere are read again."""
        firsts: dict[TopicPartition, Record] = {}
        for record in records:
            firsts.setdefault(partition_and_topic(record), record)
        astray = {tp for tp, first in firsts.items() if self._is_astray(tp, first)}
        for tp in astray:
            self.owned.pop(tp, None)
        await self._recover(astray - self.stopped.keys())
        return [
            record
            for record in records
            if (tp := partition_and_topic(record)) not in astray and self._is_next(tp, record)
        ]

    def _is_astray(self, tp: TopicPartition, first: Record) -> bool:
        """True where we do not know the position, or jumped over records without having sought there."""
        position = self.owned.get(tp)
        if position is None:
            return True
        if position.next is None or first.offset <= position.next:
            return False
        return not position.sought

    def _is_next(self, tp: TopicPartition, record: Record) -> bool:
        """Skip what was applied; a record before our position that is newer than all we saw is another log's."""
        position = self.owned.get(tp)
        if position is None:
            return False
        if position.next is None or record.offset >= position.next:
            return True
        if record.timestamp > position.at:
            self._stop(
                tp,
                LogReplaced(
                    f"{tp.topic}/{tp.partition}: offset {record.offset} is new, our position is {position.next}"
                ),
            )
        return False

    async def _advance(self, records: list[Record]) -> list[Record]:
        """One transaction and its publication; returns the records that are left."""
        done, fold = await self._plan_and_write(records)
        self.owned |= {tp: move.after() for tp, move in fold.moves.items()}
        events = [out for move in fold.moves.values() for out in move.events]
        self.on_commit()
        if events:
            await self.publisher.publish(events)
        return [record for record in records[done:] if partition_and_topic(record) in self.owned]

    async def _plan_and_write(self, records: list[Record]) -> tuple[int, Fold[S]]:
        """Take as much as fits; a record that our code fails on is found, and dead-lettered."""
        bugs: set[Place] = set()
        while True:
            try:
                done, fold = await self._plan(records, frozenset(bugs))
                await self._write(fold)
            except BugError as bug:
                self._count_bug(bug.record, bug.__cause__ or bug)
                bugs.add(place(bug.record))
            except Exception as error:
                if is_transient(error) or place(records[0]) in bugs:
                    raise
                if len(records) > 1:  # loading or writing failed: whose fault it is, halving tells
                    records = records[: len(records) // 2]
                    continue
                self._count_bug(records[0], error)
                bugs.add(place(records[0]))
            else:
                for tp, move in fold.moves.items():
                    if move.tally.total() > move.tally["dead_lettered"]:
                        self._bugs.pop(tp, None)
                return done, fold

    async def _plan(self, records: Sequence[Record], bugs: frozenset[Place]) -> tuple[int, Fold[S]]:
        readings = [self._read(record) for record in _first_bytes(records)]
        waiting = await self._waiting(readings)
        held = [self._read_held(record, step) for group in waiting.values() for record, step in group]
        items = [reading.item for reading in (*readings, *held) if reading.item is not None]
        state = await self.handler.load(items)
        fold = Fold(self.handler, state, self.owned, waiting, bugs)
        done = 0
        for reading in readings:
            done += fold.take(reading)
            if fold.full:
                break
        return done, fold

    def _read(self, record: Record) -> Reading:
        position = self.owned[partition_and_topic(record)]
        step = position.step if record.offset == position.next else 0
        try:
            return Reading(record, read(record, self.handler.topics[record.topic], self.partitions, step))
        except Invalid as fault:
            return Reading(record, None, fault)
        except Exception as error:
            raise BugError(record) from error

    async def _write(self, fold: Fold[S]) -> None:
        """One transaction: the fence first, so that whoever is late fails before it has written anything."""
        writes: dict[str, Sequence[WriteOne]] = {"held": fold.held_writes, "held_keys": self._held_keys(fold)}
        writes |= self.handler.writes(fold.state)

        async def write(session: AsyncClientSession) -> None:
            await self.positions.write(session, fold.moves)
            for name, operations in writes.items():
                if operations:
                    await self.database[name].bulk_write(operations, session=session)

        with pymongo.timeout(self.budgets.database):
            async with self.database.client.start_session() as session:
                await session.with_transaction(write)

    def _held_keys(self, fold: Fold[S]) -> list[WriteOne]:
        writes: list[WriteOne] = []
        for tp, move in fold.moves.items():
            for key, why in move.held.items():
                identity = {"_id": f"{self.positions.id(tp)}/{key}"}
                if why is None:
                    writes.append(DeleteOne(identity))
                elif why != move.before.held.get(key):
                    document = {**identity, "position": self.positions.id(tp), "key": key, "why": why}
                    writes.append(ReplaceOne(identity, document, upsert=True))
        return writes

    # --- held records -----------------------------------------------------------------------------------------------

    async def _waiting(self, readings: Sequence[Reading]) -> Waiting:
        """The held records that the unfinished walks of this batch may let go."""
        found: dict[tuple[TopicPartition, str], list[tuple[Record, int]]] = {}
        for reading in readings:
            tp, item = partition_and_topic(reading.record), reading.item
            if item is not None and item.step and self.owned[tp].held.get(item.key) == "unknown":
                query = {"topic": tp.topic, "partition": tp.partition, "key": item.key}
                cursor = self.database["held"].find(query).sort("offset").limit(STEP)
                found[tp, item.key] = [(_record(document), document["step"]) async for document in cursor]
        return found

    def _read_held(self, record: Record, step: int) -> Reading:
        try:
            return Reading(record, read(record, self.handler.topics[record.topic], self.partitions, step))
        except Invalid as fault:
            return Reading(record, None, fault)

    # --- recovery ---------------------------------------------------------------------------------------------------

    async def _recover(self, tps: set[TopicPartition]) -> None:
        """Become the owner: publish what the predecessor may not have published, and go on where it ended."""
        if not tps or self.consumer is None:
            return
        async with asyncio.timeout(self.budgets.revocation):
            documents = await self.positions.read(tps)  # first: a predecessor's later commit fails at our fence
            held = await self._held(tps)
            await self.publisher.publish([out for document in documents.values() for out in left_in(document)])
            replaced = await self._replaced(documents)
        for tp in tps & self._assignment():
            if tp in replaced:
                self._stop(tp, replaced[tp])
            elif tp in documents:
                await self._go_on(tp, documents[tp], held.get(tp, {}))
            else:
                self.owned[tp] = Position(held=held.get(tp, {}))
                await self.consumer.seek_to_beginning(tp)

    async def _go_on(self, tp: TopicPartition, document: dict[str, Any], held: dict[str, str]) -> None:
        assert self.consumer is not None
        unpublished = bool(document["events"])
        self.owned[tp] = Position(document["next"], document["step"], document["at"], True, unpublished, held)
        self.consumer.seek(tp, document["next"])

    async def _held(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, dict[str, str]]:
        ids = {self.positions.id(tp): tp for tp in tps}
        found: dict[TopicPartition, dict[str, str]] = {}
        async for document in self.database["held_keys"].find({"position": {"$in": [*ids]}}):
            found.setdefault(ids[document["position"]], {})[document["key"]] = document["why"]
        return found

    async def _replaced(self, documents: dict[TopicPartition, dict[str, Any]]) -> dict[TopicPartition, Stopped]:
        """Partitions whose log is not the one that we read: newer records before our position, or a later beginning."""
        if not documents or self.settings.broker == "embedded":  # its logs never outlive the database
            return {}
        assert self.consumer is not None
        found: dict[TopicPartition, Stopped] = {}
        newer = await self.consumer.offsets_for_times({tp: document["at"] + 1 for tp, document in documents.items()})
        begins = await self.consumer.beginning_offsets([*documents])
        for tp, document in documents.items():
            first = newer.get(tp)
            if first is not None and first.timestamp >= 0 and first.offset < document["next"]:
                found[tp] = LogReplaced(f"{tp.topic}/{tp.partition}: newer records stand before {document['next']}")
            elif begins[tp] > document["next"]:
                found[tp] = LogCut(
                    f"{tp.topic}/{tp.partition} begins at {begins[tp]}, we had read up to {document['next']}"
                )
        return found

    # --- failures ---------------------------------------------------------------------------------------------------

    def _stop(self, tp: TopicPartition, why: Stopped) -> None:
        log.error("partition stopped", topic=tp.topic, partition=tp.partition, kind=type(why).__name__, reason=str(why))
        self.stopped[tp] = why
        self.owned.pop(tp, None)
        if self.consumer is not None and tp in self._assignment():
            self.consumer.pause(tp)

    def _count_bug(self, record: Record, error: BaseException) -> None:
        tp = partition_and_topic(record)
        log.error("bug", topic=tp.topic, partition=tp.partition, offset=record.offset, exc_info=error)
        self._bugs[tp] += 1
        if self._bugs[tp] > BUGS_IN_A_ROW:
            self._stop(tp, TooManyBugs(f"{tp.topic}/{tp.partition}: {BUGS_IN_A_ROW} records in a row failed"))
            raise self.stopped[tp]

    def _rewind(self, records: Sequence[Record]) -> None:
        """Read this batch again; where exactly, recovery knows better."""
        self.owned.clear()
        firsts: dict[TopicPartition, int] = {}
        for record in records:
            firsts.setdefault(partition_and_topic(record), record.offset)
        for tp, offset in firsts.items():
            with contextlib.suppress(IllegalStateError):  # it was taken from us meanwhile
                if self.consumer is not None:
                    self.consumer.seek(tp, offset)

    async def _back_off(self, error: Exception) -> None:
        self.owned.clear()
        self.failures += 1
        if is_transient(error):
            log.warning("batch failed, trying again", kind=type(error).__name__, failures=self.failures)
        else:
            log.error("batch failed, trying again", failures=self.failures, exc_info=error)
        await asyncio.sleep(min(0.1 * 2 ** min(self.failures, 10), 5))

    # --- the consumer -----------------------------------------------------------------------------------------------

    def _assignment(self) -> set[TopicPartition]:
        return set(self.consumer.assignment()) if self.consumer is not None else set()

    async def _hint(self) -> None:
        """Commit our positions to Kafka, where they only show the lag."""
        now = {tp: position.next for tp, position in self.owned.items() if position.next is not None}
        if self.consumer is not None and now != self._hinted:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(5):
                    await self.consumer.commit(now)
            self._hinted = now


def is_transient(error: BaseException) -> bool:
    """True for what a retry can cure; anything else is a bug."""
    if isinstance(error, (WriteError, BulkWriteError)):
        return error.has_error_label("TransientTransactionError")
    if isinstance(error, (DocumentTooLarge, BSONError)):
        return False
    return isinstance(error, (Transient, PyMongoError, KafkaError, OSError, TimeoutError))


def _first_bytes(records: Sequence[Record]) -> Sequence[Record]:
    """As many records as fit into one batch, at least one."""
    size = 0
    for index, record in enumerate(records):
        size += len(record.value or b"")
        if size > INPUT_BYTES and index:
            return records[:index]
    return records


def _record(document: dict[str, Any]) -> Record:
    """A held record as Kafka had given it."""
    headers = tuple((name, content) for name, content in document["headers"])
    key = document["key"].encode()
    where = (document["topic"], document["partition"], document["offset"], document["timestamp"])
    return ConsumerRecord(*where, 0, key, document["value"], None, 0, 0, headers)  # type: ignore[no-any-return]
