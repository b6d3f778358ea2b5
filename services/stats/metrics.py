"""What stats shows to Prometheus besides what every service does."""

from collections.abc import Sequence
from typing import Any

from prometheus_client.core import Metric
from pymongo.asynchronous.database import AsyncDatabase

from shared.clock import Clock
from shared.metrics import Question, gauge


def freshness(database: AsyncDatabase[dict[str, Any]], clock: Clock) -> Question:
    """How old the newest record is that was counted. A quiet night makes it old too: the alert also asks for lag."""

    async def ask() -> Sequence[Metric]:
        newest = [one["at"] async for one in database["positions"].find({}, ["at"])]
        if max(newest, default=-1) < 0:
            return [gauge("stats_age_seconds", "Time since the newest record that was counted.", [], {})]
        age = max(0.0, clock.now().timestamp() - max(newest) / 1_000)
        return [gauge("stats_age_seconds", "Time since the newest record that was counted.", [], {(): age})]

    return ask
