"""What enrolment keeps, as it lies in memory while a batch is decided. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec

from services.enrolment.waiting import Claimant, Queue
from shared.cloudevents import Event
from shared.events import Course, Leave, Offering, Organisation

LAST_EVENTS: Final = 8
"""So many events of an offering, and of a person on it, are recognised when they come again (design section 4)."""
STEP: Final = 1_000
"""The most bookings that one transaction changes."""


class Tally(msgspec.Struct):
    """The people of one organisation on one offering. `seats`: set aside for them now, 0 once released."""

    organisation_id: str
    seats: int = 0
    confirmed: int = 0
    waiting: int = 0


class Group(msgspec.Struct):
    """An all-or-nothing group that has no seats yet. The rules are in groups.py.

    `size`: its live members; `of`: those of organisations that have a tally; `awaiting`: those whom the supervisor has
    still to decide about; `number`: its place on the waiting list, 0 before it has one.
    """

    group_id: str
    size: int
    of: dict[str, int]
    awaiting: int = 0
    number: int = 0


class Ledger(msgspec.Struct, kw_only=True):
    """An offering and what is counted about its bookings.

    `version`, `requests`, `queued`: the last number given to a change, a booking, a place on the waiting list.
    `walking`: the mark of the event whose effect on the bookings is not complete; no other is applied before it is.
    `walked`: the claimant up to whom the bookings of the cancelled offering are cancelled.
    """

    offering: Offering
    version: int = 0
    confirmed: int = 0
    waiting: int = 0
    awaiting: int = 0
    requests: int = 0
    queued: int = 0
    tallies: dict[str, Tally] = {}
    groups: dict[str, Group] = {}
    seen: list[int] = []
    walking: int | None = None
    walked: str = ""

    @property
    def live(self) -> int:
        """How many bookings live."""
        return self.confirmed + self.waiting + self.awaiting


class Kept(msgspec.Struct):
    """A course, an organisation or a leave, with its last events."""

    entity: Course | Organisation | Leave
    seen: list[int] = []


class Attributes(msgspec.Struct, frozen=True):
    """What enrolment keeps of a person: never a name or an address. `offset`: of the record that said so."""

    offset: int
    organisation_id: str | None = None
    department: str | None = None
    status_group: str | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What became of an event. `more`: its effect is not complete yet."""

    outcome: Literal["applied", "repeated", "held"] = "applied"
    events: Sequence[Event] = ()
    more: bool = False


class Entry(msgspec.Struct, kw_only=True):
    """One change of an offering (history.py), whose version it was then.

    `moved`: how many bookings it moved, by kind of outcome.
    """

    id: str = msgspec.field(name="_id")
    offering_id: str
    version: int
    at: str
    kind: str
    source: str
    by: str | None = None
    person_id: str | None = None
    details: dict[str, Any] = {}
    moved: dict[str, int] = {}


class State:
    """What a batch touches.

    `named`: the organisations that the batch's events give seats to, by offering: each has a tally.
    `stored`: the claimants that have a document. `kept`: by collection and id.
    `next_live`: whom the next step of a cancelled offering's walk concerns.
    `members`: by offering and group the people of all-or-nothing groups, as far as they are in memory.
    """

    def __init__(self, limit: int = STEP) -> None:
        self.limit = limit
        self.ledgers: dict[str, Ledger] = {}
        self.claimants: dict[str, Claimant] = {}
        self.queues: defaultdict[str, Queue] = defaultdict(Queue)
        self.named: defaultdict[str, set[str]] = defaultdict(set)
        self.next_live: dict[str, list[Claimant]] = {}
        self.members: dict[tuple[str, str], list[Claimant]] = {}
        self.kept: dict[tuple[str, str], Kept] = {}
        self.people: dict[str, Attributes] = {}
        self.stored: set[str] = set()
        self.changed_ledgers: set[str] = set()
        self.changed_claimants: set[str] = set()
        self.changed_kept: set[tuple[str, str]] = set()
        self.history: dict[str, Entry] = {}

    def claimant(self, offering_id: str, person_id: str) -> Claimant:
        """The person on the offering, new where nothing was known."""
        key = claimant_id(offering_id, person_id)
        if (found := self.claimants.get(key)) is None:
            found = self.claimants[key] = Claimant(id=key, offering_id=offering_id, person_id=person_id)
        return found


def claimant_id(offering_id: str, person_id: str) -> str:
    """One string for the pair: ids have no control characters, and an offering's claimants are one range."""
    return f"{offering_id}\n{person_id}"


def mark_of(event: Event) -> int:
    """64 bits that stand for source and id of an event: small in a document, and signed as BSON has them."""
    digest = blake2b(f"{event.source}\n{event.id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def remember(seen: list[int], mark: int) -> None:
    """Add an event to the last ones."""
    seen.append(mark)
    del seen[:-LAST_EVENTS]
