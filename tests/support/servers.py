"""The servers that tests need: Apache Kafka in a container where Docker is present, else the embedded broker; mongod.

Both run in the background for the whole session. `LERNBUS_TEST_BROKER=embedded` forces the embedded broker.
"""

import asyncio
import contextlib
import functools
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from lernbus.embedded.broker import broker
from lernbus.embedded.mongod import mongod

T = TypeVar("T")
R = TypeVar("R")
TAG = os.environ.setdefault("KAFKA_TAG", "4.3.1")
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # its image cannot be had everywhere
START_SECONDS = 90


@dataclass(frozen=True)
class Kafka:
    """A running broker. `container` is None for the embedded one, which cannot be stopped and started again."""

    bootstrap: str
    idempotent: bool
    container: Any = None

    def kill(self) -> None:
        """End the broker at once; `start` brings it back with its data and its address."""
        self.container.kill("SIGKILL")
        self.container.wait()

    def start(self) -> None:
        """Start a killed broker and wait until its port is open."""
        self.container.start()
        until_open(self.bootstrap)

    def pause(self) -> None:
        """Freeze the broker: connections stay open and nothing answers."""
        self.container.kill("SIGSTOP")

    def unpause(self) -> None:
        """Let a frozen broker go on."""
        self.container.kill("SIGCONT")


@functools.cache
def docker_present() -> bool:
    """True where containers can be started (and nobody asked for the embedded broker)."""
    if os.environ.get("LERNBUS_TEST_BROKER") == "embedded" or shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


def broker_name() -> str:
    """What the tests run on, for the header of the run."""
    return f"Apache Kafka {TAG} (container)" if docker_present() else "embedded broker (Tansu), not Apache Kafka"


@contextlib.contextmanager
def running_kafka() -> Iterator[Kafka]:
    """The broker of the session."""
    if docker_present():
        with kafka_container() as kafka:
            yield kafka
    else:
        with in_background(broker) as bootstrap:
            yield Kafka(bootstrap, idempotent=False)


@contextlib.contextmanager
def running_mongod(directory: Path) -> Iterator[str]:
    """A replica set of one node whose transactions live 5 s; the connection string is yielded."""
    with in_background(lambda: mongod(directory)) as uri:
        yield uri


@contextlib.contextmanager
def kafka_container() -> Iterator[Kafka]:
    """Apache Kafka on a fixed free port, so that it keeps its address over a kill and a start."""
    # here, because a machine without Docker needs no testcontainers
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    port = free_port()
    # As root: in some builds of the image the configuration files are read-only for its own user, and the broker exits
    # with "error while preparing configs".
    container = DockerContainer(f"apache/kafka:{TAG}").with_bind_ports(9092, port).with_kwargs(user="root")
    for name, value in kafka_settings(port).items():
        container.with_env(f"KAFKA_{name}", value)
    started = LogMessageWaitStrategy(re.compile("Kafka Server started")).with_startup_timeout(START_SECONDS)
    with container.waiting_for(started) as running:
        yield Kafka(f"127.0.0.1:{port}", idempotent=True, container=running.get_wrapped_container())


def kafka_settings(port: int) -> dict[str, str]:
    return {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "GROUP_MIN_SESSION_TIMEOUT_MS": "1000",  # so that tests need not wait for ten seconds
        "BROKER_SESSION_TIMEOUT_MS": "3000",  # a killed broker may come back sooner
        "BROKER_HEARTBEAT_INTERVAL_MS": "1000",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "LOG_DIRS": "/var/lib/kafka/data",
        "HEAP_OPTS": "-Xmx512m -Xms256m",
    }


@contextlib.contextmanager
def in_background(make: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """Run an asynchronous context manager in a loop and thread of its own: it outlives the loop of each test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(coroutine: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(START_SECONDS)

    try:
        server = make()
        value = wait_for(_entered(server))
        try:
            yield value
        finally:
            wait_for(_left(server))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _entered(server: AbstractAsyncContextManager[T]) -> T:
    return await server.__aenter__()


async def _left(server: AbstractAsyncContextManager[T]) -> None:
    await server.__aexit__(None, None, None)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_open(address: str) -> None:
    """Wait until somebody listens at `host:port`."""
    host, _, port = address.partition(":")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection((host, int(port)), 1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def create_topics(bootstrap: str, names: Iterable[str], partitions: int, **config: str) -> None:
    """Create topics that take records of 5 MiB and stamp them when they arrive, as `lernbus topics` does."""
    settings = {"max.message.bytes": str(5 * 1024 * 1024), "message.timestamp.type": "LogAppendTime"}
    settings |= {name.replace("_", "."): value for name, value in config.items()}
    topics = [NewTopic(name, partitions, 1, topic_configs=settings) for name in names]
    async with admin(bootstrap) as client:
        answer = await client.create_topics(topics)
        for name, code, *_ in answer.topic_errors:
            if code:
                raise for_code(code)(name)


async def recreate_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Delete a topic and make a new one of its name."""
    async with admin(bootstrap) as client:
        await client.delete_topics([name])
    for _ in range(100):  # the broker deletes in the background
        with contextlib.suppress(TopicAlreadyExistsError):
            await create_topics(bootstrap, [name], partitions)
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"topic {name} did not go away")


@contextlib.asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, as soon as the broker answers."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    for attempt in range(30):
        try:
            await client.start()
            while client._client.cluster.controller is None:  # just back, a broker does not know it yet
                await asyncio.sleep(0.2)
                await client._client.force_metadata_update()
            break
        except KafkaError:
            if attempt == 29:
                raise
            await asyncio.sleep(0.5)
    try:
        yield client
    finally:
        await client.close()


def delete_topics(bootstrap: str, names: Iterable[str]) -> None:
    """Delete those of these topics that exist, and wait until they are gone."""
    asyncio.run(_delete(bootstrap, set(names)))


async def _delete(bootstrap: str, names: set[str]) -> None:
    async with admin(bootstrap) as client:
        for _ in range(100):
            if not (left := names & set(await client.list_topics())):
                return
            await client.delete_topics([*left])
            await asyncio.sleep(0.1)
    raise TimeoutError(f"the topics {sorted(names)} did not go away")
