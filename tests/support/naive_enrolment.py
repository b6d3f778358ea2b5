"""Section 4 of the design word for word: who gets a seat. Slow, and it shares nothing with the real domain."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Told = tuple[str, str]
"""What is told, and of whom: a person, or "" for the offering."""


@dataclass
class NaiveBooking:
    person: str
    organisation: str | None
    status: str
    reason: str | None = None
    late: bool = False
    cohorts: list[str] = field(default_factory=list)
    attendance: dict[str, str] = field(default_factory=dict)
    completed_at: datetime | None = None
    group_id: str | None = None
    group: "list[NaiveBooking] | None" = None
    """All that were booked with it, all or nothing: they look at each other, not at a counter."""
    approved: bool = False

    @property
    def lives(self) -> bool:
        return self.status in ("awaiting_approval", "confirmed", "waiting")


class NaiveOffering:
    """Everything is counted anew for every question. Its representation is its whole state."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.delegations: dict[str, tuple[int, datetime | None]] = {}
        self.released: set[str] = set()
        self.cancelled = False
        self.bookings: list[NaiveBooking] = []
        self.queue: list[NaiveBooking] = []

    def __repr__(self) -> str:
        return repr((self.data, self.delegations, sorted(self.released), self.cancelled, self.bookings))

    def live(self, person: str) -> NaiveBooking | None:
        return next((one for one in self.bookings if one.person == person and one.lives), None)

    def undecided(self, person: str) -> bool:
        booking = self.live(person)
        return booking is not None and booking.status == "awaiting_approval" and not booking.approved

    def confirmed(self) -> list[NaiveBooking]:
        return [one for one in self.bookings if one.status == "confirmed"]

    def set_aside(self) -> dict[str, int]:
        return {one: 0 if one in self.released else seats for one, (seats, _) in self.delegations.items()}

    def may(self, organisation: str | None) -> bool:
        capacity, d = self.data["capacity"], self.set_aside()
        if capacity is None:
            return True
        if len(self.confirmed()) >= capacity:
            return False
        c = {one: sum(booking.organisation == one for booking in self.confirmed()) for one in d}
        without = sum(booking.organisation not in d for booking in self.confirmed())
        in_use = without + sum(max(0, c[one] - d[one]) for one in d)
        in_delegation = organisation is not None and organisation in d and c[organisation] < d[organisation]
        return in_delegation or in_use < capacity - sum(d.values())

    def walk(self) -> list[Told]:
        told = []
        for booking in [] if self.cancelled else list(self.queue):
            together = [one for one in booking.group or [booking] if one.status == "waiting"]
            if booking in together and self.try_seats(together):
                for one in together:
                    self.queue.remove(one)
                    told.append(("booking.promoted", one.person))
        return told

    def try_seats(self, together: list[NaiveBooking]) -> bool:
        """Give them seats one after the other; when one gets none, all is as before."""
        before = [one.status for one in together]
        for one in together:
            if not self.may(one.organisation):
                for other, status in zip(together, before, strict=True):
                    other.status = status
                return False
            one.status = "confirmed"
        return True

    # --- events -----------------------------------------------------------------------------------------------------

    def schedule(self, data: dict[str, Any], time: datetime) -> list[Told]:
        if self.cancelled:
            return []
        before, was = dict(self.data), (dict(self.delegations), set(self.released))
        self.data = data
        self._delegate(data["delegations"], time)
        if not before:
            return [("offering.scheduled", "")]
        told = []
        if before["format"] != data["format"]:
            told.append(("offering.format_changed", ""))
        elif before["sessions"] != data["sessions"]:
            told.append(("offering.rescheduled", ""))
        if before["capacity"] != data["capacity"] or was != (self.delegations, self.released):
            told.append(("offering.capacity_changed", ""))
        if not told and any(before[one] != data[one] for one in data if one != "delegations"):
            told.append(("offering.scheduled", ""))
        return told + self.walk()

    def change_capacity(self, capacity: int | None, delegations: list[Any] | None, time: datetime) -> list[Told]:
        if self.cancelled:
            return []
        before = (self.data["capacity"], dict(self.delegations), set(self.released))
        self.data = {**self.data, "capacity": capacity}
        if delegations is not None:
            self._delegate(delegations, time)
        else:
            self._release(time)
        changed = before != (capacity, self.delegations, self.released)
        return [("offering.capacity_changed", ""), *self.walk()] if changed else []

    def reschedule(self, sessions: list[Any]) -> list[Told] | None:
        """None: a dead letter."""
        if self.cancelled:
            return []
        if not sessions and self.data["format"] != "web_based":
            return None
        before, self.data = self.data, {**self.data, "sessions": sessions}
        return [("offering.rescheduled", "")] if before != self.data else []

    def change_format(self, form: str, sessions: list[Any]) -> list[Told]:
        if self.cancelled:
            return []
        before, self.data = self.data, {**self.data, "format": form, "sessions": sessions}
        return [("offering.format_changed", "")] if before != self.data else []

    def pass_deadline(self, moment: datetime, time: datetime) -> list[Told] | None:
        """None: a dead letter; nothing passes before its time."""
        before = set(self.released)
        if moment > time and not self.cancelled:
            return None
        if not self.cancelled:
            self._release(moment)
        return [("offering.capacity_changed", ""), *self.walk()] if before != self.released else []

    def cancel(self) -> list[Told]:
        if self.cancelled:
            return []
        self.cancelled, self.queue = True, []
        ending = sorted((one for one in self.bookings if one.lives), key=lambda one: one.person)
        for one in ending:
            one.status, one.reason = "cancelled", "offering_cancelled"
        return [("offering.cancelled", ""), *(("booking.cancelled", one.person) for one in ending)]

    def request(self, person: str, organisation: str | None, time: datetime) -> list[Told]:
        if self.live(person):
            return []
        booking = NaiveBooking(person, organisation, "")
        self.bookings.append(booking)
        return self._ask([booking], time)

    def _ask(self, together: list[NaiveBooking], time: datetime) -> list[Told]:
        opens, closes = self.data["booking_opens_at"], self.data["booking_closes_at"]
        if self.cancelled:
            return self._refuse_all(together, "offering_cancelled")
        if opens is not None and time < opens:
            return self._refuse_all(together, "not_open")
        if closes is not None and not time < closes:
            return self._refuse_all(together, "closed")
        if self.data["approval"] == "supervisor":
            for one in together:
                one.status = "awaiting_approval"
            return [("booking.approval_requested", one.person) for one in together]
        return self._seat(together)

    def approve(self, person: str) -> list[Told]:
        booking = self.live(person)
        if booking is None or booking.status != "awaiting_approval" or booking.approved:
            return []
        booking.approved = True
        return self._decided(booking) if booking.group else self._seat([booking])

    def refuse(self, person: str) -> list[Told]:
        booking = self.live(person)
        if booking and booking.status == "awaiting_approval" and not booking.approved:
            return [*self._refuse(booking, "approval_refused"), *self._decided(booking)]
        return []

    def _decided(self, booking: NaiveBooking) -> list[Told]:
        """The group claims once nobody of it awaits a decision."""
        rest = [one for one in booking.group or [] if one.status == "awaiting_approval"]
        return self._seat(rest) if rest and all(one.approved for one in rest) else []

    def request_group(
        self, group_id: str, people: list[tuple[str, str | None]], time: datetime, *, together: bool
    ) -> list[Told]:
        new = [NaiveBooking(*one, "", group_id=group_id) for one in people if not self.live(one[0])]
        standing = [one for one in self.bookings if one.group and one.group_id == group_id]
        if any(one.status in ("waiting", "awaiting_approval") for one in standing):
            return []
        self.bookings += new
        if not together:
            return [said for one in new for said in self._ask([one], time)]
        for one in new:
            one.group = new
        return self._ask(new, time) if new else []

    def withdraw(self, person: str, time: datetime) -> list[Told]:
        booking, until = self.live(person), self.data["cancel_until"]
        if booking is None:
            return []
        if booking in self.queue:
            self.queue.remove(booking)
        awaited = booking.status == "awaiting_approval"
        booking.status, booking.reason, booking.late = "cancelled", "withdrawn", until is not None and time > until
        return [("booking.cancelled", person), *(self._decided(booking) if awaited else self.walk())]

    def assign(self, cohort: str, people: list[tuple[str, str | None]]) -> list[Told]:
        told, done = [], set()
        for person, organisation in people:
            booking = self.live(person)
            if person in done:
                continue
            done.add(person)
            if booking is None:
                booking = NaiveBooking(person, organisation, "", cohorts=[cohort])
                self.bookings.append(booking)
                told += self._refuse(booking, "offering_cancelled") if self.cancelled else self._seat([booking])
            elif cohort not in booking.cohorts:
                booking.cohorts.append(cohort)
                told.append(("booking.assigned", person))
        return told

    def attend(self, person: str, session: str, status: str) -> list[Told] | None:
        """None: a dead letter."""
        booking = self.live(person)
        if booking is None or booking.status != "confirmed":
            return None
        changed = booking.attendance.get(session) != status
        booking.attendance[session] = status
        return [("booking.attendance_recorded", person)] if changed else []

    def complete(self, person: str, moment: datetime) -> list[Told] | None:
        """None: a dead letter."""
        booking = self.live(person)
        if booking is None or booking.status != "confirmed":
            return None
        changed, booking.completed_at = booking.completed_at != moment, moment
        return [("booking.completed", person)] if changed else []

    def _seat(self, together: list[NaiveBooking]) -> list[Told]:
        if self.try_seats(together):
            return [("booking.confirmed", one.person) for one in together]
        if not self.data["waiting_list"]:
            return self._refuse_all(together, "full")
        for one in together:
            one.status = "waiting"
        self.queue += together
        return [("booking.waitlisted", one.person) for one in together]

    def _refuse_all(self, together: list[NaiveBooking], reason: str) -> list[Told]:
        return [said for one in together for said in self._refuse(one, reason)]

    def _refuse(self, booking: NaiveBooking, reason: str) -> list[Told]:
        booking.status, booking.reason = "refused", reason
        return [("booking.refused", booking.person)]

    def _delegate(self, delegations: list[Any], time: datetime) -> None:
        """A release that has passed stays passed unless it is put off."""
        past = {one: self.delegations[one][1] for one in self.released}
        self.delegations = {one: (seats, release) for one, seats, release in delegations}
        self.released = {
            one
            for one, (_, release) in self.delegations.items()
            if release is not None and (before := past.get(one)) is not None and release <= before
        }
        self._release(time)

    def _release(self, time: datetime) -> None:
        self.released |= {one for one, (_, at) in self.delegations.items() if at is not None and at <= time}
