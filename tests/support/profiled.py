"""What MongoDB did for a service: every command on a database with its plan, from mongod's own profiler."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

SIZE = 32 * 1024 * 1024


@dataclass
class Profile:
    """Filled at the end of the block. `counts`: documents of each collection at that moment."""

    commands: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def collections(self) -> set[str]:
        return {_collection(one) for one in self.commands}

    def whole_reads(self, least: int = 50) -> Iterator[tuple[str, str]]:
        """Collection and command of what read a collection from end to end, by a scan or along an index.

        `least`: a collection with fewer documents is read whole by accident.
        """
        for one in self.commands:
            name, read = _collection(one), max(one.get("docsExamined", 0), one.get("keysExamined", 0))
            if "COLLSCAN" in one.get("planSummary", "") or read >= max(least, self.counts.get(name, 0)):
                yield name, f"{one.get('planSummary')}, {read} read: {_brief(one.get('command', {}))}"


@contextlib.asynccontextmanager
async def profiled(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[Profile]:
    """Everything that is done on the database within the block."""
    await database.command("profile", 0)
    await database.drop_collection("system.profile")
    await database.create_collection("system.profile", capped=True, size=SIZE)
    await database.command("profile", 2)
    found = Profile()
    try:
        yield found
    finally:
        await database.command("profile", 0)
    found.commands = [
        one async for one in database["system.profile"].find({"op": {"$in": ["query", "command", "update", "getmore"]}})
        if not _collection(one).startswith("system.")
    ]  # fmt: skip
    for name in found.collections:
        found.counts[name] = await database[name].estimated_document_count()


def _collection(command: dict[str, Any]) -> str:
    return str(command["ns"]).partition(".")[2]


def _brief(command: dict[str, Any]) -> str:
    return str({name: value for name, value in command.items() if name not in ("lsid", "$clusterTime", "$db")})[:300]
