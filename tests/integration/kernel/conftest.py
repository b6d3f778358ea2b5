import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from tests.support.servers import Kafka
from tests.support.world import World


@pytest.fixture
async def world(
    kafka: Kafka, mongo_uri: str, database: AsyncDatabase[dict[str, Any]], unique: str, tmp_path: Path
) -> AsyncIterator[World]:
    world = World(kafka, mongo_uri, database, unique, tmp_path)
    await world.create()
    yield world
    gc.collect()  # connections whose making was interrupted (pyproject: filterwarnings) are closed while the loop runs
