"""What `lms.group.requested.v1` does (docs/decisions/0013-groups.md). Pure.

Members are those of the list who have no live booking on the offering; whoever has one keeps it as it is. Without
`all_or_nothing` each member is booked like a single person, in the order of the list. A group that waits or awaits
approval stands: another request with its `group_id` changes nothing until it has its seats or its bookings have ended.
"""

from services.enrolment import groups, places
from services.enrolment.bookings import has_made
from services.enrolment.change import Change
from services.enrolment.events import Candidate, GroupRequested
from services.enrolment.state import Decision, State, mark_of, remember
from services.enrolment.waiting import Claimant
from shared.cloudevents import Event

Member = tuple[int, Candidate, Claimant]
"""The place in the list, and who stands there."""


def request_group(state: State, event: Event) -> Decision:
    """Apply the request of a group: as a whole, or not at all when it was here before."""
    data: GroupRequested = event.data
    if (ledger := state.ledgers.get(data.offering_id)) is None:
        return Decision("held")
    mark, members = mark_of(event), _members(state, data)
    if any(mark in claimant.seen or has_made(event, index, claimant) for index, _, claimant in members):
        return Decision("repeated")
    change = Change(state, ledger, event)
    asking = [one for one in members if one[2].live is None]
    if asking and data.group_id not in ledger.groups:
        (_book_all if data.all_or_nothing else _book_each)(change, asking)
    for _, _, claimant in members:
        remember(claimant.seen, mark)
        state.changed_claimants.add(claimant.id)
    return change.decision()


def _members(state: State, data: GroupRequested) -> list[Member]:
    listed = enumerate(data.candidates)
    return [(index, one, state.claimant(data.offering_id, one.person_id)) for index, one in listed]


def _book_each(change: Change, asking: list[Member]) -> None:
    for index, candidate, claimant in asking:
        status, reason = places.at_request(change.ledger, change.event.time, candidate.organisation_id)
        change.book(claimant, candidate, index, status=status, reason=reason, group_id=change.event.data.group_id)


def _book_all(change: Change, asking: list[Member]) -> None:
    ledger, group_id = change.ledger, change.event.data.group_id
    group = groups.new_group(ledger, group_id, [candidate.organisation_id for _, candidate, _ in asking])
    status, reason = places.group_at_request(ledger, change.event.time, group)
    if status in ("awaiting_approval", "waiting"):
        groups.begin(change.state, ledger, group, [claimant for _, _, claimant in asking], status)
    fields = {"status": status, "reason": reason, "group_id": group_id, "all_or_nothing": True}
    for index, candidate, claimant in asking:
        change.book(claimant, candidate, index, **fields)
