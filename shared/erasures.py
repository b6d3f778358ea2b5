"""Who has been erased, as `lms.people` tells it: what an audit compares the databases with (invariant 7)."""

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from shared.codec import Record, read_again
from shared.errors import Invalid
from shared.events import LMS_PEOPLE, PEOPLE, Person, PersonErased
from shared.history import History
from shared.settings import Settings

TWO_DAYS_MS: Final = 2 * 24 * 3600 * 1000


class Last(NamedTuple):
    """The newest record of a person: where it is, since when they are erased (ms), whether a name stands before."""

    offset: int
    erased_at: int | None
    named: bool


class Erasures:
    """Take the records of the topic in their order."""

    def __init__(self, nexts: Mapping[int, int]) -> None:
        self._nexts = nexts
        self._last: dict[str, Last] = {}

    def take(self, record: Record) -> None:
        """Note one record, if the service has read it: `nexts` says how far that is, by partition."""
        if record.offset >= self._nexts.get(record.partition, 0):
            return
        try:
            data: Any = read_again(record, PEOPLE, 0).event.data
        except Invalid:
            return
        if isinstance(data, Person):
            self._last[data.person_id] = Last(record.offset, None, named=True)
        elif isinstance(data, PersonErased):
            before = self._last.get(data.person_id)
            named = before is not None and before.named
            since = before.erased_at if before and before.erased_at else record.timestamp
            self._last[data.person_id] = Last(record.offset, since, named)

    @property
    def erased(self) -> dict[str, int]:
        """Erased person -> offset of the record that says so."""
        return {person: last.offset for person, last in self._last.items() if last.erased_at is not None}

    def lingering(self, now_ms: int) -> list[str]:
        """Erased people whose name stands on the topic for longer than the promised two days."""
        return [
            person
            for person, last in self._last.items()
            if last.named and last.erased_at is not None and last.erased_at + TWO_DAYS_MS < now_ms
        ]


async def read_erasures(settings: Settings, nexts: Mapping[int, int]) -> Erasures:
    """Read the topic as far as a service has."""
    erasures = Erasures(nexts)
    async for records in History(settings, LMS_PEOPLE).read():
        for record in records:
            erasures.take(record)
    return erasures


def now_ms() -> int:
    """The time of brokers, not the clock that can be moved."""
    return int(time.time() * 1000)
