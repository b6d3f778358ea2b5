"""A person on an offering, and the part of its waiting list that is in memory. Pure."""

from collections import defaultdict
from collections.abc import Collection
from heapq import heappop, heappush
from typing import Final

import msgspec

from shared.events import LIVE, Booking

EVERYTHING: Final = 2**63 - 1
"""A queue number that is never reached: the list is in memory as a whole."""


class Claim(msgspec.Struct):
    """A booking and its number among the requests on the log."""

    seq: int
    booking: Booking


class Assignment(msgspec.Struct, frozen=True):
    """A cohort that somebody was assigned with, and whether the offering is mandatory for it."""

    cohort: str
    mandatory: bool


class Claimant(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One person on one offering. Only the last booking can be live, so at most one is.

    `waiting`: the queue number of the live booking while it waits, and `organisation` whose queue that is.
    `group`: the all-or-nothing group that the live booking is claimed with, as long as it has no seat; `grouped`: its
    queue number, once the group waits (then it has no `waiting`: it is in the queue of nobody else); `approved`: the
    supervisor has said yes, and others of the group have still to be decided. `assigned`: stays when a booking ends.
    """

    id: str = msgspec.field(name="_id")
    offering_id: str
    person_id: str
    bookings: list[Claim] = []
    seen: list[int] = []
    waiting: int | None = None
    organisation: str | None = None
    group: str | None = None
    grouped: int | None = None
    approved: bool = False
    assigned: list[Assignment] = []

    @property
    def place(self) -> int | None:
        """The number on the waiting list, alone or with a group."""
        return self.waiting if self.grouped is None else self.grouped

    @property
    def live(self) -> Booking | None:
        """The booking that lives."""
        if self.bookings and self.bookings[-1].booking.status in LIVE:
            return self.bookings[-1].booking
        return None


class Queue:
    """Who waits, as far as it is known: everybody with a number up to `known`, and per organisation up to its own.

    Numbers of people who left stay in the heaps until they are met.
    """

    def __init__(self, known: int = EVERYTHING) -> None:
        self.known = known
        self._known_of: dict[str, int] = {}
        self._people: dict[int, Claimant] = {}
        self._all: list[int] = []
        self._of: defaultdict[str | None, list[int]] = defaultdict(list)

    def push(self, claimant: Claimant) -> None:
        """Somebody who waits."""
        if (number := claimant.waiting) is not None and number not in self._people:
            self._people[number] = claimant
            heappush(self._all, number)
            heappush(self._of[claimant.organisation], number)

    def reaches(self, number: int, organisations: Collection[str] | None) -> None:
        """From now on all with numbers up to this one are in memory, of these organisations or at all (None)."""
        if organisations is None:
            self.known = max(self.known, number)
        for organisation in organisations or ():
            self._known_of[organisation] = max(self._known_of.get(organisation, 0), number)

    def first(self, organisations: Collection[str] | None) -> Claimant | None:
        """The first of these organisations, or of all (None); None where what is in memory does not tell."""
        heaps = [self._all] if organisations is None else [self._of[one] for one in organisations]
        known = min((self._reach(one) for one in organisations or ()), default=self.known)
        number = min(filter(None, map(self._head, heaps)), default=None)
        if number is None and known == EVERYTHING:
            raise RuntimeError("the counters know of somebody who waits, and nobody does")
        return None if number is None or number > known else self._people[number]

    def _reach(self, organisation: str) -> int:
        return max(self.known, self._known_of.get(organisation, 0))

    def _head(self, heap: list[int]) -> int | None:
        while heap and self._people[heap[0]].waiting != heap[0]:
            heappop(heap)
        return heap[0] if heap else None
