"""What it runs on: Apache Kafka in a container where Docker can start one, else the embedded broker; and mongod."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from lernbus.embedded.broker import broker
from lernbus.embedded.directory import data_directory
from lernbus.embedded.mongod import mongod
from lernbus.embedded.ports import free_port
from lernbus.embedded.process import ServerFailed
from shared.settings import Settings

START_SECONDS: Final = 90
SETTINGS: Final = {
    "NODE_ID": "1",
    "PROCESS_ROLES": "broker,controller",
    "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "OFFSETS_TOPIC_NUM_PARTITIONS": "1",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "AUTO_CREATE_TOPICS_ENABLE": "false",
    "LOG_DIRS": "/var/lib/kafka/data",
}

TOPIC: Final = {"max.message.bytes": str(5 * 1024 * 1024)}


@dataclass(frozen=True)
class Place:
    """Addresses of the two servers. `name` says what the broker is."""

    name: str
    kafka: str
    broker: Literal["kafka", "embedded"]
    mongo: str

    def settings(self, database: str) -> dict[str, Any]:
        """A service's settings here, with a database of this name."""
        return {"kafka": self.kafka, "broker": self.broker, "mongo": self.mongo, "database": database}

    async def create(self, topics: Iterable[str], partitions: int) -> None:
        """Create topics beside those of the contract."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=TOPIC) for topic in topics])
        finally:
            await admin.close()

    @property
    def fetch_wait(self) -> int:
        """The `fetch_max_wait_ms` that a service has here: every consumer of the benchmark is set alike."""
        return int(Settings(broker=self.broker).consuming["fetch_max_wait_ms"])


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """Run both servers until the end of the block."""
    image = f"apache/kafka:{os.environ.get('KAFKA_TAG', '4.3.1')}"
    async with contextlib.AsyncExitStack() as stack:
        uri = await stack.enter_async_context(mongod(stack.enter_context(data_directory())))
        try:
            kafka = await stack.enter_async_context(_apache(image))
        except _NoDocker as why:
            kafka = await stack.enter_async_context(broker())
            found = Place(f"embedded broker, not Apache Kafka ({why})", kafka, "embedded", uri)
        else:
            found = Place(f"Apache Kafka ({image})", kafka, "kafka", uri)
        yield found


class _NoDocker(Exception):
    """Docker is not there, or cannot start the image; the message says which."""


@contextlib.asynccontextmanager
async def _apache(image: str) -> AsyncIterator[str]:
    address = f"127.0.0.1:{free_port()}"
    settings = {**SETTINGS, "ADVERTISED_LISTENERS": f"PLAINTEXT://{address}"}
    options = [word for name, value in settings.items() for word in ("--env", f"KAFKA_{name}={value}")]
    # As root: in some builds of the image the configuration files are read-only for its own user.
    run = ("run", "--detach", "--rm", "--user", "root", "--publish", f"{address}:9092")
    container = await _docker(*run, *options, image)
    try:
        await _answers(address)
        yield address
    finally:
        await _docker("rm", "--force", "--volumes", container)


async def _docker(*arguments: str) -> str:
    """What the command writes; its own words, where it fails, as _NoDocker."""
    program = shutil.which("docker")
    if program is None:
        raise _NoDocker("there is no Docker")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=pipe, stderr=pipe)
    written, errors = await process.communicate()
    if process.returncode:
        raise _NoDocker(errors.decode(errors="replace").strip().rpartition("\n")[2] or "Docker failed")
    return written.decode().strip()


async def _answers(address: str) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers_once(address):  # noqa: ASYNC110 (nobody tells us when)
                await asyncio.sleep(0.2)
    except TimeoutError as late:
        raise ServerFailed(f"Apache Kafka was not ready within {START_SECONDS} s") from late


async def _answers_once(address: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True
