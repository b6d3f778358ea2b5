"""stats as a process of its own, if told so with a counter that all partitions share: what must never be."""

import asyncio
import json
import signal
import sys
from typing import Any

from pydantic import SecretStr
from pymongo import UpdateOne

from services.stats import app, settings
from shared.clock import Clock
from shared.handler import Writes
from shared.runtime import Service


class Settings(settings.Settings):
    """A consumer that counts as dead after three seconds, so that a test need not wait for ten."""

    @property
    def consuming(self) -> dict[str, Any]:
        return super().consuming | {"session_timeout_ms": 3_000}


def share(service: Service) -> None:
    """Count every batch in one more document."""
    writes = service.handler.writes

    def with_one_for_all(state: object) -> Writes:
        told = writes(state)
        one = UpdateOne({"_id": "all"}, {"$inc": {"n": 1}}, upsert=True)
        return {
            "counters": [one, *told.get("counters", ())],
            **{name: told[name] for name in told if name != "counters"},
        }

    service.handler.writes = with_one_for_all  # type: ignore[method-assign]


async def main() -> None:
    said = json.loads(sys.argv[1])
    service = app.build(Settings(**said["settings"] | {"mongo": SecretStr(said["settings"]["mongo"])}), Clock())
    if said["shared"]:
        share(service)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    async with service.running():
        await end.wait()


if __name__ == "__main__":
    asyncio.run(main())
