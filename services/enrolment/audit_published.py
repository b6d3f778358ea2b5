"""All that enrolment has published, told apart by entity: versions without gaps, and none that is not kept. Pure."""

from collections.abc import Collection, Iterator, Mapping

from services.enrolment.audit_history import Entity, OfferingHistory, digest
from shared.audit import Finding
from shared.events import RESTATEMENT, Booking, Course, Leave, Offering, Organisation

Place = tuple[str, str]
"""Collection and id of an entity; a booking counts the versions of its offering."""


class EnrolmentHistory:
    """All that enrolment has published, as far as the kept versions go."""

    def __init__(self, kept: Mapping[Place, int]) -> None:
        self._kept = kept
        self.offerings: dict[str, OfferingHistory] = {}
        self.others: dict[Place, tuple[int, int]] = {}
        self.ahead: dict[Place, int] = {}
        self.broken: list[Finding] = []
        self.events = 0

    def take(self, kind: str, entity: Entity, *, cut: bool, early: bool) -> None:
        """The next event of a partition.

        `cut`: the partition's oldest records are gone; `early`: the event was there before the kept state was read.
        """
        self.events += 1
        if kind in RESTATEMENT:  # said again as it is, in no order: of the history it says nothing
            return
        place, kept = place_of(entity), self._kept.get(place_of(entity), 0)
        if entity.version > kept:
            if early:
                self.ahead[place] = entity.version
        elif isinstance(entity, Booking | Offering):
            known = self.offerings.get(entity.offering_id)
            if known is None:
                known = self.offerings[entity.offering_id] = OfferingHistory(entity.offering_id, cut=cut)
            known.take(kind, entity)
        else:
            self._take_other(place, entity, cut=cut)

    def _take_other(self, place: Place, entity: Entity, *, cut: bool) -> None:
        version = self.others.get(place, (0, 0))[0]
        if entity.version > version + 1 and not (cut and version == 0):
            detail = f"version {entity.version} follows {version}: an outcome was never published"
            self.broken.append(Finding(4, name_of(place), detail))
        if entity.version > version:
            self.others[place] = entity.version, digest(entity)

    def findings(self, walking: Collection[str]) -> Iterator[Finding]:
        """All that is wrong; offerings that are `walking` are in the midst of a record's steps."""
        yield from self.broken
        for place, version in self.ahead.items():
            kept = self._kept.get(place, 0)
            yield Finding(4, name_of(place), f"version {version} was published, and {kept or 'nothing'} is kept")
        for one in self.offerings.values():
            if one.offering_id not in walking:
                one.settle()
            if lacking := self._kept["offerings", one.offering_id] - one.version:
                yield Finding(4, f"offering {one.offering_id}", f"the last {lacking} versions were never published")
            yield from one.broken


def place_of(entity: Entity) -> Place:
    """Where an entity is kept; a booking counts the versions of its offering."""
    match entity:
        case Booking() | Offering():
            return "offerings", entity.offering_id
        case Course():
            return "courses", entity.course_id
        case Organisation():
            return "organisations", entity.organisation_id
        case Leave():
            return "leaves", f"{entity.person_id}\n{entity.leave_id}"


def name_of(place: Place) -> str:
    """In words: "offering o1", "leave p1/l1"."""
    return f"{place[0].removesuffix('s')} {place[1]}".replace("\n", "/")
