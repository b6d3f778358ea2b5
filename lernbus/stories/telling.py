"""How a story is told: in phases, each with the clock's moment and what the LMS has pushed by then. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

ZONE: Final = ZoneInfo("Europe/Berlin")
SATURDAY: Final = 5
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Phase:
    """The clock is moved to `moment`, whatever is due then happens, and after that the events are pushed."""

    moment: datetime
    title: str
    events: list[bytes] = field(default_factory=list)


class Story:
    """Collects the events of one LMS; their ids are counted."""

    def __init__(self, source: str, prefix: str) -> None:
        self.phases: list[Phase] = []
        self._source, self._prefix, self._number = source, prefix, 0

    def phase(self, moment: str, title: str) -> None:
        """What is told from here on belongs to a new phase."""
        self.phases.append(Phase(at(moment), title))

    def tell(self, kind: str, when: str | datetime, **data: Any) -> None:
        """One event: `kind` is its type without `lms.` and the version, `when` the moment at which a person acted."""
        self._number += 1
        event = {
            "specversion": "1.0",
            "id": f"{self._prefix}-{self._number:05}",
            "source": self._source,
            "type": f"lms.{kind}.v1",
            "time": at(when) if isinstance(when, str) else when,
            "datacontenttype": "application/json",
            "data": data,
        }
        self.phases[-1].events.append(_encode(event))


def at(moment: str) -> datetime:
    """A local time such as 2024-11-21 09:30."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZONE)


def office_hours(first_day: str, per_day: int) -> Iterator[datetime]:
    """Moments on working days from this one on, so many a day, evenly from 8:10 to 16:10."""
    day = date.fromisoformat(first_day)
    while True:
        if day.weekday() < SATURDAY:
            morning = datetime.combine(day, time(8, 10), ZONE)
            yield from (morning + n * timedelta(hours=8) / per_day for n in range(per_day))
        day += timedelta(days=1)
