"""The whole process: what makes no progress ends with an error, so that whoever runs it starts it again."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from lernbus.topics import TOPICS
from tests.support.servers import Kafka, delete_topics, free_port
from tests.support.stack import ROOT, environment

BUDGETS = {
    "batch": 0.5, "transaction_lifetime": 1, "database": 2, "revocation": 3, "stop": 4, "rebalance": 5,
    "container_stop": 6, "stall": 8, "restart": 16,
}  # fmt: skip


def start(kafka: str, mongo: str, unique: str, code: str) -> subprocess.Popen[str]:
    """stats with something in it that goes wrong."""
    settings = {
        "LERNBUS_KAFKA": kafka, "LERNBUS_MONGO": mongo, "LERNBUS_DATABASE": unique, "LERNBUS_PORT": str(free_port()),
        "LERNBUS_PARTITIONS": "2", "LERNBUS_BUDGETS": json.dumps(BUDGETS),
    }  # fmt: skip
    command = [sys.executable, "-c", f"{code}\nfrom lernbus.cli import main\nmain()", "run", "stats"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(**settings), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.fixture
def topics(apache: Kafka, mongo_uri: str) -> Iterator[str]:
    delete_topics(apache.bootstrap, TOPICS)
    more = environment(LERNBUS_KAFKA=apache.bootstrap, LERNBUS_PARTITIONS="2")
    subprocess.run([sys.executable, "-m", "lernbus.cli", "topics"], env=more, cwd=ROOT, check=True, timeout=60)
    yield mongo_uri
    delete_topics(apache.bootstrap, TOPICS)


NO_CONSUMER = """
import aiokafka
async def start(self): raise aiokafka.errors.KafkaError("never")
aiokafka.AIOKafkaConsumer.start = start
"""
BLOCKED = """
import threading, time
from shared import kernel
kernel.Kernel.tick = lambda self: time.sleep(600)
"""


@pytest.mark.parametrize(
    ("code", "said", "exit_code"),
    [(NO_CONSUMER, "this process ends, so that it is started again", 2), (BLOCKED, "Timeout (0:00:16)!", 1)],
)
def test_a_process_without_progress_ends_by_itself(
    apache: Kafka, topics: str, unique: str, code: str, said: str, exit_code: int
) -> None:
    """A consumer that never comes to life while Kafka is there, and an event loop that does not turn any more."""
    begun = time.monotonic()
    process = start(apache.bootstrap, topics, unique, code)
    try:
        output, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == exit_code, output
    assert said in output
    assert time.monotonic() - begun >= BUDGETS["restart"]
