"""What a batch has to read so that it can be decided, and no more: never all bookings of an offering. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.enrolment import seats
from services.enrolment.events import BookingWithdrawn, CohortAssigned, GroupRequested
from services.enrolment.records import key_of_kept
from services.enrolment.state import Ledger, State, Tally, claimant_id, mark_of
from services.enrolment.waiting import EVERYTHING, Claimant, Queue
from shared.events import Status
from shared.handler import Item


class Wanted(msgspec.Struct):
    """Ids of documents. `named`: by offering the organisations that get delegations; `kept`: ids by collection."""

    offerings: set[str] = msgspec.field(default_factory=set)
    claimants: set[str] = msgspec.field(default_factory=set)
    named: defaultdict[str, set[str]] = msgspec.field(default_factory=lambda: defaultdict(set))
    kept: defaultdict[str, set[str]] = msgspec.field(default_factory=lambda: defaultdict(set))


class Heads(msgspec.Struct, frozen=True):
    """The first `limit` people who wait, of these organisations or of all (None)."""

    offering_id: str
    organisations: tuple[str, ...] | None
    limit: int


def wanted(items: Sequence[Item]) -> Wanted:
    """The documents that the events name."""
    want = Wanted()
    for item in items:
        data = item.event.data
        if (offering_id := getattr(data, "offering_id", None)) is not None:
            want.offerings.add(offering_id)
            if item.step == 0:
                want.claimants.update(claimant_id(offering_id, person_id) for person_id in _people(data))
                if delegations := getattr(data, "delegations", None):
                    want.named[offering_id].update(one.organisation_id for one in delegations)
        elif (key := key_of_kept(data)) is not None:
            want.kept[key[0]].add(key[1])
    return want


def uncounted(ledger: Ledger, named: Iterable[str]) -> set[str]:
    """The organisations whose people are not counted yet and must be from now on."""
    return set(named) - ledger.tallies.keys()


class Counted(msgspec.Struct, frozen=True):
    """So many live bookings of an organisation; `group`: the all-or-nothing group that they are claimed with."""

    organisation: str
    status: Status
    group: str | None
    people: int


def count_in(ledger: Ledger, organisations: Iterable[str], counts: Iterable[Counted]) -> None:
    """Add tallies, and what groups have of these organisations."""
    ledger.tallies.update((one, Tally(one)) for one in sorted(organisations))
    for row in counts:
        tally = ledger.tallies[row.organisation]
        if row.status == "confirmed":
            tally.confirmed += row.people
        elif row.status == "waiting":
            tally.waiting += row.people
        if (group := ledger.groups.get(row.group or "")) is not None:
            group.of[row.organisation] = group.of.get(row.organisation, 0) + row.people


def heads(state: State, items: Sequence[Item]) -> list[Heads]:
    """The parts of waiting lists that the events may let move up.

    A withdrawal frees at most one seat, so as many heads as withdrawals do, of all and of the organisation that the
    seat is set aside for. What else the events need shows while they are applied, and is read for their next step.
    """
    exact = [query for ledger in walking(state, items) if (query := _next_heads(state, ledger)) is not None]
    return exact + [
        Heads(offering_id, None if organisation is None else (organisation,), min(count, state.limit))
        for (offering_id, organisation), count in Counter(_freed(state, items)).items()
    ]


def walking(state: State, items: Sequence[Item]) -> list[Ledger]:
    """The offerings that an item of these goes on with."""
    steps = {mark_of(item.event) for item in items if item.step}
    return [ledger for ledger in state.ledgers.values() if steps and ledger.walking in steps]


def receive(state: State, query: Heads, people: Sequence[Claimant]) -> None:
    """Take in what was read of a waiting list."""
    queue = state.queues[query.offering_id]
    for claimant in people:
        queue.push(state.claimants.setdefault(claimant.id, claimant))
        state.stored.add(claimant.id)
    whole = len(people) < query.limit
    queue.reaches(EVERYTHING if whole else people[-1].waiting or 0, query.organisations)


def receive_members(state: State, ledger: Ledger, people: Sequence[Claimant]) -> None:
    """Take in members of groups: all that a group has."""
    offering_id = ledger.offering.offering_id
    for one in people:
        claimant = state.claimants.setdefault(one.id, one)
        state.stored.add(one.id)
        state.members.setdefault((offering_id, one.group or ""), []).append(claimant)


def receive_live(state: State, offering_id: str, people: Sequence[Claimant]) -> None:
    """Take in whose bookings end next with the offering."""
    state.next_live[offering_id] = [state.claimants.setdefault(one.id, one) for one in people]
    state.stored.update(one.id for one in people)


def unread_queues(state: State) -> None:
    """Nothing is known yet of the waiting lists that have somebody."""
    for offering_id, ledger in state.ledgers.items():
        if ledger.waiting:
            state.queues[offering_id] = Queue(known=0)


def _people(data: object) -> list[str]:
    if isinstance(data, CohortAssigned | GroupRequested):
        return [candidate.person_id for candidate in data.people]
    person_id = getattr(data, "person_id", None)
    return [] if person_id is None else [person_id]


def _next_heads(state: State, ledger: Ledger) -> Heads | None:
    whose = seats.admissible(ledger)
    if whose is not None and not whose:
        return None
    return Heads(ledger.offering.offering_id, None if whose is None else tuple(whose), state.limit)


def _freed(state: State, items: Sequence[Item]) -> Iterator[tuple[str, str | None]]:
    for item in items:
        data = item.event.data
        ledger = state.ledgers.get(data.offering_id) if isinstance(data, BookingWithdrawn) and not item.step else None
        if ledger is not None and ledger.waiting:
            yield data.offering_id, None
            claimant = state.claimants.get(claimant_id(data.offering_id, data.person_id))
            booking = claimant.live if claimant else None
            if booking is not None and booking.organisation_id in ledger.tallies:
                yield data.offering_id, booking.organisation_id
