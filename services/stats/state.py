"""What a batch touches, and what it changes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.stats.counters import Counts
from services.stats.domain import Entity, Fact, LeaveFact, OfferingFact, Payload, changed
from services.stats.figures import UNKNOWN, Run, run_of
from shared.events import Booking, Course, Leave, Offering, Organisation
from shared.handler import Item, Result

KINDS: Final[Mapping[type[Payload], tuple[str, str, type[Entity]]]] = {
    Booking: ("facts", "booking_id", Fact),
    Leave: ("leaves", "leave_id", LeaveFact),
    Offering: ("offerings", "offering_id", OfferingFact),
    Course: ("courses", "course_id", Course),
    Organisation: ("organisations", "organisation_id", Organisation),
}
"""Payload -> collection, its id, what is kept."""
Place = tuple[str, str]


def place_of(data: Payload) -> Place:
    """The collection and the id of an entity."""
    collection, name, _ = KINDS[type(data)]
    return collection, getattr(data, name)


@dataclass(slots=True)
class State:
    """Entities by collection and id, which of them the database has, which changed, and what the counters gain."""

    counts: Counts
    entities: dict[Place, Entity] = field(default_factory=dict)
    known: frozenset[Place] = frozenset()
    changed: set[Place] = field(default_factory=set)
    names: dict[Place, str | None] = field(default_factory=dict)
    """The traces of changed facts, by their ids."""
    _runs: dict[str, Run] = field(default_factory=dict)

    def apply(self, item: Item) -> Result:
        """Take the entity over, unless this version or a newer one is known."""
        data, time = item.event.data, item.event.time
        place = place_of(data)
        old = self.entities.get(place)
        if old is not None and old.version >= data.version:
            return Result("repeated")
        self.take(place, changed(old, data, time, item.partition))
        return Result()

    def take(self, place: Place, new: Entity) -> None:
        """Replace an entity, and count what this changes."""
        old = self.entities.get(place)
        if isinstance(new, OfferingFact):
            before = self._run(new.offering_id)
            self._runs[new.offering_id] = run = run_of(new, self.counts.zone)
            self.counts.run_changed(new.offering_id, before, run)
        else:
            run = self._run(new.booking.offering_id) if isinstance(new, Fact) else UNKNOWN
            self.names[place] = self.counts.replace(old, new, run)
        self.entities[place] = new
        self.changed.add(place)

    def _run(self, offering_id: str) -> Run:
        """Made once for a batch: it is asked for by every booking."""
        run = self._runs.get(offering_id)
        if run is None:
            offering = self.entities.get(("offerings", offering_id))
            known = offering if isinstance(offering, OfferingFact) else None
            run = self._runs[offering_id] = run_of(known, self.counts.zone)
        return run
