"""The consumer kernel: a batch of records becomes one transaction, then its events are published, then it is over.

docs/kernel.md explains it on one page. What must hold here:
* one lock: a batch, a recovery or a tidying up at a time, each within its budget of time;
* `owned` holds what this consumer remembers of its position documents; every write is guarded by it, so whoever is
  late fails;
* after any failure it forgets what it owned; recovery reads the documents, publishes what they still hold, and seeks;
* `era` counts rebalances: what began in an earlier one owns nothing in this one.
Kafka's committed offsets are a hint for people who watch the lag, and nothing here reads them.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic

import pymongo
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from shared.codec import Record, partition_and_topic
from shared.errors import Fenced, Stopped, TooManyDeadLetters
from shared.events import CONTROL
from shared.failures import is_transient
from shared.folding import Fold
from shared.handler import Handler, S, WriteOne
from shared.held import Parked, Waiting, first_bytes
from shared.letters import Document, Pending, record_of, wanted
from shared.positions import Position, Positions, left_in, remembered
from shared.progress import Progress
from shared.publisher import Publisher
from shared.reading import BugError, Place, Reading, place, read_record
from shared.same_log import log_replaced, strangers
from shared.settings import Settings

STEP = 1_000
"""So many held records are let go in one transaction."""
LANES: Final = 2
"""So many transactions at a time: Python decides about one half of the partitions while MongoDB writes the other."""
APART: Final = 500
"""A smaller batch is not worth two transactions."""
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
        self.parked = Parked(database, self.positions, handler.group)
        self.consumer: AIOKafkaConsumer | None = None
        self.owned: dict[TopicPartition, Position] = {}
        self.stopped: dict[TopicPartition, Stopped] = {}
        self.lock = asyncio.Lock()
        self.assigned = asyncio.Event()
        self.wake = asyncio.Event()
        self.on_commit: Callable[[], None] = lambda: None
        self.failures: Counter[str] = Counter()
        self.progress = Progress()
        self.era = 0
        self._hinted: dict[TopicPartition, int] = {}
        self._jumped: dict[TopicPartition, tuple[int, int]] = {}
        self._bugs: set[Place] = set()

    # --- what the consumer tells us ---------------------------------------------------------------------------------

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Let the running transaction and its publication end, for a while, then forget everything."""
        self.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.budgets.revocation), self.lock:
                pass

    def leave(self) -> None:
        """Own nothing from now on; a running batch ends with the transaction that it is in."""
        self.era += 1
        self.owned.clear()
        self.assigned.clear()
        self.progress.unpublished.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Recovery must not run in here: aiokafka sends no heartbeats meanwhile."""
        self.era += 1
        for memory in (self.owned, self.stopped, self._hinted, self._jumped, self._bugs, self.failures):
            memory.clear()
        log.info("assigned", service=self.handler.group, partitions=dict(Counter(tp.topic for tp in assigned)))
        self.assigned.set()
        self.wake.set()

    async def run(self, records: Sequence[Record]) -> None:
        """Apply one batch. Never raises: a failure is waited for, and the records are read again."""
        async with self.lock:
            try:
                await self._run(records)
                self.failures.pop("batch", None)
            except Exception as error:  # noqa: BLE001 - every failure ends so: forget, wait, read again
                self._rewind(records)
                await self._back_off("batch", error)

    async def tick(self) -> None:
        """Once a second: own what is not owned yet, tidy what is idle, hint at Kafka how far we are."""
        if not self.assigned.is_set():
            return
        async with self.lock:
            try:
                async with asyncio.timeout(self.budgets.revocation):
                    await self._resume()
                    await self._recover(self._assignment() - self.owned.keys() - self.stopped.keys())
                    await self._tidy()
                self.failures.pop("tick", None)
            except Exception as error:  # noqa: BLE001 - as above
                await self._back_off("tick", error)
        await self._hint()

    def poll_failed(self, error: BaseException) -> None:
        """The consumer lost what it had fetched together with what it could not fetch: seek everywhere again."""
        self.owned.clear()
        self._failed("poll")
        log.error("reading failed, trying again", kind=type(error).__name__, failures=self.failures["poll"])

    def polled(self) -> None:
        """The consumer could read."""
        self.progress.polls += 1
        self.failures.pop("poll", None)

    @property
    def ready(self) -> bool:
        """True once everything assigned is owned and the consumer has answered, and nothing failed since."""
        if not (self.progress.polls and self.assigned.is_set()):
            return False
        return not self.failures and self._assignment() <= self.owned.keys()

    @property
    def unowned(self) -> int:
        """How many assigned partitions wait for their recovery; stopped ones do not."""
        return len(self._assignment() - self.owned.keys() - self.stopped.keys())

    def lag(self) -> dict[TopicPartition, int | None]:
        """How many offsets each owned partition's log is ahead of us; None before its first answer."""
        if self.consumer is None:
            return {}
        ends = {tp: self.consumer.highwater(tp) for tp in self._assignment() & self.owned.keys()}
        return {tp: None if end is None else max(0, end - self.owned[tp].next) for tp, end in ends.items()}

    # --- one batch --------------------------------------------------------------------------------------------------

    async def _run(self, records: Sequence[Record]) -> None:
        era = self.era
        async with asyncio.timeout(self.budgets.revocation):
            pending = await self._fresh(records)
        ends = await asyncio.gather(*(self._work_off(lane, era) for lane in _lanes(pending)), return_exceptions=True)
        for failure in filter(None, ends):  # only now: every lane has ended, so nothing goes on in the background
            raise failure

    async def _work_off(self, pending: list[Record], era: int) -> None:
        while pending and era == self.era:
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
        """True where we do not know the position, or jump over records.

        A jump is believed at its second sight: this batch may have been fetched before the last seek, and between the
        two sights recovery looks whether the records in between were removed unread.
        """
        position = self.owned.get(tp)
        if position is None:
            return True
        jump = position.next, first.offset
        if first.offset <= position.next or self._jumped.get(tp) == jump:
            return False
        self._jumped[tp] = jump
        return True

    def _is_next(self, tp: TopicPartition, record: Record) -> bool:
        """Skip what was applied; a record before our position that is newer than all we saw is another log's."""
        position = self.owned.get(tp)
        if position is None or record.offset >= position.next:
            return position is not None
        if record.timestamp > position.at:
            self._stop(tp, log_replaced(tp, position.next))
        return False

    async def _advance(self, records: list[Record]) -> list[Record]:
        """One transaction and its publication; returns the records that are left."""
        era, began = self.era, time.monotonic()
        done, fold = await self._plan_and_write(records)
        self._bugs -= {bug for bug in self._bugs if TopicPartition(*bug[:2]) in fold.moves}
        if era == self.era:
            self.owned |= {tp: move.after() for tp, move in fold.moves.items()}
        self.progress.committed(fold.outcomes, fold.dead)
        self.progress.waits(tp for tp, move in fold.moves.items() if move.events)
        self.on_commit()
        await self.publisher.publish([out for move in fold.moves.values() for out in move.events])
        self.progress.published(fold.moves)
        self.progress.seconds.observe(time.monotonic() - began)
        for tp, move in fold.moves.items():
            if move.stopped and era == self.era:
                self._stop(tp, _too_many(tp, move.stopped))
        return [record for record in records[done:] if partition_and_topic(record) in self.owned]

    async def _plan_and_write(self, records: list[Record]) -> tuple[int, Fold[S]]:
        """Take as much as fits; a record that our code fails on is found, and dead-lettered."""
        bugs = self._bugs
        limit = STEP
        while True:
            waiting = await self.parked.waiting(map(partition_and_topic, records), self.owned, limit)
            try:
                done, fold = await self._plan(records, waiting, frozenset(bugs))
                await self._write(fold)
            except BugError as bug:
                suspects, error = [bug.record], bug.__cause__ or bug
            except Exception as failure:
                if is_transient(failure):
                    raise
                held = [record for one in waiting.values() for record, _ in one.records]
                suspects, error = (records if len(records) > 1 else held or records), failure
            else:
                return done, fold
            if len(suspects) == 1:
                self._isolate(suspects[0], error)
            elif suspects is records:  # loading or writing failed: whose fault it is, halving tells
                records = records[: len(records) // 2]
            else:
                limit = len(suspects) // 2

    def _isolate(self, record: Record, error: BaseException) -> None:
        """From now on this record is not applied. If it fails all the same, it is not the record's fault.

        Remembered until something is committed: a batch with many bugs may not end within its time, and must come
        nearer to its end with every try.
        """
        if place(record) in self._bugs:
            self._bugs.clear()
            raise error
        self._bugs.add(place(record))
        log.error("bug", topic=record.topic, partition=record.partition, offset=record.offset, exc_info=error)

    async def _plan(
        self, records: Sequence[Record], waiting: Mapping[TopicPartition, Waiting], bugs: frozenset[Place]
    ) -> tuple[int, Fold[S]]:
        owned = dict(self.owned)
        if not {partition_and_topic(record) for record in records} <= owned.keys():
            raise Fenced("the partition was taken from us")
        readings: Sequence[Reading] = [self._read(record, owned, bugs) for record in first_bytes(records)]
        held = [self._read(record, owned, bugs, step) for one in waiting.values() for record, step in one.records]
        readings, letters = await self.parked.letters(readings)
        pending = self._pending(readings, letters, bugs)
        bugs |= {place(one.record) for control, one in pending.replays.items() if control in bugs}
        every = (*readings, *held, *pending.replays.values())
        sound = every if not bugs else [one for one in every if place(one.record) not in bugs]
        state = await self.handler.load([one.item for one in sound if one.item and one.item.event.type not in CONTROL])
        fold = Fold(self.handler, state, owned, waiting, bugs, pending=pending)
        done = 0
        for reading in readings:
            done += fold.take(reading)
            if fold.full:
                break
        return done, fold

    def _pending(self, readings: Sequence[Reading], letters: dict[str, Document], bugs: frozenset[Place]) -> Pending:
        """The letters with the records that their replays apply."""
        replays: dict[Place, Reading] = {}
        for one in readings if letters else ():
            letter = letters.get(wanted(self.handler.group, one) or "")
            if letter is not None and not letter["withheld"] and one.item is not None:
                record = record_of(letter, one.item.event.data.value)
                replays[place(one.record)] = self._read(record, self.owned, bugs, one.item.step)
        return Pending(letters, replays)

    def _read(
        self, record: Record, owned: Mapping[TopicPartition, Position], bugs: frozenset[Place], step: int | None = None
    ) -> Reading:
        if step is None:
            position = owned[partition_and_topic(record)]
            step = position.step if record.offset == position.next else 0
        return read_record(record, self.handler.topics[record.topic], self.partitions, step, bugs)

    async def _write(self, fold: Fold[S]) -> None:
        """One transaction: the fence first, so that whoever is late fails before it has written anything."""
        writes: dict[str, Sequence[WriteOne]] = {
            "held": fold.held_writes,
            "held_keys": self.parked.key_writes(fold.moves),
            "dead_letters": fold.letter_writes,
        }
        writes |= self.handler.writes(fold.state)

        async def write(session: AsyncClientSession) -> None:
            self.progress.attempts += 1
            await self.positions.write(session, fold.moves)
            for name, operations in writes.items():
                if operations:
                    await self.database[name].bulk_write(operations, session=session)

        self.progress.begun += 1
        with pymongo.timeout(self.budgets.database):
            async with self.database.client.start_session() as session:
                await session.with_transaction(write)

    # --- recovery ---------------------------------------------------------------------------------------------------

    async def _recover(self, tps: set[TopicPartition]) -> None:
        """Become the owner: publish what the predecessor may not have published, and go on where it ended."""
        if not tps or self.consumer is None:
            return
        era = self.era
        begins = await self.consumer.beginning_offsets([*tps])
        documents = await self.positions.read(begins)  # a predecessor's later commit fails at our fence
        held = await self.parked.keys(tps)
        self.progress.waits(tp for tp, document in documents.items() if document["events"])
        await self.publisher.publish([out for document in documents.values() for out in left_in(document)])
        self.progress.published(documents)
        # the embedded broker's logs never outlive the database
        replaced = {} if self.settings.broker == "embedded" else await strangers(self.consumer, documents, begins)
        for tp in tps & self._assignment() if era == self.era else ():
            if tp in replaced:
                self._stop(tp, replaced[tp])
            elif why := documents[tp]["stopped"]:
                self._stop(tp, _too_many(tp, why))
            else:
                self.owned[tp] = remembered(documents[tp], held.get(tp, {}))
                self.consumer.seek(tp, documents[tp]["next"])

    async def _resume(self) -> None:
        """Own again what an operator lets go on (`Positions.resume`); asks only while something is stopped for that."""
        full = {tp for tp, why in self.stopped.items() if isinstance(why, TooManyDeadLetters)}
        still = await self.positions.stopped() if full else {}
        for tp in full & self._assignment():
            if self.positions.id(tp) not in still and self.consumer is not None:
                log.warning("partition goes on", topic=tp.topic, partition=tp.partition)
                del self.stopped[tp]
                self.consumer.resume(tp)

    async def _tidy(self) -> None:
        """Forget the events of partitions that have stood still since the last hint."""
        for tp, position in [*self.owned.items()]:
            if position.unpublished and position.next == self._hinted.get(tp):
                await self.positions.empty(tp, position)

    # --- failures ---------------------------------------------------------------------------------------------------

    def _stop(self, tp: TopicPartition, why: Stopped) -> Stopped:
        log.error("partition stopped", topic=tp.topic, partition=tp.partition, kind=type(why).__name__, reason=str(why))
        self.stopped[tp] = why
        self.owned.pop(tp, None)
        if self.consumer is not None and tp in self._assignment():
            self.consumer.pause(tp)
        return why

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

    def _failed(self, what: str) -> None:
        self.failures[what] += 1
        self.progress.failures[what] += 1

    async def _back_off(self, what: str, error: Exception) -> None:
        self.owned.clear()
        self._failed(what)
        if is_transient(error) or isinstance(error, Stopped):
            log.warning("failed, trying again", what=what, kind=type(error).__name__, failures=self.failures[what])
        else:
            log.error("failed, trying again", what=what, failures=self.failures[what], exc_info=error)
        await asyncio.sleep(min(0.1 * 2 ** min(self.failures[what], 10), 5))

    # --- the consumer -----------------------------------------------------------------------------------------------

    def _assignment(self) -> set[TopicPartition]:
        return set(self.consumer.assignment()) if self.consumer is not None else set()

    async def _hint(self) -> None:
        """Commit our positions to Kafka, where they only show the lag."""
        now = {tp: position.next for tp, position in self.owned.items()}
        if self.consumer is not None and now and now != self._hinted:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(5):
                    await self.consumer.commit(now)
            self._hinted = now


def _too_many(tp: TopicPartition, why: str) -> TooManyDeadLetters:
    return TooManyDeadLetters(f"{tp.topic}/{tp.partition}: {why}; `lernbus dead-letters resume` lets it go on")


def _lanes(records: list[Record]) -> list[list[Record]]:
    """What may be worked off side by side: no partition is in two lanes, and each keeps its order."""
    if len(records) < APART:
        return [records]
    split: list[list[Record]] = [[] for _ in range(LANES)]
    for record in records:
        split[record.partition % LANES].append(record)
    return [lane for lane in split if lane]
