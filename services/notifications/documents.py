"""The documents of the notifications database, and what a batch writes of them. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from services.notifications.certified import Certificate
from services.notifications.messages import NO_ADDRESS, Contact, Message
from services.notifications.reminders import Changes, Due
from services.notifications.searching import found_by
from services.notifications.state import Entry, Known, State
from shared.events import Course, Organisation
from shared.handler import WriteOne, Writes


def message_document(message: Message) -> dict[str, Any]:
    """A planned message as it is kept: due at once."""
    content = msgspec.to_builtins(message)
    return {"_id": content.pop("message_id"), **content, "next_try": message.created_at, "lease": None}


def message_of(document: Mapping[str, Any]) -> Message:
    """The message of a document."""
    return msgspec.convert({**document, "message_id": document["_id"]}, Message)


def contact_of(document: Mapping[str, Any]) -> Contact:
    """The contact of a document."""
    return msgspec.convert({**document, "person_id": document["_id"]}, Contact)


def due_document(due: Due) -> dict[str, Any]:
    """A due document; its moment is a BSON date, for it is compared with the clock."""
    content = msgspec.to_builtins(due)
    return {"_id": content.pop("due_id"), **content, "at": due.at}


def due_of(document: Mapping[str, Any]) -> Due:
    """The reminder of a due document."""
    return msgspec.convert({**document, "due_id": document["_id"]}, Due)


def entry_of(document: Mapping[str, Any]) -> Entry:
    """The roster entry of a booking's document."""
    return msgspec.convert({**document, "booking_id": document["_id"]}, Entry)


# --- what a batch writes --------------------------------------------------------------------------------------------


def writes(state: State) -> Writes:
    """All that has changed, for one transaction. Right also when a reminder fired since `load`."""
    return {
        "contacts": [_contact(key, state.contacts[key]) for key in _changed(state, "contacts")],
        "offerings": [_replace(key, state.offerings[key]) for key in _changed(state, "offerings")],
        "bookings": [_replace(key, state.bookings[key]) for key in _changed(state, "bookings")],
        "organisations": [_replace(key, state.organisations[key]) for key in _changed(state, "organisations")],
        "leaves": [_replace(key, {"version": state.leaves[key]}) for key in _changed(state, "leaves")],
        "courses": [_replace(key, state.courses[key]) for key in _changed(state, "courses")],
        "certificates": [_certificate(key, state.certificates[key]) for key in _changed(state, "certificates")],
        "due": [*_due_writes(state.due)],
        "rosters": [*_due_writes(state.rosters), *map(_update, state.updates)],
        "choices": [DeleteOne({"_id": key}) for key in _changed(state, "contacts") if not state.contacts[key].person],
        "messages": [*_message_writes(state)],
    }


def _changed(state: State, collection: str) -> list[str]:
    return sorted(key for name, key in state.changed if name == collection)


def _contact(key: str, contact: Contact) -> WriteOne:
    """With the words that it is found by: they go with the name."""
    return _replace(key, {**msgspec.to_builtins(contact), "words": found_by(contact)})


def _replace(key: str, content: Contact | Known | Entry | Organisation | Course | dict[str, Any]) -> WriteOne:
    return ReplaceOne({"_id": key}, {"_id": key, **msgspec.to_builtins(content)}, upsert=True)


def _certificate(key: str, certificate: Certificate | None) -> WriteOne:
    return DeleteOne({"_id": key}) if certificate is None else _replace(key, msgspec.to_builtins(certificate))


def _update(due: Due) -> WriteOne:
    """One list tells of all changes until it is due."""
    return UpdateOne({"_id": due.due_id}, {"$setOnInsert": due_document(due)}, upsert=True)


def _due_writes(changed: Iterable[tuple[str, Changes]]) -> Iterable[WriteOne]:
    """First those of moved sessions go, however far they have fired; a firing at this moment conflicts, and yields."""
    for offering_id, changes in changed:
        if changes.dropped:
            yield DeleteMany({"offering_id": offering_id, "session_id": {"$in": [*changes.dropped]}})
        for due in changes.added:
            yield ReplaceOne({"_id": due.due_id}, due_document(due), upsert=True)


def _message_writes(state: State) -> Iterable[WriteOne]:
    for message in state.messages:
        yield InsertOne(message_document(message))
    if state.arrived:
        waiting = {"mentions": {"$in": sorted(state.arrived)}, "status": "planned", "reason": NO_ADDRESS}
        yield UpdateMany(waiting, {"$set": {"next_try": state.now, "reason": None}})
    for person_id, ids in state.cleared.items():
        yield from _clearing(person_id, list(ids))


def _clearing(person_id: str, ids: list[str]) -> Iterable[WriteOne]:
    """Nothing more is mailed to or about an erased person; what was mailed keeps no name and no address of theirs."""
    gone = {"status": "withheld", "reason": "erased", "lease": None}
    others = {"kind": "roster", "person_id": {"$ne": person_id}}  # goes to its trainer, without this person
    yield UpdateMany({"_id": {"$in": ids}, "status": "planned", "$nor": [others]}, {"$set": gone})
    yield UpdateMany({"_id": {"$in": ids}, "person_id": person_id}, {"$set": {"to": None}})
    rest = {
        "$unset": {"raw": ""},
        "$pull": {"mentions": person_id, "people": person_id},
        "$set": {"lease": None, "subject": None},  # the office's own texts may name the person there as well
    }
    yield UpdateMany({"_id": {"$in": ids}}, rest)
