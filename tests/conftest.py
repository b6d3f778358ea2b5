"""What all tests share: the servers of the session, and names that no other test uses.

kafka       the broker (tests.support.servers.Kafka): `bootstrap`, `idempotent`; a container also has kill, pause
apache      the same, for tests that only a container can serve: skipped on the embedded broker, a failure in CI
mongo_uri   connection string of a real mongod
unique      a word for names of topics, groups and databases of one test
database    an empty database of its own, dropped afterwards
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import Phase, settings
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from structlog.processors import add_log_level

from shared.logs import without_content
from tests.support.servers import Kafka, broker_name, running_kafka, running_mongod

# no deadline: a busy machine is no failure
settings.register_profile("lernbus", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
# one small fault after the other (make mutants): always the same examples, and the first that fails is enough
settings.register_profile(
    "mutants", deadline=None, max_examples=10, derandomize=True, database=None, phases=[Phase.generate]
)
settings.load_profile("lernbus")


def pytest_report_header() -> str:
    return f"broker: {broker_name()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is fast first: a mutant that a unit test kills never meets the models."""
    items.sort(key=lambda item: "model" in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def readable_logs() -> None:
    """As in production without content, but each line goes where pytest catches it, and pytest's own handlers stay."""
    structlog.configure(processors=[add_log_level, without_content, structlog.processors.KeyValueRenderer()])


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    with running_kafka() as running:
        yield running


@pytest.fixture
def apache(kafka: Kafka) -> Iterator[Kafka]:
    if kafka.container is None:
        assert not os.environ.get("CI"), "this needs Apache Kafka in a container, and in CI nothing is skipped"
        pytest.skip("only Apache Kafka in a container can be stopped and started")
    yield kafka
    kafka.unpause()  # a test that failed while it was frozen must not stop the others


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_mongod(tmp_path_factory.mktemp("mongod")) as uri:
        yield uri


@pytest.fixture
def unique() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def database(mongo_uri: str, unique: str) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(mongo_uri, w="majority", tz_aware=True) as client:
        yield client[unique]
        await client.drop_database(unique)
