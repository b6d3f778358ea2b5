"""Groups that are booked all or nothing (`lms.group.requested.v1`; docs/decisions/0013-groups.md). Pure.

The rule: such a group is one claimant with one place on the waiting list. It is confirmed as soon as all of its
remaining members may be confirmed at once, in the order of the list; until then nobody of it is. Somebody who joined
later may take a seat only if the group could not be confirmed as a whole at that moment. Who is refused or withdraws
makes the group smaller, and a smaller group may fit. Where the supervisor approves, the group claims once nobody of it
awaits a decision any more; until then all remain `awaiting_approval`.

The cost: the offering keeps at most MOST such groups, each with its size and its people per delegation. So a walk asks
MOST groups whether they fit, however many bookings there are, and reads only the members of those that do.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from services.enrolment import seats
from services.enrolment.state import Group, Ledger, State
from services.enrolment.waiting import Claimant
from shared.events import Booking, Status

MOST: Final = 100
"""The most all-or-nothing groups without seats on one offering; one more is refused as `full`."""


def new_group(ledger: Ledger, group_id: str, organisations: Sequence[str | None]) -> Group:
    """A group whose members are of these organisations, which asks."""
    of = Counter(one for one in organisations if one is not None and one in ledger.tallies)
    return Group(group_id, len(organisations), dict(of))


def begin(state: State, ledger: Ledger, group: Group, people: Sequence[Claimant], status: Status) -> None:
    """The group waits, or awaits approval, from now on."""
    if status == "waiting":
        group.number = ledger.queued + 1
    else:
        group.awaiting = group.size
    ledger.groups[group.group_id] = group
    state.members[ledger.offering.offering_id, group.group_id] = [*people]
    for claimant in people:
        claimant.group = group.group_id


def has_room(ledger: Ledger) -> bool:
    """Whether one more group may wait or await approval."""
    return len(ledger.groups) < MOST


def decided(ledger: Ledger) -> list[Group]:
    """The groups about whose members all is decided, and which have still to claim."""
    return [one for one in ledger.groups.values() if not one.number and not one.awaiting]


def small_enough(ledger: Ledger) -> list[Group]:
    """The groups on the waiting list, in its order, that have no more members than there are seats left."""
    capacity = ledger.offering.capacity
    most = ledger.waiting if capacity is None else capacity - ledger.confirmed
    found = [one for one in ledger.groups.values() if one.number and one.size <= most]
    return sorted(found, key=lambda one: one.number)


def next_to_read(ledger: Ledger, limit: int) -> list[str]:
    """The groups whose members the next step may need: one at least, of more as many as do not exceed the limit."""
    if ledger.offering.status == "cancelled":
        return []
    able = decided(ledger) + [one for one in small_enough(ledger) if seats.admits_all(ledger, one)]
    found, people = list[str](), 0
    for group in able:
        people += group.size
        if not found or people <= limit:
            found.append(group.group_id)
    return found


def members(state: State, ledger: Ledger, group: Group) -> list[Claimant] | None:
    """The live members in the order of their requests; None where not all are in memory."""
    known = state.members.get((ledger.offering.offering_id, group.group_id), ())
    people = sorted((one for one in known if one.group == group.group_id), key=lambda one: one.bookings[-1].seq)
    return people if len(people) == group.size else None


def leave(ledger: Ledger, claimant: Claimant, before: Booking) -> None:
    """The member has a seat now, or its booking has ended: the rest goes on as a smaller group, if there is one."""
    if claimant.group is not None and (group := ledger.groups.get(claimant.group)) is not None:
        group.size -= 1
        group.awaiting -= before.status == "awaiting_approval" and not claimant.approved
        if before.organisation_id in group.of:
            group.of[before.organisation_id] -= 1
        if not group.size:
            del ledger.groups[group.group_id]
    claimant.group, claimant.approved = None, False
