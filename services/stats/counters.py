"""Counters are sums over facts, kept by difference in the batch's transaction (design section 3, mechanism 10). Pure.

A counter says how many facts of one partition have left the same trace. The sums of each offering and year are kept
ready too, and who is where on it now: so a dashboard reads few documents. When an offering's format or its sessions
change, its sums take the difference that its counters make, and no booking is read again.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

from services.stats.domain import Entity, Fact
from services.stats.figures import Run, yearly
from services.stats.traces import AnyTrace, Trace, trace_id, trace_of
from shared.events import LIVE


class Sum(NamedTuple):
    """Whose sum: an offering's, or that of all leave of a partition. Year -y: what counts in every year from y on."""

    partition: int
    offering_id: str | None
    year: int
    measure: str


class Seat(NamedTuple):
    """Those of an organisation who have a status on an offering now."""

    partition: int
    offering_id: str
    organisation_id: str | None
    status: str


@dataclass(slots=True)
class Counts:
    """All counters of some facts, or what is to be added to those there are.

    `traces`: every trace that has been met, by its id.
    """

    zone: tzinfo
    traces: dict[str, AnyTrace] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    sums: Counter[Sum] = field(default_factory=Counter)
    seats: Counter[Seat] = field(default_factory=Counter)
    standing: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Of offerings: how many facts of each trace there are, as far as that is known."""

    def add(self, entity: Entity | None, run: Run, by: int = 1) -> str | None:
        """Count a fact (`by` -1: no longer); `run`: its offering. The id of its trace; what is no fact has none."""
        trace = trace_of(entity, self.zone)
        if trace is None:
            return None
        name = trace_id(trace)
        self.traces[name] = trace
        self.counters[name] += by
        self._add_sums(trace, run, by)
        if isinstance(entity, Fact):
            booking = entity.booking
            self.standing[booking.offering_id][name] += by
            if booking.status in LIVE:
                self.seats[Seat(entity.partition, booking.offering_id, booking.organisation_id, booking.status)] += by
        return name

    def replace(self, old: Entity | None, new: Entity, run: Run) -> str | None:
        """A fact has changed: what stays the same is not touched. The id of its new trace."""
        self.add(old, run, -1)
        return self.add(new, run)

    def stands(self, name: str, trace: AnyTrace, number: int) -> None:
        """So many facts had left this trace before."""
        self.traces[name] = trace
        if isinstance(trace, Trace):
            self.standing[trace.offering_id][name] += number

    def run_changed(self, offering_id: str, old: Run, new: Run) -> None:
        """The sums of an offering's standing facts after its format or its sessions have changed."""
        if (old.format, old.months) != (new.format, new.months):
            for name, number in self.standing[offering_id].items():
                self._add_sums(self.traces[name], old, -number)
                self._add_sums(self.traces[name], new, number)

    def _add_sums(self, trace: AnyTrace, run: Run, by: int) -> None:
        offering_id = getattr(trace, "offering_id", None)
        for (year, measure), amount in yearly(trace, run).items():
            self.sums[Sum(trace.partition, offering_id, year, measure)] += by * amount
