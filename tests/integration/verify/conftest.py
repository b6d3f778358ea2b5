"""One stack for all tests of a file, with a small story in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from lernbus.client import SERVICES, Client
from lernbus.embedded.servers import Servers
from tests.support.planted import A_WEEK_BEFORE, World, running, story
from tests.support.servers import in_background


@pytest.fixture(scope="module")
def world(offerings: list[str]) -> Iterator[World]:
    """The story has been told, and the clock stands a week before the session."""
    places: list[Servers] = []
    with in_background(lambda: running(places.append)) as stack, Client(stack.url) as client, _mongo(places) as mongo:
        databases = {name: mongo[f"lernbus_{name}"] for name in SERVICES}
        world = World(client, databases, places[0].bootstrap_servers)
        world.push(*story(offerings))
        world.push(("person.erased", {"person_id": "e"}))
        client.put("/clock", {"now": A_WEEK_BEFORE})
        client.wait()
        yield world


def _mongo(places: list[Servers]) -> MongoClient[dict[str, Any]]:
    return MongoClient(places[0].mongodb_uri, tz_aware=True)
