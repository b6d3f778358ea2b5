"""A year of bookings and leaves with realistic skew, as the payloads that enrolment publishes. Reproducible. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

from lernbus.bench.people import People, Somebody
from shared.events import Attendance, Booking, Leave, Offering, Presence, Status

COHORTS: Final = [f"Pflicht {number}" for number in range(1, 7)]
PRESENCES: Final[dict[Presence, int]] = {"attended": 86, "partly": 3, "absent": 8, "excused": 3}
KINDS: Final = {"confirmed": 72, "moved_up": 8, "cancelled": 9, "waiting": 6, "refused": 2, "awaiting_approval": 3}


class Bookings:
    """Draws bookings of one year; of the first offerings of the list more than of the last ones."""

    def __init__(self, random: Random, year: int, people: People, offerings: Sequence[Offering]) -> None:
        self._random, self._year, self._people, self._offerings = random, year, people, offerings

    def bookings(self, count: int) -> Iterator[Booking]:
        """So many, each by its own id."""
        for number in range(count):
            offering = self._offerings[int(len(self._offerings) * self._random.random() ** 1.4)]
            yield self._booking(f"booking-{self._year}-{number}", offering, self._people.somebody())

    def leaves(self, count: int) -> Iterator[Leave]:
        """Educational leave of half a day to two weeks."""
        for number in range(count):
            who, starts_on = self._people.somebody(), date(self._year, 1, 1) + timedelta(self._random.randrange(350))
            yield Leave(
                leave_id=f"leave-{self._year}-{number}",
                starts_on=starts_on,
                ends_on=starts_on + timedelta(5),
                days=self._random.choice([0.5, 1.0, 3.0, 5.0, 5.0, 10.0]),
                subject="Politische Bildung",
                provider="Volkshochschule",
                version=1,
                **_whose(who),
            )

    def _booking(self, booking_id: str, offering: Offering, who: Somebody) -> Booking:
        begins = offering.sessions[0].starts_at or self._some_day()
        asked = begins - timedelta(days=self._random.randint(1, 60), minutes=self._random.randrange(1_440))
        kind = self._random.choices([*KINDS], [*KINDS.values()])[0]
        return Booking(
            booking_id=booking_id,
            offering_id=offering.offering_id,
            course_id=offering.course_id,
            requested_at=asked,
            cohorts=[self._random.choice(COHORTS)] if self._random.random() < 0.06 else [],  # noqa: PLR2004 - a few
            version=2,
            cause=f"request-{booking_id}",
            **_whose(who),
            **self._history(kind, offering, asked, begins),
        )

    def _history(self, kind: str, offering: Offering, asked: datetime, begins: datetime) -> dict[str, Any]:
        """What became of the request."""
        later = asked + (begins - asked) / 2
        match kind:
            case "confirmed":
                return _told("confirmed", seated_at=asked, **self._outcome(offering, begins))
            case "moved_up":
                waited = {"waiting_since": asked, "waiting_until": later}
                return _told("confirmed", seated_at=later, **waited, **self._outcome(offering, begins))
            case "cancelled":
                return _told("cancelled", seated_at=asked, ended_at=later)
            case "waiting":
                return _told("waiting", waiting_since=asked)
            case "refused":
                return _told("refused", ended_at=later)
        return _told("awaiting_approval")

    def _outcome(self, offering: Offering, begins: datetime) -> dict[str, Any]:
        """Attendance of what has a time, and whether it was completed."""
        attendance = [
            Attendance(
                session_id=one.session_id,
                status=self._random.choices([*PRESENCES], [*PRESENCES.values()])[0],
                recorded_at=one.ends_at + timedelta(hours=1),
            )
            for one in offering.sessions
            if one.ends_at
        ]
        ended = attendance[-1].recorded_at if attendance else begins
        done = self._random.random() < 0.8  # noqa: PLR2004 - most of them
        return {"attendance": attendance, "completed_at": ended + timedelta(days=1) if done else None}

    def _some_day(self) -> datetime:
        return datetime(self._year, 1, 2, 9, tzinfo=UTC) + timedelta(minutes=self._random.randrange(362 * 1_440))


def _told(status: Status, **fields: Any) -> dict[str, Any]:
    return {"status": status, **fields}


def _whose(who: Somebody) -> dict[str, Any]:
    fields = ("person_id", "organisation_id", "department", "status_group")
    return {name: getattr(who, name) for name in fields}
