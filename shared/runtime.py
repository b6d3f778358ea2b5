"""A service from its parts: database, publisher, kernel, consumer, loops; started and stopped in order."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from fastapi import APIRouter
from faststream import AckPolicy, NoCast
from faststream._internal.endpoint.subscriber.mixins import TasksMixin
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure, PyMongoError

from shared import logs
from shared.access import refusal
from shared.closing import close_consumer
from shared.codec import Record
from shared.handler import Handler
from shared.kernel import Kernel
from shared.metrics import Metrics, Question
from shared.publisher import Publisher
from shared.settings import Settings
from shared.watch import Watch

Database = AsyncDatabase[dict[str, Any]]
log = structlog.get_logger()
NAMESPACE_EXISTS = 48
COLLECT_AFTER = 100_000
"""Objects: more than a batch leaves behind."""
POLL_FAILURES = 5
"""After so many in a row the consumer is given up: a dead coordinator task of aiokafka never comes back."""


def connect(settings: Settings) -> Database:
    """The service's own database; what it acknowledges is on the majority's disks."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        settings.mongo.get_secret_value(), w="majority", serverSelectionTimeoutMS=5_000, tz_aware=True
    )
    return client[settings.database]


async def create(database: Database, *names: str) -> None:
    """Create collections: one that came to be inside of a transaction would not conflict with its rival."""
    for name in ("positions", "held", "held_keys", "dead_letters", *names):
        try:
            await database.create_collection(name)
        except CollectionInvalid:
            pass
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:  # another instance was faster
                raise
    await database["held"].create_index([("topic", 1), ("partition", 1), ("key", 1), ("offset", 1)])
    await database["held_keys"].create_index("position")
    letters = database["dead_letters"]
    await letters.create_index([("status", 1), ("topic", 1), ("partition", 1), ("offset", 1)])
    await letters.create_index("key")


def publisher(settings: Settings, **more: Any) -> Publisher:
    """A publisher with these settings."""
    return Publisher(settings.kafka, **settings.connecting, **settings.producing, **more)


def _security(settings: Settings) -> BaseSecurity:
    """The same for FastStream, which has types for it."""
    told = settings.connecting
    context = told.get("ssl_context")
    if "sasl_mechanism" not in told:
        return BaseSecurity(context)
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return kinds[told["sasl_mechanism"]](told["sasl_plain_username"], told["sasl_plain_password"], context)


@dataclass
class Service:
    """One of the three: `async with service.running():` is its whole life."""

    settings: Settings
    database: Database
    publisher: Publisher
    handler: Handler[Any]
    prepare: Callable[[], Awaitable[None]]
    routers: Sequence[APIRouter] = ()
    loops: Sequence[Callable[[], Awaitable[None]]] = ()
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
    also: Callable[[], Awaitable[dict[str, Any]]] = field(default=lambda: asyncio.sleep(0, {}))
    """What the service adds to its progress."""
    questions: Sequence[Question] = ()
    """What the service adds to its metrics."""
    kernel: Kernel[Any] = field(init=False)
    office: Publisher = field(init=False)
    """For what people say on the log, so that a failure of one does not disturb the other."""

    watch: Watch = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.handler, self.database, self.publisher, self.settings)
        self.office = publisher(self.settings)
        self.watch = Watch(self.kernel)
        self.metrics = Metrics(self.kernel, self.watch, self.questions)

    @property
    def name(self) -> str:
        """enrolment, notifications or stats."""
        return self.handler.group

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        """Consume and run the loops until left; then stop in order, each step bounded."""
        if not structlog.is_configured():  # structlog's own default prints the variables of every frame
            logs.configure()
        async with contextlib.AsyncExitStack() as stack:
            log.info("starting", service=self.name, partitions=self.settings.partitions)
            stack.callback(log.info, "stopped", service=self.name)
            stack.push_async_callback(self.database.client.close)
            for close in (self.publisher.stop, self.office.stop, *self.closing):
                stack.push_async_callback(close)
            for early in (self.watch.ask, self.watch.look):  # while we wait for the database, too
                stack.push_async_callback(_ended, asyncio.create_task(_forever(early)), 5)
            await self._prepared()
            _let_the_collector_rest()
            for loop in (self._consuming, self._ticking, *self.loops):
                patience = self.settings.budgets.stop + 1 if loop == self._consuming else 5
                stack.push_async_callback(_ended, asyncio.create_task(_forever(loop)), patience)
            yield self

    async def _prepared(self) -> None:
        """Collections and indexes; the database may come up after us."""
        while True:
            try:
                return await self.prepare()
            except PyMongoError as error:
                log.warning(
                    "waiting for the database", service=self.name, kind=type(error).__name__, why=refusal(error)
                )
                await asyncio.sleep(1)

    async def _ticking(self) -> None:
        """Every second, and at once when partitions were assigned."""
        self.kernel.wake.clear()
        await self.kernel.tick()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.kernel.wake.wait()

    async def _consuming(self) -> None:
        """Consume until the consumer is beyond repair, then take a new one; the broker may come up after us."""
        try:
            async with self._consumer() as subscriber:
                while not self._is_dead(subscriber):  # noqa: ASYNC110 - two libraries' tasks have no event
                    await asyncio.sleep(1)
            log.error("the consumer has ended, taking a new one", service=self.name)
        except (KafkaError, OSError) as error:
            log.warning("waiting for the broker", service=self.name, kind=type(error).__name__)
            await asyncio.sleep(1)

    def _is_dead(self, subscriber: TasksMixin) -> bool:
        return self.kernel.failures["poll"] >= POLL_FAILURES or all(task.done() for task in subscriber.tasks)

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[TasksMixin]:
        """FastStream carries the records in; it acknowledges nothing, the kernel's positions are the truth."""
        settings, budgets = self.settings, self.settings.budgets
        broker = KafkaBroker(
            settings.kafka,
            client_id=f"lernbus-{self.name}",
            security=_security(settings),
            allow_auto_create_topics=False,
            retry_backoff_ms=500,
            metadata_max_age_ms=30_000,
            graceful_timeout=budgets.stop,
            logger=None,
            consumer_only=True,  # the kernel publishes through a producer of its own
        )
        subscriber = broker.subscriber(
            *self.handler.topics,
            batch=True,
            group_id=self.name,
            group_instance_id=settings.instance,
            max_records=2_000,
            batch_timeout_ms=50,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=self.kernel,
            parser=_unparsed,
            decoder=_undecoded,
            **settings.consuming,
            heartbeat_interval_ms=500,
            rebalance_timeout_ms=int(budgets.rebalance * 1_000),
            max_poll_interval_ms=int(budgets.poll * 1_000),
            fetch_max_bytes=4 * 1024 * 1024,
        )

        async def consume(records: NoCast[Any]) -> None:
            await self.kernel.run(records)

        subscriber(consume)
        try:
            await broker.start()
            self.kernel.consumer = watched(subscriber.consumer, self.kernel)
            yield subscriber
        finally:
            self.kernel.leave()
            self.kernel.consumer = None
            consumer = subscriber.consumer
            try:
                with contextlib.suppress(TimeoutError):  # a frozen broker does not answer to a good-bye
                    async with asyncio.timeout(budgets.stop):
                        await broker.stop()
            finally:
                if consumer is not None:
                    await close_consumer(consumer)


def watched(consumer: AIOKafkaConsumer, kernel: Kernel[Any]) -> AIOKafkaConsumer:
    """FastStream's loop only logs what `getmany` raises, so the kernel would never know that nothing comes any more."""
    poll = consumer.getmany

    async def getmany(**how: int) -> dict[TopicPartition, list[Record]]:
        try:
            found: dict[TopicPartition, list[Record]] = await poll(**how)
        except Exception as error:
            kernel.poll_failed(error)
            await asyncio.sleep(1)  # FastStream would try again at once after some of them
            raise
        kernel.polled()
        return found

    consumer.getmany = getmany
    return consumer


async def _unparsed(records: Any, _original: object) -> KafkaMessage:  # noqa: ANN401 - FastStream's own type
    """Headers and values are read record by record in the kernel, so that no record can spoil another."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage, _original: object) -> Any:  # noqa: ANN401 - the records
    return message.raw_message


def _let_the_collector_rest() -> None:
    """Look for cycles seldom.

    A batch's objects live until it is committed, and die without the cyclic collector, which only walks them again
    and again: at its default setting it takes half of the time (docs/benchmark.md).
    """
    gc.set_threshold(COLLECT_AFTER, 20, 50)


async def _forever(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop's body again and again; a failure is logged and waited for, never the end."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("loop failed", loop=loop.__qualname__)
            await asyncio.sleep(1)


async def _ended(task: asyncio.Task[None], patience: float) -> None:
    """Cancel a task and wait for its end; again after a while, for libraries now and then swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=patience)
