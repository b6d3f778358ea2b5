"""The planned messages as the senders see them: claimed with a lease, settled once, by whoever still holds it.

Leases are counted by the database's clock, for ours can be moved. A message is settled only while the lease is ours, so
an erasure or another sender that came between wins: both take the lease away.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from pymongo import UpdateOne

from services.notifications.certified import Certificate
from services.notifications.choices import Choice, choices_of
from services.notifications.documents import contact_of, message_of
from services.notifications.lookups import look_up
from services.notifications.messages import NO_ADDRESS, Contact, Message, MessageStatus
from services.notifications.own_texts import OwnTexts
from services.notifications.standing import Standing
from services.notifications.state import Known
from services.notifications.store import QUEUED, Database
from shared.events import Offering

LEASE_MS: Final = 60_000
FREE: Final = {"$or": [{"lease": None}, {"$expr": {"$lt": ["$lease.until", "$$NOW"]}}]}


class Letter(msgspec.Struct):
    """A claimed message with all that is known for it at this moment."""

    message: Message
    about: Contact | None = None
    reader: Contact | None = None
    offering: Offering | None = None
    standing: Standing = Standing()
    people: Sequence[Contact] = ()
    """A roster's: whom it names."""
    organisations: Mapping[str, str] = {}
    certificate: Certificate | None = None
    choice: Choice = Choice()


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message. But for `reason`, a field that is None stays.

    `next_try`: when a planned message is tried again, or an unclear one once more; one without it is settled.
    """

    message_id: str
    status: MessageStatus
    reason: str | None = None
    next_try: datetime | None = None
    tried_at: datetime | None = None
    attempts: int | None = None
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    """When it got this status, if it is no longer planned."""
    to: str | None = None
    subject: str | None = None
    language: str | None = None
    raw: bytes | None = None


class Lease:
    """One sender's hold on some messages."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self._began = asyncio.get_running_loop().time()

    def renewed(self, at: float) -> None:
        """The database has prolonged it; `at` is the loop's time before it was asked."""
        self._began = at

    @property
    def good(self) -> bool:
        """False long before it ends; also in a process that was frozen for a while."""
        return (asyncio.get_running_loop().time() - self._began) * 1_000 < LEASE_MS / 2


class Queue:
    """Claims, renews, settles and releases."""

    def __init__(self, database: Database) -> None:
        self.database, self._messages = database, database["messages"]
        self.texts = OwnTexts(database)

    async def claim(self, lease: Lease, now: datetime, limit: int) -> list[Letter]:
        """Take at most `limit` messages that are due, in their order, with their readers' latest contacts."""
        due = {**QUEUED, "next_try": {"$lte": now}, **FREE}
        letters: list[Letter] = []
        while not letters:
            cursor = self._messages.find(due, ["_id"]).sort([("next_try", 1), ("order", 1)]).limit(limit)
            ids = [found["_id"] async for found in cursor]
            if not ids:
                return []
            await self._messages.update_many({**due, "_id": {"$in": ids}}, _prolonged(lease))
            mine = self._messages.find({"lease.token": lease.token}).sort("order")
            letters = [Letter(message_of(found)) async for found in mine]
        await self._look_up(lease, letters)
        return letters

    async def letter(self, message_id: str) -> Letter | None:
        """One message with all that is known for it, whatever its status; it is not claimed."""
        found = await self._messages.find_one({"_id": message_id})
        if found is None:
            return None
        letter = Letter(message_of(found))
        await self._look_up(Lease(), [letter])
        return letter

    async def renew(self, lease: Lease) -> None:
        """Hold on to what is claimed and not settled yet."""
        before = asyncio.get_running_loop().time()
        await self._messages.update_many({"lease.token": lease.token}, _prolonged(lease))
        lease.renewed(before)

    async def settle(self, lease: Lease, results: Iterable[Settled]) -> None:
        """Write what became of messages, and let them go."""
        if operations := [_settling(lease, result) for result in results]:
            await self._messages.bulk_write(operations, ordered=False)

    async def release(self, lease: Lease) -> None:
        """Let go of what is not settled, unchanged."""
        await self._messages.update_many({"lease.token": lease.token}, {"$set": {"lease": None}})

    async def backlog(self, now: datetime) -> int:
        """How many messages should be out by now: neither waiting for an address nor for their next try."""
        due = {**QUEUED, "next_try": {"$lte": now}, "reason": {"$ne": NO_ADDRESS}}
        return await self._messages.count_documents(due)

    async def _look_up(self, lease: Lease, letters: Sequence[Letter]) -> None:
        """Contacts are read after the claim, and a supervisor's after the message says that it will name them.

        So an erasure between is either seen here, or its next step sees the message.
        """
        people = await self._contacts(letter.message.about for letter in letters)
        for letter in letters:
            letter.about = people.get(letter.message.about)
        await self._name_supervisors(lease, letters)
        readers = (
            {letter.message.person_id for letter in letters} - {letter.message.about for letter in letters} - {None}
        )
        people |= await self._contacts(reader for reader in readers if reader)
        offerings, standing = await self._offerings(letters), await self._standing(letters)
        chosen = await choices_of(self.database, (letter.message.person_id or "" for letter in letters))
        for letter in letters:
            message = letter.message
            letter.choice = chosen.get(message.person_id or "", letter.choice)
            letter.reader = people.get(message.person_id or "")
            letter.standing = standing.get(message.leave.leave_id if message.leave else message.booking_id, Standing())
            if (known := offerings.get(message.offering_id or "")) is not None:
                letter.offering = known.offering
                letter.standing = msgspec.structs.replace(letter.standing, told=known.told_in)
        await look_up(self.database, letters)

    async def _name_supervisors(self, lease: Lease, letters: Sequence[Letter]) -> None:
        """Who is asked for approval is known with the person's contact, and may be somebody else at the next try.

        Nobody is asked about themselves.
        """
        named = []
        for letter in letters:
            message, person = letter.message, letter.about.person if letter.about else None
            if message.kind != "approval_requested" or message.status != "planned" or person is None:
                continue
            supervisor = person.supervisor_id if person.supervisor_id != message.about else None
            if supervisor != message.person_id:
                message.person_id = supervisor
                reader: dict[str, Any] = {"$set": {"person_id": supervisor, "to": None, "subject": None}}
                if supervisor is not None:
                    reader["$addToSet"] = {"mentions": supervisor}
                named.append(UpdateOne(_held(lease, message.message_id), reader))
        if named:
            await self._messages.bulk_write(named, ordered=False)

    async def _contacts(self, ids: Iterable[str]) -> dict[str, Contact]:
        wanted = {"_id": {"$in": sorted(set(ids))}}
        return {found["_id"]: contact_of(found) async for found in self.database["contacts"].find(wanted)}

    async def _offerings(self, letters: Sequence[Letter]) -> dict[str, Known]:
        wanted = sorted({letter.message.offering_id for letter in letters if letter.message.offering_id})
        cursor = self.database["offerings"].find({"_id": {"$in": wanted}})
        return {found["_id"]: msgspec.convert(found, Known) async for found in cursor}

    async def _standing(self, letters: Sequence[Letter]) -> dict[str | None, Standing]:
        """Booking or leave -> what is the case with it now. Read after the claim, so nothing older than it."""
        bookings = sorted({letter.message.booking_id for letter in letters if letter.message.booking_id})
        leaves = sorted({letter.message.leave.leave_id for letter in letters if letter.message.leave})
        found: dict[str | None, Standing] = {}
        if bookings:
            async for one in self.database["bookings"].find({"_id": {"$in": bookings}}, ["status"]):
                found[one["_id"]] = Standing(status=one["status"])
        if leaves:
            async for one in self.database["leaves"].find({"_id": {"$in": leaves}}):
                found[one["_id"]] = Standing(leave_version=one["version"])
        return found


def _prolonged(lease: Lease) -> list[dict[str, Any]]:
    return [{"$set": {"lease": {"token": lease.token, "until": {"$add": ["$$NOW", LEASE_MS]}}}}]


def _held(lease: Lease, message_id: str) -> dict[str, Any]:
    return {"_id": message_id, "lease.token": lease.token}


def _settling(lease: Lease, result: Settled) -> UpdateOne:
    content = {
        name: value for name, value in msgspec.to_builtins(result, builtin_types=(bytes,)).items() if value is not None
    }
    content |= {"reason": result.reason, "lease": None}
    if result.next_try is not None or result.status != "planned":
        content["next_try"] = result.next_try
    return UpdateOne(_held(lease, content.pop("message_id")), {"$set": content})
