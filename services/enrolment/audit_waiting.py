"""The rule of seats and the waiting list as the audit knows them, written anew from the design. Pure."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping

from shared.events import Booking, Offering


def may_have(offering: Offering, confirmed: Mapping[str | None, int], asking: Iterable[str | None]) -> set[str | None]:
    """Of which of these organisations one more person may be confirmed (design section 4, "Who gets a seat")."""
    if offering.capacity is None:
        return {*asking}
    if sum(confirmed.values()) >= offering.capacity:
        return set()
    aside = {
        one.organisation_id: one.seats for one in offering.delegations if one.organisation_id not in offering.released
    }
    in_use = sum(n if (o or "") not in aside else max(0, n - aside[o or ""]) for o, n in confirmed.items())
    is_open = in_use < offering.capacity - sum(aside.values())
    return {o for o in asking if is_open or confirmed.get(o, 0) < aside.get(o or "", 0)}


def may_all_have(offering: Offering, confirmed: Mapping[str | None, int], group: Iterable[str | None]) -> bool:
    """Whether people of these organisations may all be confirmed, one after the other: then may a group, at once."""
    seated = Counter(confirmed)
    for organisation_id in group:
        if not may_have(offering, seated, [organisation_id]):
            return False
        seated[organisation_id] += 1
    return True


class Waiting:
    """The waiting list: people who wait alone by organisation, all-or-nothing groups by id, with their versions."""

    def __init__(self) -> None:
        self.alone: defaultdict[str | None, OrderedDict[str, int]] = defaultdict(OrderedDict)
        self.groups: dict[str, dict[str, str | None]] = {}
        self._since: dict[str, int] = {}

    def put(self, booking: Booking) -> None:
        """Somebody waits, from this version on or longer."""
        if not is_grouped(booking):
            self.alone[booking.organisation_id].setdefault(booking.booking_id, booking.version)
        else:
            self._since.setdefault(booking.group_id or "", booking.version)
            members = self.groups.setdefault(booking.group_id or "", {})
            members[booking.booking_id] = booking.organisation_id

    def drop(self, booking: Booking) -> None:
        """Somebody waits no longer."""
        self.alone[booking.organisation_id].pop(booking.booking_id, None)
        members = self.groups.get(booking.group_id or "", {})
        if members.pop(booking.booking_id, "") != "" and not members:
            del self.groups[booking.group_id or ""], self._since[booking.group_id or ""]

    def place(self, booking: Booking) -> int:
        """Since when the booking waits: a group has one place; its own version where it does not wait."""
        if booking.booking_id in self.groups.get(booking.group_id or "", {}):
            return self._since[booking.group_id or ""]
        return self.alone[booking.organisation_id].get(booking.booking_id, booking.version)

    def heads(self, before: int | None = None) -> dict[str | None, tuple[str, int]]:
        """By organisation who waits longest alone, and since when: before this version, or at all."""
        heads = {o: next(iter(queue.items())) for o, queue in self.alone.items() if queue}
        return {o: head for o, head in heads.items() if before is None or head[1] < before}

    def groups_able(
        self, offering: Offering, confirmed: Mapping[str | None, int], before: int | None = None
    ) -> list[str]:
        """The groups that could be confirmed now: of those that wait since before this version, or of all."""
        return [
            one
            for one, members in self.groups.items()
            if (before is None or self._since[one] < before) and may_all_have(offering, confirmed, members.values())
        ]


def is_grouped(booking: Booking) -> bool:
    """Whether it is claimed with a group, all or nothing."""
    return booking.all_or_nothing and booking.group_id is not None
