"""GET /notifications/api/audit: what section 5 promises of notifications, counted anew. It changes nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from pymongo.asynchronous.client_session import AsyncClientSession

from services.notifications.audit_lead_times import read_lead_times
from services.notifications.audit_messages import DueKey, MessageAudit, audit_due
from services.notifications.audit_told import SKEW, Telling, untold
from services.notifications.consumer import Consumer
from services.notifications.messages import Contact
from services.notifications.settings import Settings
from services.notifications.state import Entry
from services.notifications.store import Database
from shared.audit import Books, Finding, Report, audit_books, read_books, unreadable
from shared.clock import Clock
from shared.codec import Record, read_again
from shared.erasures import now_ms, read_erasures
from shared.errors import Invalid
from shared.events import ENROLMENT_EVENTS, LMS_PEOPLE, OUTCOMES, Offering
from shared.history import History
from shared.web import Json

CONTACT: Final = {"_id", *Contact.__struct_fields__}
ENTRY: Final = {"_id", *Entry.__struct_fields__}


class Audit:
    """One audit: reads one snapshot and the log as far as the snapshot has read it, then judges. Use it once."""

    def __init__(self, database: Database, settings: Settings, handler: Consumer, now: datetime) -> None:
        self._database, self._settings, self._handler, self._now = database, settings, handler, now
        self._telling = Telling()
        self._history = History(settings, ENROLMENT_EVENTS)
        self.report = Report()

    async def run(self) -> Report:
        """All findings."""
        async with self._database.client.start_session(snapshot=True) as session:
            books = await read_books(self._database, session, self._settings, self._handler)
            await self._read_outcomes(books)
            erased = await self._erased(session, books)
            await self._messages(session, erased)
            offerings = await self._rosters(session)
        report = audit_books(books)
        self.report.broken += report.broken
        self.report.broken += [
            Finding(4, f"offering {one['key']}", "outcomes are held for it, and it is known")
            for one in books.held_keys
            if one["why"] == "unknown" and one["key"] in offerings
        ]
        self.report.checked |= report.checked
        self.report.unchecked += report.unchecked
        return self.report

    async def _read_outcomes(self, books: Books) -> None:
        """Records that were put aside have told nothing yet."""
        parked = books.parked(ENROLMENT_EVENTS)
        edited = books.edited(ENROLMENT_EVENTS)
        self.report.checked["outcomes"] = 0
        async for records in self._history.read():
            for record in records:
                position = books.positions.get((ENROLMENT_EVENTS, record.partition))
                if position is not None and (record.partition, record.offset) not in parked:
                    record.value = edited.get((record.partition, record.offset), record.value)
                    self._take(record, position)

    def _take(self, record: Record, position: Mapping[str, Any]) -> None:
        in_progress = record.offset == position["next"] and position["step"] > 0
        if record.offset >= position["next"] and not in_progress:
            return
        try:
            event = read_again(record, OUTCOMES, 0).event
        except Invalid:
            return  # a dead letter whose topic has lost it
        self.report.checked["outcomes"] += 1
        take = self._telling.begin if in_progress else self._telling.take
        take(event.type, event.data, event.time, (record.partition, record.offset))

    async def _erased(self, session: AsyncClientSession, books: Books) -> set[str]:
        """Who is erased, by the topic or by what is kept; the contact of each must be gone."""
        nexts = {lane[1]: one["next"] for lane, one in books.positions.items() if lane[0] == LMS_PEOPLE}
        erasures = await read_erasures(self._settings, nexts)
        offsets = erasures.erased
        erased = {*offsets}
        self.report.checked["contacts"] = 0
        async for contact in self._database["contacts"].find(session=session):
            self.report.checked["contacts"] += 1
            if contact["person"] is None:
                erased.add(contact["_id"])
            elif contact["offset"] <= offsets.get(contact["_id"], -1):
                self._find(7, f"person {contact['_id']}", "is erased, and the contact is still kept")
            if contact["person"] is None and (strange := {name for name in contact if contact[name] != []} - CONTACT):
                self._find(7, f"person {contact['_id']}", f"is erased, and {', '.join(sorted(strange))} is still kept")
        for person in erasures.lingering(now_ms()):
            self._find(
                7, f"person {person}", f"was erased more than two days ago, and stands on {LMS_PEOPLE} with a name"
            )
        self.report.checked["erased people"] = len(erased)
        return erased

    async def _messages(self, session: AsyncClientSession, erased: Collection[str]) -> None:
        settings, messages = self._settings, self._database["messages"]
        self._lead_times = await read_lead_times(self._database, session, self._settings)
        audit = MessageAudit(self._telling, self._now, self._lead_times, settings.partitions)
        audit.cut, audit.erased = self._history.cut, erased
        self.report.checked["messages"] = 0
        async for message in messages.find({}, {"raw": 0}, session=session):
            self.report.checked["messages"] += 1
            audit.add(message)
        named = {"$or": [{"person_id": {"$in": [*erased]}}, {"about": {"$in": [*erased]}}], "raw": {"$exists": True}}
        async for message in messages.find(named, ["kind"], session=session):
            self._find(
                7, f"message {message['_id']} ({message['kind']})", "keeps the mail to or about an erased person"
            )
        self.report.broken += audit.findings()
        self.report.broken += untold(self._telling)
        await self._reminders(session, audit)
        if audit.unknown:
            self._unchecked(f"{audit.unknown} messages tell of outcomes that are no longer on {ENROLMENT_EVENTS}")
        if self._history.cut:
            self._unchecked(
                f"what was told before the beginning of {ENROLMENT_EVENTS} (retention), and reminders of then"
            )

    async def _reminders(self, session: AsyncClientSession, audit: MessageAudit) -> None:
        """What was due is judged from the roster, what will be from the sessions."""
        due: dict[DueKey, datetime] = {}
        async for one in self._database["due"].find(session=session):
            due[one["offering_id"], one["session_id"], one["days"]] = one["at"]
        self.report.checked |= {"reminders": audit.reminded.total(), "reminders due": len(due)}
        offerings = [*self._telling.offerings.values()]
        for offering in offerings:
            self.report.broken += audit.unreminded(offering, due)
        newest = self._telling.newest_mark()
        if newest is not None and newest > self._now + SKEW:
            self._unchecked("the clock has been set back, so what was due at which time is not known")
        elif not self._history.cut:
            self.report.broken += audit_due(due, offerings, self._now, self._lead_times)

    async def _rosters(self, session: AsyncClientSession) -> set[str]:
        """Offerings and bookings are kept as they were told last."""
        offerings = {}
        async for document in self._database["offerings"].find(session=session):
            offering = msgspec.convert(document["offering"], Offering)
            offerings[offering.offering_id] = offering
            told = self._telling.offerings.get(offering.offering_id)
            if told != offering and (told is not None or not self._history.cut):
                self._find(4, f"offering {offering.offering_id}", "is not kept as it was told last")
        for offering_id in self._telling.offerings.keys() - offerings.keys():
            self._find(4, f"offering {offering_id}", "was told, and is not kept")
        await self._bookings(session)
        self.report.checked["offerings"] = len(offerings)
        return {*offerings}

    async def _bookings(self, session: AsyncClientSession) -> None:
        bookings = {**self._telling.bookings}
        self.report.checked["bookings"] = 0
        async for entry in self._database["bookings"].find(session=session):
            self.report.checked["bookings"] += 1
            if strange := {*entry} - ENTRY:
                self._find(
                    7, f"booking {entry['_id']}", f"the roster keeps more than it needs: {', '.join(sorted(strange))}"
                )
            told = bookings.pop(entry["_id"], None)
            same = told is not None and (told.status, told.version) == (entry["status"], entry["version"])
            if not same and (told is not None or not self._history.cut):
                self._find(
                    4, f"booking {entry['_id']}", f"stands on the roster as {entry['status']}, which was not told last"
                )
        for booking_id in bookings:
            self._find(4, f"booking {booking_id}", "was told, and is on no roster")

    def _find(self, invariant: int, entity: str, detail: str) -> None:
        self.report.broken.append(Finding(invariant, entity, detail))

    def _unchecked(self, sentence: str) -> None:
        self.report.unchecked.append(f"notifications: {sentence}")


def router(database: Database, settings: Settings, handler: Consumer, clock: Clock) -> APIRouter:
    """The route /notifications/api/audit."""
    routes = APIRouter(prefix="/notifications/api", include_in_schema=False)

    @routes.get("/audit")
    async def audit() -> Response:
        """{broken: [{invariant, entity, detail}], checked: {what: number}, unchecked: [sentence]}"""
        with unreadable():
            return Json(await Audit(database, settings, handler, clock.now()).run())

    return routes
