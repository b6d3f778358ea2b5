"""Invariants 1 to 4, judged from what enrolment keeps: one offering after the other is counted anew. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from services.enrolment.audit_history import OfferingHistory, digest
from services.enrolment.audit_published import EnrolmentHistory, Place, name_of
from services.enrolment.audit_waiting import may_all_have, may_have
from services.enrolment.state import Kept, Ledger
from services.enrolment.waiting import Claimant
from shared.audit import Finding
from shared.events import LIVE, Booking


class Recount:
    """One offering: `add` all of its claimants, then ask for the `findings`."""

    def __init__(self, ledger: Ledger, history: OfferingHistory | None) -> None:
        self._ledger, self._history = ledger, history
        self._name = f"offering {ledger.offering.offering_id}"
        self._by: dict[str, Counter[str | None]] = {status: Counter() for status in LIVE}
        self._version = ledger.offering.version
        self._places: Counter[int] = Counter()
        self._groups: defaultdict[str, list[Booking]] = defaultdict(list)
        self._undecided: Counter[str] = Counter()
        self._broken: list[Finding] = []
        self.bookings = 0

    def add(self, claimant: Claimant) -> None:
        """Count one person's bookings."""
        live = [claim.booking for claim in claimant.bookings if claim.booking.status in LIVE]
        if len(live) > 1:
            self._find(3, f"{claimant.person_id} has {len(live)} live bookings")
        for booking in live:
            self._by[booking.status][booking.organisation_id] += 1
        for claim in claimant.bookings:
            self._compare(claim.booking)
        waits = any(booking.status == "waiting" for booking in live)
        if claimant.group is not None and live:
            self._groups[claimant.group].append(live[-1])
            self._undecided[claimant.group] += live[-1].status == "awaiting_approval" and not claimant.approved
        if waits != (claimant.place is not None):
            self._find(
                2, f"{claimant.person_id} {'waits without a place' if waits else 'has a place'} on the waiting list"
            )
        elif claimant.place is not None:
            self._places[claimant.place] += 1
            if claimant.grouped is None and claimant.organisation != live[-1].organisation_id:
                self._find(2, f"{claimant.person_id} waits in the queue of {claimant.organisation}")

    def _compare(self, booking: Booking) -> None:
        """What is kept must be what was published last."""
        self.bookings += 1
        self._version = max(self._version, booking.version)
        if self._history is None:
            return
        seen = self._history.bookings.pop(booking.booking_id, None)
        if seen is None and not self._history.cut:
            self._find(4, f"booking {booking.booking_id} was never published")
        elif seen is not None and seen.digest != digest(booking):
            self._find(
                4,
                f"booking {booking.booking_id} is kept as {booking.status} (version {booking.version}), "
                f"and was published last as {seen.status} (version {seen.version})",
            )

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with this offering."""
        yield from self._broken
        yield from self._counters()
        yield from self._of_groups()
        yield from self._free_seat()
        if self._version != self._ledger.version:
            yield self._fault(4, f"{self._ledger.version} versions were given, and the newest kept is {self._version}")
        yield from (
            self._fault(2, f"place {place} on the waiting list is held {n} times")
            for place, n in self._places.items()
            if n > 1
        )
        if self._history is not None:
            yield from self._published(self._history)

    def _published(self, history: OfferingHistory) -> Iterator[Finding]:
        if history.offering is not None and history.digest != digest(self._ledger.offering):
            yield self._fault(4, f"is not kept as it was published last (version {history.offering.version})")
        for booking_id in history.bookings:  # `add` took out those that are kept
            yield self._fault(4, f"booking {booking_id} was published, and is not kept")

    def _counters(self) -> Iterator[Finding]:
        ledger = self._ledger
        counted = {"confirmed": ledger.confirmed, "waiting": ledger.waiting, "awaiting_approval": ledger.awaiting}
        for status, number in counted.items():
            if number != (real := self._by[status].total()):
                yield self._fault(1, f"{number} bookings are counted as {status}, and {real} are kept")
        for one in ledger.tallies.values():
            real_of = (self._by["confirmed"][one.organisation_id], self._by["waiting"][one.organisation_id])
            if (one.confirmed, one.waiting) != real_of:
                counts = f"{one.confirmed} confirmed and {one.waiting} waiting"
                yield self._fault(
                    1, f"{one.organisation_id} is counted with {counts}, and {real_of[0]} and {real_of[1]} are kept"
                )
        yield from self._set_aside()

    def _set_aside(self) -> Iterator[Finding]:
        offering = self._ledger.offering
        for one in offering.delegations:
            seats = 0 if one.organisation_id in offering.released else one.seats
            tally = self._ledger.tallies.get(one.organisation_id)
            if offering.status != "cancelled" and (tally is None or tally.seats != seats):
                kept = tally.seats if tally else "none"
                yield self._fault(1, f"{seats} seats are set aside for {one.organisation_id}, and {kept} are kept")

    def _of_groups(self) -> Iterator[Finding]:
        """What is counted of the groups is what their people say, and of one group all wait or none does."""
        if self._ledger.offering.status == "cancelled":
            return
        for name in self._ledger.groups.keys() | self._groups.keys():
            people, group = self._groups[name], self._ledger.groups.get(name)
            counted = (group.size, group.awaiting, +Counter(group.of)) if group else (0, 0, Counter())
            of = Counter(one.organisation_id for one in people if one.organisation_id in self._ledger.tallies)
            if counted != (len(people), self._undecided[name], of):
                yield self._fault(1, f"group {name} is counted with {counted[0]} people, and {len(people)} are kept")
            if len({one.status for one in people}) > 1:
                yield self._fault(1, f"group {name} is all or nothing, and only some of it wait")

    def _free_seat(self) -> Iterator[Finding]:
        """Once the steps of a record are done, nobody waits who may have a free seat."""
        if self._ledger.walking is not None or self._ledger.offering.status == "cancelled":
            return
        together = [[one.organisation_id for one in group] for group in self._groups.values() if _waits(group)]
        alone = self._by["waiting"] - Counter(o for group in together for o in group)
        for group in together:
            if may_all_have(self._ledger.offering, self._by["confirmed"], group):
                yield self._fault(2, f"all seats of a group of {len(group)} are free, and it waits")
        waiting = [o for o, n in alone.items() if n]
        for o in may_have(self._ledger.offering, self._by["confirmed"], waiting):
            yield self._fault(2, f"a seat is free, and people of {o or 'no organisation'} wait that may have it")

    def _find(self, invariant: int, detail: str) -> None:
        self._broken.append(self._fault(invariant, detail))

    def _fault(self, invariant: int, detail: str) -> Finding:
        return Finding(invariant, self._name, detail)


def _waits(group: list[Booking]) -> bool:
    return any(one.status == "waiting" for one in group)


def compare_others(kept: Mapping[Place, Kept], history: EnrolmentHistory, *, cut: bool) -> Iterator[Finding]:
    """Courses, organisations and leaves: what is kept must be what was published last."""
    for place, one in kept.items():
        version, published = history.others.get(place, (0, 0))
        if published != digest(one.entity) and (version or not cut):
            yield Finding(4, name_of(place), f"version {one.entity.version} is kept, and {version} was published last")
