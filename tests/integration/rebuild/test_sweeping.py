"""What nobody reads any more goes, after a while; what is read, and what is being built, stays."""

import pytest

from services.stats import rebuilding
from services.stats.rebuilding import Sweeping
from services.stats.store import COLLECTIONS, Store
from shared.runtime import Database
from tests.support.stats_world import BERLIN


@pytest.fixture
async def store(database: Database, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Generation 5 is read, 9 is being built by one of two partitions."""
    monkeypatch.setattr(rebuilding, "TURN_SECONDS", 0)
    made = Store(database, BERLIN, 2)
    await made.prepare()
    for generation in (5, 9):
        await made.at(generation).make()
    marks = {"begun": {"0": [5, 9], "1": [5]}, "ended": {"0": [5], "1": [5]}}
    await database["generations"].insert_one({"_id": "stats", **marks})
    return made


async def names(database: Database) -> set[str]:
    return {*await database.list_collection_names()}


async def test_only_what_came_before_goes_and_not_at_once(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await names(database)
    sweeping = Sweeping(database, store)
    for _ in range(3):
        await sweeping.turn()
    at_once = await names(database)
    monkeypatch.setattr(rebuilding, "GRACE_SECONDS", -1)
    await sweeping.turn()
    await Sweeping(database, store).turn()  # another process finds nothing to do

    assert at_once == before
    assert before - await names(database) == {*COLLECTIONS}


async def test_where_nothing_was_rebuilt_nothing_goes(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "GRACE_SECONDS", -1)
    await database["generations"].delete_many({})
    before = await names(database)
    await Sweeping(database, store).turn()

    assert await names(database) == before
