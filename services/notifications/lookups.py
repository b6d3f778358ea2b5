"""What mails of some kinds need besides their reader and offering: whom a list names, and a certificate."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from services.notifications.certified import Certificate
from services.notifications.documents import contact_of
from services.notifications.messages import Contact
from services.notifications.store import Database
from shared.events import Organisation

if TYPE_CHECKING:
    from services.notifications.queue import Letter


async def look_up(database: Database, letters: Iterable["Letter"]) -> None:
    """Add it to the letters. Contacts are read after the claim, so an erasure sees the message or is seen here."""
    for letter in letters:
        message = letter.message
        if message.kind == "roster":
            contacts = await _contacts(database, message.people)
            letter.people = [contacts[person] for person in message.people if person in contacts]
            letter.organisations = await _organisations(database, letter.people)
        elif message.kind == "certificate":
            found = await database["certificates"].find_one({"_id": message.booking_id})
            letter.certificate = msgspec.convert(found, Certificate) if found else None


async def _contacts(database: Database, ids: Iterable[str]) -> Mapping[str, Contact]:
    cursor = database["contacts"].find({"_id": {"$in": sorted(set(ids))}, "person": {"$ne": None}})
    return {found["_id"]: contact_of(found) async for found in cursor}


async def _organisations(database: Database, people: Iterable[Contact]) -> Mapping[str, str]:
    ids = {contact.person.organisation_id for contact in people if contact.person and contact.person.organisation_id}
    cursor = database["organisations"].find({"_id": {"$in": sorted(ids)}})
    return {found["_id"]: msgspec.convert(found, Organisation).name async for found in cursor}
