"""Invariants 1 to 3, judged from what enrolment has published: an offering's events in the order of versions. Pure.

It knows section 4 of the design and nothing of the code that decides. Memory: a few words per booking.
"""

from collections import Counter
from typing import Final, NamedTuple

import msgspec

from services.enrolment.audit_waiting import Waiting, is_grouped, may_have
from shared.audit import Finding
from shared.events import LIVE, Booking, Course, Leave, Offering, Organisation

Entity = Booking | Offering | Course | Organisation | Leave
SEATING: Final = {"enrolment.booking.confirmed.v1", "enrolment.booking.promoted.v1"}
RESIZED: Final = "enrolment.offering.capacity_changed.v1"


def digest(entity: Entity) -> int:
    """The same for the same content."""
    return hash(msgspec.json.encode(entity))


class Seen(NamedTuple):
    """A booking as last published."""

    person_id: str
    organisation_id: str | None
    status: str
    version: int
    digest: int


class OfferingHistory:
    """One offering: `take` its events in the order of the log; what is wrong is collected in `broken`."""

    def __init__(self, offering_id: str, *, cut: bool) -> None:
        self.offering_id, self.cut = offering_id, cut
        self.version = 0
        self.offering: Offering | None = None
        self.digest = 0
        self.bookings: dict[str, Seen] = {}
        self.broken: list[Finding] = []
        self.confirmed: Counter[str | None] = Counter()
        self.waiting = Waiting()
        self._seated_groups: set[str] = set()
        self._live: dict[str, str] = {}
        self._cause = self._resized_by = ""
        self._idle = False

    def take(self, kind: str, entity: Booking | Offering) -> None:
        """The next event; a repeat is passed over. Of a history without its beginning only the end is kept."""
        if entity.version <= self.version:
            return
        if entity.version > self.version + 1 and not (self.cut and self.version == 0):
            self._broken(4, f"version {entity.version} follows {self.version}: an outcome was never published")
        elif entity.version == 1:
            self.cut = False  # the beginning of the log is gone, but not this offering's
        if entity.cause != self._cause:
            self.settle()
        self._cause, self.version = entity.cause, entity.version
        if isinstance(entity, Offering):
            self.offering, self.digest = entity, digest(entity)
            self._resized_by = entity.cause if kind == RESIZED else ""
        else:
            if not self.cut:
                self._judge(kind, entity)
            self._keep(entity)

    def settle(self) -> None:
        """The steps of a record are done: now no free seat may stand beside a person who may have it."""
        if self.cut or self.offering is None or self.offering.status == "cancelled":
            return
        for group in self._seated_groups & self.waiting.groups.keys():
            self._broken(1, f"group {group} got some of its seats after version {self.version}, and is all or nothing")
        self._seated_groups.clear()
        heads = self.waiting.heads()
        able = may_have(self.offering, self.confirmed, heads) if heads else set()
        groups = self.waiting.groups_able(self.offering, self.confirmed)
        if able and not self._idle:
            first = min((heads[o] for o in able), key=lambda head: head[1])[0]
            self._broken(2, f"a seat is free after version {self.version}, and booking {first} waits that may have it")
        elif groups and not self._idle:
            self._broken(2, f"all seats of group {groups[0]} are free after version {self.version}, and it waits")
        self._idle = bool(able or groups)

    def _judge(self, kind: str, booking: Booking) -> None:
        before = self.bookings.get(booking.booking_id)
        was = before.status if before else None
        if self.offering is None:
            self._broken(4, f"booking {booking.booking_id} was published before its offering")
        elif booking.status == "confirmed" != was:
            self._judge_seat(kind, booking, self.offering)
        if was == "confirmed" != booking.status and booking.cause == self._resized_by:
            self._broken(1, f"booking {booking.booking_id} lost its seat by a change of capacity")
        if booking.status in LIVE:
            other = self._live.setdefault(booking.person_id, booking.booking_id)
            if other != booking.booking_id:
                self._broken(3, f"{booking.person_id} has two live bookings, {other} and {booking.booking_id}")

    def _judge_seat(self, kind: str, booking: Booking, offering: Offering) -> None:
        if kind not in SEATING:
            self._broken(1, f"booking {booking.booking_id} has a seat, and {kind} gives none")
        if not may_have(offering, self.confirmed, [booking.organisation_id]):
            detail = f"capacity {offering.capacity}, confirmed {self.confirmed.total()}"
            self._broken(
                1, f"booking {booking.booking_id} got a seat as version {booking.version} that was not free: {detail}"
            )
        place = self.waiting.place(booking)
        earlier = self.waiting.heads(place)
        for o in may_have(offering, self.confirmed, earlier) if earlier else ():
            self._broken(
                2, f"booking {booking.booking_id} passed {earlier[o][0]}, which waited longer and could have the seat"
            )
        for group in self.waiting.groups_able(offering, self.confirmed, place):
            self._broken(2, f"booking {booking.booking_id} passed group {group}, which could have all its seats")
        if is_grouped(booking):
            self._seated_groups.add(booking.group_id or "")

    def _keep(self, booking: Booking) -> None:
        key, organisation_id = booking.booking_id, booking.organisation_id
        before = self.bookings.get(key)
        if before is not None and before.status == "confirmed":
            self.confirmed[before.organisation_id] -= 1
        if booking.status == "confirmed":
            self.confirmed[organisation_id] += 1
        if booking.status == "waiting":
            self.waiting.put(booking)
        elif before is not None:
            self.waiting.drop(booking)
        if booking.status not in LIVE and self._live.get(booking.person_id) == key:
            del self._live[booking.person_id]
        self.bookings[key] = Seen(booking.person_id, organisation_id, booking.status, booking.version, digest(booking))

    def _broken(self, invariant: int, detail: str) -> None:
        self.broken.append(Finding(invariant, f"offering {self.offering_id}", detail))
