"""The shape of enrolment's documents, and how they are read back. Times are RFC 3339, as they came. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from services.enrolment.offerings import next_deadline
from services.enrolment.shelf import shelf_of
from services.enrolment.state import Attributes, Kept, Ledger
from services.enrolment.waiting import Claimant
from shared.events import Course, Leave, Organisation

Document = dict[str, Any]
COLLECTIONS: Final = (
    *("offerings", "claimants", "courses", "organisations", "leaves", "people", "history", "pending"),
    "restatements",
)
_ENTITIES: Final[Mapping[str, type[Course | Leave | Organisation]]] = {
    "courses": Course,
    "organisations": Organisation,
    "leaves": Leave,
}


def ledger_document(ledger: Ledger) -> Document:
    """An offering. Organisations are values, never field names; only those with a delegation keep their tally.

    `shelf` is what the list of offerings needs (shelf.py). `next_deadline` is a date of the database's own, for the
    index, and missing where nothing is to be released.
    """
    delegated = {one.organisation_id for one in ledger.offering.delegations}
    document: Document = msgspec.to_builtins(ledger)
    document["_id"] = ledger.offering.offering_id
    document["tallies"] = [tally for one, tally in document["tallies"].items() if one in delegated]
    document["groups"] = [_group_document(group, delegated) for group in document["groups"].values()]
    document["shelf"] = shelf_of(ledger)
    if (moment := next_deadline(ledger.offering)) is not None:
        document["next_deadline"] = moment
    return document


def ledger_of(document: Document) -> Ledger:
    """Read back an offering."""
    tallies = {tally["organisation_id"]: tally for tally in document["tallies"]}
    groups = {group["group_id"]: {**group, "of": dict(group["of"])} for group in document.get("groups", ())}
    return msgspec.convert({**document, "tallies": tallies, "groups": groups}, Ledger)


def _group_document(group: Document, delegated: Collection[str]) -> Document:
    """Organisations are values here too: pairs of one and its number of people."""
    return {**group, "of": [[one, people] for one, people in group["of"].items() if one in delegated]}


def claimant_document(claimant: Claimant) -> Document:
    """One person on one offering; `waiting` and `organisation` are missing unless the live booking waits."""
    document: Document = msgspec.to_builtins(claimant)
    return document


def claimant_of(document: Document) -> Claimant:
    """Read back a person on an offering."""
    return msgspec.convert(document, Claimant)


def kept_document(entity_id: str, kept: Kept) -> Document:
    """A course, an organisation or a leave."""
    return {"_id": entity_id, **msgspec.to_builtins(kept)}


def kept_of(collection: str, document: Document) -> Kept:
    """Read back a course, an organisation or a leave."""
    entity = msgspec.convert(document["entity"], _ENTITIES[collection])
    return Kept(entity, msgspec.convert(document["seen"], list[int]))


def attributes_document(person_id: str, attributes: Attributes) -> Document:
    """What is kept of a person."""
    return {"_id": person_id, **msgspec.to_builtins(attributes)}


def attributes_of(document: Document) -> Attributes:
    """Read back what is kept of a person."""
    return msgspec.convert(document, Attributes)
