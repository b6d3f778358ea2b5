"""The figures of the day: counted behind the page, which does not wait long for them."""

import asyncio
from typing import Final

from services.stats.answered import Answered
from services.stats.reports import Reports

PATIENCE_SECONDS: Final = 1.0
"""So long a page waits for what nobody has asked for yet today."""


class Mornings:
    """Asks for the figures of the day. `late`: how often they came when a page had gone out without them."""

    def __init__(self, reports: Reports) -> None:
        self._reports, self.late = reports, 0
        self._tasks: dict[int, asyncio.Task[Answered]] = {}

    async def of_day(self, year: int) -> Answered | None:
        """What is told of the year today; None while it is being counted."""
        if year not in self._tasks:
            self._tasks[year] = asyncio.create_task(self._reports.of_day(year))
            self._tasks[year].add_done_callback(lambda _: self._tasks.pop(year, None))
        task = self._tasks[year]
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        if done:
            return task.result()
        task.add_done_callback(self._came_late)
        return None

    def _came_late(self, _: asyncio.Task[Answered]) -> None:
        self.late += 1
