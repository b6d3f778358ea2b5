"""One event being applied to one offering: it gives out versions, moves bookings and collects what is told. Pure."""

from collections import deque
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from services.enrolment import groups, places, seats
from services.enrolment.events import BookingRequested, Candidate
from services.enrolment.state import Decision, Group, Ledger, State, mark_of
from services.enrolment.waiting import Claim, Claimant
from shared.cloudevents import Event, fitting
from shared.events import Booking, Offering, Status

SOURCE: Final = "lernbus/enrolment"
PROMOTED: Final = "enrolment.booking.promoted.v1"
TOLD_AS: Final[dict[Status, str]] = {
    "awaiting_approval": "enrolment.booking.approval_requested.v1",
    "confirmed": "enrolment.booking.confirmed.v1",
    "waiting": "enrolment.booking.waitlisted.v1",
    "refused": "enrolment.booking.refused.v1",
    "cancelled": "enrolment.booking.cancelled.v1",
}


class Change:
    """What one event does to an offering and its bookings. Entities are replaced, never altered: they are published."""

    __slots__ = ("event", "events", "ledger", "more", "noted", "state")

    def __init__(self, state: State, ledger: Ledger, event: Event) -> None:
        self.state, self.ledger, self.event = state, ledger, event
        self.events: list[Event] = []
        self.more = self.noted = False
        """`noted`: something is known now that is not told."""

    def decision(self) -> Decision:
        """What has become of the event so far."""
        self.ledger.walking = mark_of(self.event) if self.more else None
        has_changed = bool(self.events or self.more or self.noted)
        if has_changed:
            self.state.changed_ledgers.add(self.ledger.offering.offering_id)
        return Decision("applied" if has_changed else "repeated", self.events, self.more)

    @property
    def is_full(self) -> bool:
        """Whether this step has changed as many bookings as one may."""
        return len(self.events) >= self.state.limit

    def book(self, claimant: Claimant, who: BookingRequested | Candidate, index: int, **fields: Any) -> None:
        """Make a new booking; `index`: the request's place in the event; `fields`: at least its status."""
        ledger, event = self.ledger, self.event
        ledger.requests += 1
        booking = Booking(
            booking_id=booking_id(event, index),
            offering_id=claimant.offering_id,
            course_id=ledger.offering.course_id,
            person_id=claimant.person_id,
            organisation_id=who.organisation_id,
            department=who.department,
            status_group=who.status_group,
            requested_at=event.time,
            version=self._next_version(),
            cause=event.id,
            **fields,
            **self._moment(fields["status"]),
        )
        claimant.bookings.append(Claim(ledger.requests, booking))
        self._arrive(claimant, booking)
        self._tell(TOLD_AS[booking.status], booking.booking_id, booking)

    def move(self, claimant: Claimant, kind: str, status: Status, **fields: Any) -> None:
        """Give the live booking another status."""
        before = claimant.bookings[-1].booking
        seats.count(self.ledger, before.organisation_id, before.status, -1)
        if before.status == "waiting":
            claimant.waiting = claimant.organisation = claimant.grouped = None
            fields["waiting_until"] = self.event.time
        if status not in ("awaiting_approval", "waiting"):
            groups.leave(self.ledger, claimant, before)
        self._arrive(claimant, self.amend(claimant, kind, status=status, **fields, **self._moment(status)))

    def amend(self, claimant: Claimant, kind: str, **fields: Any) -> Booking:
        """Change fields of the last booking."""
        claim = claimant.bookings[-1]
        claim.booking = replace(claim.booking, version=self._next_version(), cause=self.event.id, **fields)
        self.state.changed_claimants.add(claimant.id)
        self._tell(kind, claim.booking.booking_id, claim.booking)
        return claim.booking

    def alter(self, kind: str, **fields: Any) -> None:
        """Change fields of the offering."""
        offering = replace(self.ledger.offering, version=self._next_version(), cause=self.event.id, **fields)
        self.ledger.offering = offering
        self._tell(f"enrolment.offering.{kind}.v1", offering.offering_id, offering)

    def promote(self) -> None:
        """Walk the waiting list in its order: whoever may be confirmed is, as far as this step goes.

        To confirm somebody never makes room for anybody: a group that did not fit when it was met does not fit later.
        """
        queue = self.state.queues[self.ledger.offering.offering_id]
        if not all(self._claim(one) for one in groups.decided(self.ledger)):
            return
        able = deque(groups.small_enough(self.ledger))
        while True:
            while able and not seats.admits_all(self.ledger, able[0]):
                able.popleft()
            whose = seats.admissible(self.ledger)
            is_somebody, alone = whose is None or bool(whose), None
            if not is_somebody and not able:
                return
            if self.is_full or (is_somebody and (alone := queue.first(whose)) is None):
                self.more = True
                return
            if alone is not None and not (able and able[0].number < (alone.waiting or 0)):
                self.move(alone, PROMOTED, "confirmed")
            elif not self._promote_group(able.popleft()):
                return

    def _claim(self, group: Group) -> bool:
        """All is decided about the members of a group: it gets seats, or a place, or is refused as full."""
        status, reason = places.of_group(self.ledger, group)
        return self._move_all(group, TOLD_AS[status], status, reason)

    def _promote_group(self, group: Group) -> bool:
        return self._move_all(group, PROMOTED, "confirmed", None)

    def _move_all(self, group: Group, kind: str, status: Status, reason: str | None) -> bool:
        """The same for all members of a group, in one step; False where this is left to the next one."""
        people = groups.members(self.state, self.ledger, group)
        if people is None or (self.events and len(self.events) + len(people) > self.state.limit):
            self.more = True
            return False
        if status == "waiting":
            group.number = self.ledger.queued + 1
        for claimant in people:
            self.move(claimant, kind, status, reason=reason)
        return True

    def _arrive(self, claimant: Claimant, booking: Booking) -> None:
        seats.count(self.ledger, booking.organisation_id, booking.status, 1)
        if booking.status == "waiting":
            self.ledger.queued += 1
            if claimant.group is None:
                claimant.waiting, claimant.organisation = self.ledger.queued, booking.organisation_id
                self.state.queues[booking.offering_id].push(claimant)
            else:
                claimant.grouped = self.ledger.queued
        self.state.changed_claimants.add(claimant.id)

    def _moment(self, status: Status) -> dict[str, Any]:
        if status == "confirmed":
            return {"seated_at": self.event.time}
        if status == "waiting":
            return {"waiting_since": self.event.time}
        return {} if status == "awaiting_approval" else {"ended_at": self.event.time}

    def _next_version(self) -> int:
        self.ledger.version += 1
        return self.ledger.version

    def _tell(self, kind: str, entity_id: str, entity: Booking | Offering) -> None:
        self.events.append(Event(fitting(f"{entity_id}.{entity.version}"), SOURCE, kind, self.event.time, entity))


def booking_id(event: Event, index: int) -> str:
    """32 hexadecimal digits, the same for ever for one request in one event (design section 3, mechanism 5)."""
    return sha256(f"{event.source}\n{event.id}\n{index}".encode()).hexdigest()[:32]
