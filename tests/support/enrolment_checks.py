"""What must hold after every batch of random events: as the naive model says, and the invariants of seats."""

from collections import Counter
from collections.abc import Callable, Sequence

from services.enrolment.state import Ledger
from shared.cloudevents import Event
from shared.events import Booking, Offering
from tests.support.enrolment import World
from tests.support.naive_enrolment import NaiveOffering, Told
from tests.support.naive_records import NaiveRecords
from tests.support.seat_watch import SeatWatch


class Checked:
    """Enrolment in memory beside the naive model of one offering, and a reader of what is published."""

    def __init__(self, step: int) -> None:
        self.world, self.naive, self.records, self.watch = World(step), NaiveOffering(), NaiveRecords(), SeatWatch()
        self.expected: list[Told] = []
        self.outcomes: list[str] = []
        self.pushed: Sequence[Event] = ()
        self.new: Sequence[Event] = ()
        """The last batch, and what was told in it."""

    def seats(self) -> None:
        """Invariants 1 to 4, by what was published."""
        self.watch.take(self.new)
        self.watch.settled()

    def has_outcome(self) -> None:
        """Invariant 5: every event has the outcome that the model says."""
        assert self.world.outcomes == self.outcomes, "5: outcomes"

    def as_told(self) -> None:
        assert [said(event) for event in self.new] == self.expected

    def as_the_model(self) -> None:
        queue = self.naive.queue
        assert [
            (
                *(one.person_id, one.organisation_id, one.status, one.reason, one.late, one.cohorts, one.completed_at),
                {seen.session_id: seen.status for seen in one.attendance},
                *(one.waiting_position, one.group_id),
            )
            for one in self.world.bookings()
        ] == [
            (
                *(one.person, one.organisation, one.status, one.reason, one.late, one.cohorts, one.completed_at),
                one.attendance,
                *(queue.index(one) + 1 if one.status == "waiting" else None, one.group_id),
            )
            for one in self.naive.bookings
        ]

    def versions(self) -> None:
        """1..n without a gap, of the offering and of every entity that stands for itself; no event twice."""
        entities = Counter[str]()
        for event in self.world.told:
            name = "o1" if isinstance(event.data, Booking | Offering) else event.id.rpartition(".")[0]
            entities[name] += 1
            assert event.data.version == entities[name]
        assert len({event.id for event in self.world.told}) == len(self.world.told)

    def people(self) -> None:
        """What is kept of people, and never a name or an address."""
        kept = self.world.store.documents["people"]
        assert all(one.keys() <= {"_id", "offset", "organisation_id", "department", "status_group"}
                   for one in kept.values())  # fmt: skip
        assert self.records.people == {
            key: (one["organisation_id"], one["department"], one["status_group"]) for key, one in kept.items()
        }

    def counters(self) -> None:
        if self.naive.data:
            ledger, bookings = self.world.store.ledger("o1"), self.world.bookings()
            counted = Counter(one.status for one in bookings)
            assert (ledger.confirmed, ledger.waiting, ledger.awaiting) == (
                *(counted["confirmed"], counted["waiting"], counted["awaiting_approval"]),
            )
            by = Counter((one.organisation_id, one.status) for one in bookings)
            assert {one: (tally.seats, tally.confirmed, tally.waiting) for one, tally in ledger.tallies.items()} == {
                one: (seats, by[one, "confirmed"], by[one, "waiting"]) for one, seats in self.naive.set_aside().items()
            }
            assert ledger.walking is None
            self._groups(ledger)

    def _groups(self, ledger: Ledger) -> None:
        """What an offering counts of its groups is what its people say."""
        people = [one for one in self.world.store.claimants("o1") if one.group is not None]
        sizes = Counter(one.group for one in people)
        undecided = Counter(one.group for one in people if self.naive.undecided(one.person_id))
        assert {one.group_id: (one.size, one.awaiting) for one in ledger.groups.values()} == {
            one: (size, undecided[one]) for one, size in sizes.items()
        }
        of = Counter((one.group, one.live.organisation_id) for one in people if one.live)
        for group in ledger.groups.values():
            assert {one: people for one, people in group.of.items() if people} == {
                one: of[group.group_id, one] for one in ledger.tallies if of[group.group_id, one]
            }


def said(event: Event) -> Told:
    return event.type.removeprefix("enrolment.").removesuffix(".v1"), getattr(event.data, "person_id", "")


Check = Callable[[Checked], None]
INVARIANTS: tuple[Check, ...] = (Checked.seats, Checked.has_outcome)
ALL: tuple[Check, ...] = (
    *(*INVARIANTS, Checked.as_told, Checked.as_the_model, Checked.versions, Checked.people, Checked.counters),
)
