"""Invariant 5, recounted from the outcomes that notifications has read: who must have been told what. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from services.notifications.certificates import is_earned
from services.notifications.messages import identity
from shared.audit import Finding
from shared.events import RESTATEMENT, Booking, Leave, Mark, Offering

TOLD_TO_PERSON: Final = {
    "enrolment.booking.approval_requested.v1": "received",
    "enrolment.booking.confirmed.v1": "confirmed",
    "enrolment.booking.waitlisted.v1": "waitlisted",
    "enrolment.booking.promoted.v1": "promoted",
    "enrolment.booking.refused.v1": "refused",
    "enrolment.booking.cancelled.v1": "cancelled",
    "enrolment.leave.granted.v1": "leave_granted",
    "enrolment.leave.withdrawn.v1": "leave_withdrawn",
}
TOLD_TO_ALL: Final = {
    "enrolment.offering.rescheduled.v1": "rescheduled",
    "enrolment.offering.format_changed.v1": "format_changed",
}
ERASED: Final = "enrolment.booking.erased.v1"
SKEW: Final = timedelta(seconds=5)
"""So far apart the clocks of two processes may be."""
NEVER: Final = 2**63 - 1


class Expected(NamedTuple):
    """A message that must be there: what it tells, about whom, and which record made it necessary."""

    kind: str
    about: str
    offering_id: str | None
    offset: int


class Stay(NamedTuple):
    """From which record to which one (NEVER: not yet) somebody had a seat, and `at` which time they got it."""

    since: int
    until: int
    at: datetime


class Telling:
    """Take all records in order; `expected` is by message id, `optional` what a record in progress may have told."""

    def __init__(self) -> None:
        self.expected: dict[str, Expected] = {}
        self.optional: set[str] = set()
        self.offerings: dict[str, Offering] = {}
        self.bookings: dict[str, Booking] = {}
        self.moved: dict[str, int] = {}
        """Offering -> the record that set its sessions' times last."""
        self.stays: defaultdict[str, dict[str, list[Stay]]] = defaultdict(dict)
        """Offering -> person -> when they had a seat."""
        self._roster: defaultdict[str, set[str]] = defaultdict(set)
        self._told: dict[str, str] = {}
        self._erased: set[str] = set()
        self._leaves: dict[str, int] = {}
        self._marks: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)

    def take(self, kind: str, data: Any, time: datetime, place: tuple[int, int]) -> None:  # noqa: ANN401 (a payload)
        """One record at (partition, offset) that was applied. An older version than is known tells nothing.

        What is said again only for who counts anew is told to nobody.
        """
        if kind in RESTATEMENT:
            return
        match data:
            case Mark():
                self._marks[place[0]].append((time, place[1]))
            case Offering() if data.version > self._version(self.offerings.get(data.offering_id)):
                self._offering(kind, data, place[1])
            case Booking() if data.version > self._version(self.bookings.get(data.booking_id)):
                self._booking(kind, data, place[1])
            case Leave() if data.version > self._leaves.get(data.leave_id, 0):
                self._leaves[data.leave_id] = data.version
                told = TOLD_TO_PERSON[kind]
                self._expect((told, data.leave_id, data.version, data.person_id), data.person_id, None, place[1])

    def begin(self, kind: str, data: Any, time: datetime, place: tuple[int, int]) -> None:  # noqa: ANN401 (a payload)
        """A record that is being applied step by step: what it tells may be there or not."""
        before = set(self.expected)
        self.take(kind, data, time, place)
        self.optional |= self.expected.keys() - before

    def window(self, partition: int, due: datetime, created: datetime) -> tuple[int, int]:
        """Between which records of a partition the roster was read for a reminder that was due and created then."""
        marks = self._marks[partition]
        first = bisect_left(marks, (due - SKEW, -1))
        behind = bisect_left(marks, (created + SKEW, NEVER))
        return marks[first][1] if first < len(marks) else -1, marks[behind][1] if behind < len(marks) else NEVER

    def newest_mark(self) -> datetime | None:
        """When the newest mark was put on the log."""
        return max((some[-1][0] for some in self._marks.values()), default=None)

    def _version(self, known: Offering | Booking | None) -> int:
        return known.version if known else 0

    def _offering(self, kind: str, data: Offering, offset: int) -> None:
        before = self.offerings.get(data.offering_id)
        self.offerings[data.offering_id] = data
        if before is None or starts(before) != starts(data):
            self.moved[data.offering_id] = offset
        told = TOLD_TO_ALL.get(kind)
        if told is None or self._told.get(data.offering_id) == data.cause:  # one change is told once
            return
        self._told[data.offering_id] = data.cause
        for booking_id in self._roster[data.offering_id]:
            person = self.bookings[booking_id].person_id
            self._expect((told, booking_id, data.version, "person"), person, data.offering_id, offset)

    def _booking(self, kind: str, data: Booking, offset: int) -> None:
        self._seat(data, offset)
        self.bookings[data.booking_id] = data
        on_roster = data.status in ("confirmed", "waiting")
        (self._roster[data.offering_id].add if on_roster else self._roster[data.offering_id].discard)(data.booking_id)
        if kind == ERASED:
            self._erased.add(data.booking_id)
        self._certificate(data, offset)
        told = TOLD_TO_PERSON.get(kind)
        if told == "cancelled" and data.reason == "offering_cancelled":
            told = "offering_cancelled"
        if told is not None:
            self._expect((told, data.booking_id, data.version, "person"), data.person_id, data.offering_id, offset)
        if told == "received":
            parts = ("approval_requested", data.booking_id, data.version, "supervisor")
            self._expect(parts, data.person_id, data.offering_id, offset)

    def _certificate(self, data: Booking, offset: int) -> None:
        """Once for a booking, whatever is corrected later."""
        offering = self.offerings.get(data.offering_id)
        if offering is not None and data.booking_id not in self._erased and is_earned(data, offering):
            one = Expected("certificate", data.person_id, data.offering_id, offset)
            self.expected.setdefault(identity("certificate", data.booking_id), one)

    def _seat(self, data: Booking, offset: int) -> None:
        stays = self.stays[data.offering_id].setdefault(data.person_id, [])
        before = self.bookings.get(data.booking_id)
        had, has = before is not None and before.status == "confirmed", data.status == "confirmed"
        if has and not had:
            stays.append(Stay(offset, NEVER, data.seated_at or data.requested_at))
        elif had and not has:
            stays[-1] = stays[-1]._replace(until=offset)

    def _expect(self, parts: tuple[str, str, int, str], about: str, offering_id: str | None, offset: int) -> None:
        self.expected[identity(*parts)] = Expected(parts[0], about, offering_id, offset)


def starts(offering: Offering) -> Mapping[str, datetime]:
    """{session_id: when it begins} of the sessions that have a time; none of a cancelled offering."""
    if offering.status == "cancelled":
        return {}
    return {one.session_id: one.starts_at for one in offering.sessions if one.starts_at is not None}


def untold(telling: Telling) -> Iterator[Finding]:
    """What nobody was told: call it when the messages that are there have been taken out of `expected`."""
    for message_id, one in telling.expected.items():
        if message_id not in telling.optional:
            where = f" on offering {one.offering_id}" if one.offering_id else ""
            yield Finding(
                5, f"person {one.about}{where}", f"was never told: there is no message {one.kind} ({message_id})"
            )
