"""The arithmetic of seats (design section 4, "Who gets a seat"). Pure."""

from collections.abc import Collection

from services.enrolment.state import Group, Ledger, Tally
from shared.events import Delegation, Offering, Status


def count(ledger: Ledger, organisation_id: str | None, status: Status, by: int) -> None:
    """Count a booking in (1) or out (-1) of its status. Ended bookings are not counted."""
    tally = ledger.tallies.get(organisation_id) if organisation_id is not None else None
    if status == "confirmed":
        ledger.confirmed += by
        if tally:
            tally.confirmed += by
    elif status == "waiting":
        ledger.waiting += by
        if tally:
            tally.waiting += by
    elif status == "awaiting_approval":
        ledger.awaiting += by


def open_free(ledger: Ledger) -> int | None:
    """Open seats that are free, below zero where fewer exist than are in use; None without a limit.

    C - sum d(o), less (confirmed - sum min(c(o), d(o))), is C - confirmed - sum max(0, d(o) - c(o)).
    """
    if ledger.offering.capacity is None:
        return None
    kept = sum(tally.seats - tally.confirmed for tally in ledger.tallies.values() if tally.seats > tally.confirmed)
    return ledger.offering.capacity - ledger.confirmed - kept


def admits(ledger: Ledger, organisation_id: str | None) -> bool:
    """Whether one more person of the organisation may be confirmed."""
    capacity = ledger.offering.capacity
    if capacity is None:
        return True
    if ledger.confirmed >= capacity:
        return False
    tally = ledger.tallies.get(organisation_id) if organisation_id is not None else None
    if tally and tally.confirmed < tally.seats:
        return True
    return (open_free(ledger) or 0) > 0


def admits_all(ledger: Ledger, group: Group) -> bool:
    """Whether all of a group may be confirmed at once."""
    capacity = ledger.offering.capacity
    return capacity is None or able(ledger, group, capacity) >= group.size


def able(ledger: Ledger, group: Group, capacity: int) -> int:
    """For how many of a group there are seats: of their delegations for those who have one, open ones for the rest."""
    aside = sum(
        min(n, max(0, ledger.tallies[one].seats - ledger.tallies[one].confirmed)) for one, n in group.of.items()
    )
    return max(0, min(capacity - ledger.confirmed, aside + max(0, open_free(ledger) or 0)))


def admissible(ledger: Ledger) -> Collection[str] | None:
    """Of which organisations one of those who wait alone may be confirmed: None of whichever, () of none."""
    capacity = ledger.offering.capacity
    if capacity is not None and ledger.confirmed >= capacity:
        return ()
    groups = [one for one in ledger.groups.values() if one.number]
    if ledger.waiting == sum(one.size for one in groups):
        return ()
    if capacity is None or (open_free(ledger) or 0) > 0:
        return None
    return [
        one
        for one, tally in ledger.tallies.items()
        if tally.confirmed < tally.seats and tally.waiting > sum(group.of.get(one, 0) for group in groups)
    ]


def allot(ledger: Ledger) -> None:
    """Bring the seats of the tallies up to the offering's delegations, each of which has one."""
    for tally in ledger.tallies.values():
        tally.seats = 0
    for delegation in unreleased(ledger.offering):
        ledger.tallies[delegation.organisation_id].seats = delegation.seats


def unreleased(offering: Offering) -> list[Delegation]:
    """The delegations whose seats are still set aside."""
    return [one for one in offering.delegations if one.organisation_id not in offering.released]


def new_tallies(organisations: Collection[str]) -> dict[str, Tally]:
    """Tallies of an offering that nobody has booked."""
    return {organisation_id: Tally(organisation_id) for organisation_id in sorted(organisations)}
