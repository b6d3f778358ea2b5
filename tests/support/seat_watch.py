"""The invariants of seats (design section 5), judged by nothing but what is published of one offering, event by event.

1  never more confirmed seats than section 4 allows, at any moment
2  a lowered capacity removes nobody
3  nobody passes somebody who joined earlier and could take the seat; no free seat beside a person who may have it
4  one person has at most one live booking
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from shared.cloudevents import Event
from shared.events import LIVE, Booking, Offering


class SeatWatch:
    """One offering as its readers know it."""

    def __init__(self) -> None:
        self.offering: Offering | None = None
        self.bookings: dict[str, Booking] = {}
        self.queue: list[str] = []

    def take(self, events: Iterable[Event]) -> None:
        """What was published next."""
        for event in events:
            if isinstance(event.data, Offering):
                self.offering = event.data
            elif isinstance(event.data, Booking):
                self._take(event.data)

    def settled(self) -> None:
        """After the last step of a record."""
        alone, groups = self._waiting(self.queue)
        assert not any(map(self.may, alone)), "3: a seat is free beside somebody who may have it"
        assert not any(map(self.fits, groups)), "3: seats are free beside a group that may have them"

    def may(self, organisation: str | None) -> bool:
        return self._may(organisation, Counter(one.organisation_id for one in self._confirmed()))

    def fits(self, organisations: Sequence[str | None]) -> bool:
        """Whether all of them may have seats, one after the other."""
        taken = Counter(one.organisation_id for one in self._confirmed())
        for one in organisations:
            if not self._may(one, taken):
                return False
            taken[one] += 1
        return True

    def _take(self, booking: Booking) -> None:
        before = self.bookings.get(booking.booking_id)
        was, now = before.status if before else None, booking.status
        if now == "confirmed" and was != "confirmed":
            self._seat(booking)
        if was == "confirmed" and now != "confirmed":
            assert (now, booking.reason) in (("cancelled", "withdrawn"), ("cancelled", "offering_cancelled")), (
                f"2: {booking.person_id} lost a seat: {booking.reason}"
            )
        if now == "waiting" and was != "waiting":
            self.queue.append(booking.booking_id)
        elif now != "waiting" and was == "waiting":
            self.queue.remove(booking.booking_id)
        self.bookings[booking.booking_id] = booking
        live = sum(one.status in LIVE for one in self.bookings.values() if one.person_id == booking.person_id)
        assert live <= 1, f"4: {booking.person_id} has {live} live bookings"

    def _seat(self, booking: Booking) -> None:
        assert self.offering is not None, "1: a seat on an offering that nobody knows"
        assert self.offering.status != "cancelled", "1: a seat on a cancelled offering"
        assert self.may(booking.organisation_id), f"1: there was no seat for {booking.person_id}"
        place = self.queue.index(booking.booking_id) if booking.booking_id in self.queue else len(self.queue)
        alone, groups = self._waiting(self.queue[:place], but=booking.group_id)
        assert not any(map(self.may, alone)), f"3: {booking.person_id} passed somebody who could take the seat"
        assert not any(map(self.fits, groups)), f"3: {booking.person_id} passed a group that could take the seats"

    def _waiting(self, queue: Sequence[str], but: str | None = None) -> tuple[list[str | None], list[list[str | None]]]:
        """Organisations of who waits alone, and of the members of each all-or-nothing group but this one."""
        alone, groups = list[str | None](), defaultdict[str | None, list[str | None]](list)
        for one in (self.bookings[name] for name in queue):
            if not one.all_or_nothing:
                alone.append(one.organisation_id)
            elif one.group_id != but:
                groups[one.group_id].append(one.organisation_id)
        return alone, [*groups.values()]

    def _confirmed(self) -> list[Booking]:
        return [one for one in self.bookings.values() if one.status == "confirmed"]

    def _may(self, organisation: str | None, c: Counter[str | None]) -> bool:
        """Section 4, word for word."""
        offering = self.offering
        if offering is None or offering.capacity is None:
            return True
        d = {one.organisation_id: 0 if one.organisation_id in offering.released else one.seats
             for one in offering.delegations}  # fmt: skip
        in_use = sum(max(0, people - d.get(one or "", 0)) for one, people in c.items())
        own = organisation is not None and c[organisation] < d.get(organisation, 0)
        return sum(c.values()) < offering.capacity and (own or in_use < offering.capacity - sum(d.values()))
