"""Looks at a service once a second, and says when its process should end."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import pymongo
import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from pymongo.errors import PyMongoError

from shared import pings
from shared.health import Health, Limits, Look, State, Verdict, after, judged
from shared.kernel import Kernel

EVERY: Final = 5
AGAIN: Final = 1
"""Seconds between two questions to a neighbour, and after one that was not answered."""
MISSES: Final = 2
"""So many questions in a row must fail: a busy machine may miss one."""
TELL: Final = 60
"""Seconds between two lines about what was read."""
Ping = Callable[[], Awaitable[bool]]
log = structlog.get_logger()


class Watch:
    """Health of one service. `dead` is set once nothing but a restart helps."""

    def __init__(self, kernel: Kernel[Any]) -> None:
        self.kernel = kernel
        self.dead = asyncio.Event()
        self.misses: dict[str, int] = {}
        tls = kernel.settings.connecting.get("ssl_context")
        self.neighbours: Mapping[str, Ping] = {
            "Kafka": lambda: pings.kafka(kernel.settings, tls),
            "MongoDB": self._mongodb,
        }
        self._health = Health()
        self._limits = Limits(kernel.budgets.stall, kernel.budgets.restart)
        self._looked = time.monotonic()
        self._said = "starting"
        self._told = self._looked
        self._counted: Counter[str] = Counter()

    @property
    def away(self) -> frozenset[str]:
        """The neighbours that do not answer."""
        return frozenset(name for name, misses in self.misses.items() if misses >= MISSES)

    @property
    def still(self) -> float:
        """Seconds without progress although there is something to do."""
        return self._health.still

    def verdict(self) -> Verdict:
        """How it is now."""
        kernel = self.kernel
        moving = not kernel.assigned.is_set() or kernel.unowned > 0
        stopped = [str(why) for why in kernel.stopped.values()]
        state = State(kernel.progress.polls > 0, moving, [*kernel.failures], stopped, self.away)
        return judged(self._health, state, self._limits)

    async def look(self) -> None:
        """One look, then a second's rest."""
        busy, now = await self._busy(), time.monotonic()
        seconds, self._looked = now - self._looked, now
        progress = self.kernel.progress
        self._health = after(self._health, Look(seconds, progress.commits, progress.polls, busy, self.away))
        self._say(self.verdict())
        self._tell(now)
        await asyncio.sleep(1)

    async def _busy(self) -> bool:
        """True while something is left to be done, or nobody can say."""
        kernel = self.kernel
        if kernel.consumer is None or not kernel.assigned.is_set() or kernel.unowned:
            return True
        for tp, lag in kernel.lag().items():
            if lag is None or (lag and not await self._is_read_over(tp, kernel.owned[tp].next + lag)):
                return True
        return False

    async def _is_read_over(self, tp: TopicPartition, end: int) -> bool:
        """True if what stands before us are no records but the markers of transactions, which nobody is given."""
        consumer = self.kernel.consumer
        if consumer is None or self.kernel.lock.locked():
            return False
        with contextlib.suppress(KafkaError, TimeoutError):  # it was taken from us meanwhile
            async with asyncio.timeout(1):
                return bool(await consumer.position(tp) >= end)
        return False

    def _tell(self, now: float) -> None:
        """A line a minute about what was read, if anything was."""
        if now < self._told + TELL:
            return
        counted: Counter[str] = Counter()
        for (_, _, outcome), n in self.kernel.progress.outcomes.items():
            counted[outcome] += n
        if new := counted - self._counted:
            lag = sum(n or 0 for n in self.kernel.lag().values())
            log.info("read", service=self.kernel.handler.group, records=dict(new), lag=lag)
        self._told, self._counted = now, counted

    def _say(self, verdict: Verdict) -> None:
        """A line when it has changed, but for a rebalance and a restart of a batch, which have lines of their own."""
        if verdict.status in (self._said, "moving", "failing"):
            return
        self._said = verdict.status
        service = self.kernel.handler.group
        if verdict.status == "ready":
            log.info("ready", service=service)
        elif verdict.status == "dead":
            log.critical(
                "no progress: this process ends, so that it is started again", service=service, why=verdict.why
            )
            self.dead.set()
        else:
            log.warning("not ready", service=service, status=verdict.status, why=verdict.why)

    # --- neighbours -------------------------------------------------------------------------------------------------

    async def ask(self) -> None:
        """Ask every neighbour once, then rest."""
        answers = await asyncio.gather(*(ping() for ping in self.neighbours.values()))
        for name, answered in zip(self.neighbours, answers, strict=True):
            self.misses[name] = 0 if answered else self.misses.get(name, 0) + 1
        await asyncio.sleep(EVERY if all(answers) else AGAIN)

    async def _mongodb(self) -> bool:
        """Our own client first; where it gets no answer, a bare connection tells who is to blame."""
        with contextlib.suppress(PyMongoError, TimeoutError), pymongo.timeout(pings.SECONDS):
            await self.kernel.database.command("ping")
            return True
        return await pings.mongodb(self.kernel.database.client)
