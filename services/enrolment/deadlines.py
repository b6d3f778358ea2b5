"""Puts the passing of a deadline on the log, where it is decided like any other event."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aiokafka.structs import TopicPartition

from services.enrolment.offering_events import DeadlinePassed
from services.enrolment.views import Deadline, Views
from shared.clock import Clock
from shared.cloudevents import Event, encode, fitting
from shared.events import LMS_EVENTS
from shared.keys import partition_of
from shared.publisher import Out, Publisher
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.kernel import Kernel

PAUSE_SECONDS: Final = 0.5
AGAIN: Final = timedelta(seconds=30)
MOST: Final = 1_000


class Deadlines:
    """The loop of one process: it speaks for the partitions that it owns."""

    def __init__(self, views: Views, publisher: Publisher, clock: Clock, settings: Settings) -> None:
        self._views, self._publisher, self._clock, self._partitions = views, publisher, clock, settings.partitions
        self._said: dict[Deadline, datetime] = {}
        self.kernel: Kernel[Any] | None = None

    async def turn(self) -> None:
        """Say once what has become due, and again after a while if it is still there."""
        now = self._clock.now()
        due = [one for one in await self._views.due(now, MOST) if self._owns(one)]
        self._said = {one: at for one, at in self._said.items() if one in due and at + AGAIN > now}
        new = [one for one in due if one not in self._said]
        if new:
            await self._publisher.publish([self._out(one) for one in new])
            self._said |= dict.fromkeys(new, now)
        await asyncio.sleep(PAUSE_SECONDS)

    def _owns(self, deadline: Deadline) -> bool:
        place = TopicPartition(LMS_EVENTS, partition_of(deadline.offering_id.encode(), self._partitions))
        return self.kernel is not None and place in self.kernel.owned

    def _out(self, deadline: Deadline) -> Out:
        key = deadline.offering_id.encode()
        data = DeadlinePassed(offering_id=deadline.offering_id, at=deadline.at)
        name = fitting(f"{deadline.offering_id}/{deadline.at.isoformat()}")
        event = Event(name, "lernbus/enrolment", "lernbus.deadline.passed.v1", self._clock.now(), data)
        return Out(LMS_EVENTS, partition_of(key, self._partitions), key, encode(event))
