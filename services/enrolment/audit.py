"""GET /enrolment/api/audit: what section 5 of the design promises of enrolment, counted anew. It changes nothing.

`GET /enrolment/api/audit/<entities>` gives what stats must have heard, for a comparison by whoever asks both.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pymongo.asynchronous.client_session import AsyncClientSession

from services.enrolment.audit_published import EnrolmentHistory, Place
from services.enrolment.audit_stored import Recount, compare_others
from services.enrolment.consumer import Enrolment
from services.enrolment.documents import claimant_of, kept_of, ledger_of
from services.enrolment.settings import Settings
from services.enrolment.state import Attributes, Kept, Ledger
from services.enrolment.waiting import Claimant
from shared.audit import Books, Database, Finding, Report, audit_books, read_books, unreadable
from shared.cloudevents import parse
from shared.codec import Record, read_again
from shared.erasures import now_ms, read_erasures
from shared.errors import Invalid
from shared.events import CONTROL, ENROLMENT_EVENTS, LMS_PEOPLE, OUTCOMES, Booking
from shared.handler import Handler
from shared.history import History
from shared.web import Json

PLAIN: Final = ("courses", "organisations", "leaves")
CLAIMANT: Final = {"_id", *Claimant.__struct_fields__} - {"id"}
PERSON: Final = {"_id", *Attributes.__struct_fields__}
Limit = Annotated[int, Query(ge=1, le=2_000)]


class Audit:
    """One audit: reads once, then judges. Use it once."""

    def __init__(self, database: Database, settings: Settings, handler: Handler[Any]) -> None:
        self._database, self._settings, self._handler = database, settings, handler
        self._history = History(settings, ENROLMENT_EVENTS)
        self._ends: Mapping[int, int] = {}
        self.report = Report()

    async def run(self) -> Report:
        """The log's end is read before the snapshot, the log after it: so they can be compared while work goes on."""
        self._ends = await self._history.ends()
        async with self._database.client.start_session(snapshot=True) as session:
            books = await read_books(self._database, session, self._settings, self._handler)
            ledgers = [ledger_of(one) async for one in self._database["offerings"].find(session=session)]
            kept = await self._kept(session)
            history = await self._published(books, ledgers, kept)
            await self._recount(session, ledgers, history)
            await self._erased(session, books)
        self.report.broken += history.findings({one.offering.offering_id for one in ledgers if one.walking is not None})
        self.report.broken += compare_others(kept, history, cut=bool(self._history.cut))
        self._add(audit_books(books))
        self.report.broken += _held_for_nothing(books, {one.offering.offering_id for one in ledgers})
        self._say_unchecked(history)
        return self.report

    async def _kept(self, session: AsyncClientSession) -> dict[Place, Kept]:
        return {
            (name, one["_id"]): kept_of(name, one)
            for name in PLAIN
            async for one in self._database[name].find(session=session)
        }

    async def _published(self, books: Books, ledgers: list[Ledger], kept: Mapping[Place, Kept]) -> EnrolmentHistory:
        """The log, and behind it what the position documents have still to publish."""
        versions: dict[Place, int] = {("offerings", one.offering.offering_id): one.version for one in ledgers}
        history = EnrolmentHistory(versions | {place: one.entity.version for place, one in kept.items()})
        async for records in self._history.read():
            for record in records:
                self._take(history, record)
        for position in books.positions.values():
            for topic, partition, _, value, _ in position["events"]:
                if topic == ENROLMENT_EVENTS and (event := parse(value, OUTCOMES)).type not in CONTROL:
                    history.take(event.type, event.data, cut=partition in self._history.cut, early=True)
        self.report.checked["events"] = history.events
        return history

    def _take(self, history: EnrolmentHistory, record: Record) -> None:
        try:
            event = read_again(record, OUTCOMES, 0).event
        except Invalid as fault:
            place = f"{ENROLMENT_EVENTS}/{record.partition} offset {record.offset}"
            self.report.broken.append(Finding(4, place, f"is no outcome: {fault}"))
            return
        if event.type not in CONTROL:
            early = record.offset < self._ends[record.partition]
            history.take(event.type, event.data, cut=record.partition in self._history.cut, early=early)

    async def _recount(self, session: AsyncClientSession, ledgers: list[Ledger], history: EnrolmentHistory) -> None:
        claimants = self._database["claimants"]
        self.report.checked |= {"offerings": len(ledgers), "bookings": 0, "people on offerings": 0}
        known = set()
        for ledger in ledgers:
            offering_id = ledger.offering.offering_id
            known.add(offering_id)
            recount = Recount(ledger, history.offerings.get(offering_id))
            ids = {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}
            async for document in claimants.find({"_id": ids}, session=session):
                self._structure(document, CLAIMANT)
                recount.add(claimant_of(document))
                self.report.checked["people on offerings"] += 1
            self.report.broken += recount.findings()
            self.report.checked["bookings"] += recount.bookings
        async for document in claimants.find({"offering_id": {"$nin": [*known]}}, session=session):
            self._find(
                4, f"person {document['person_id']}", f"is on offering {document['offering_id']}, which is not kept"
            )

    async def _erased(self, session: AsyncClientSession, books: Books) -> None:
        """Of an erased person nothing is kept but that the record is old."""
        nexts = {lane[1]: one["next"] for lane, one in books.positions.items() if lane[0] == LMS_PEOPLE}
        erasures = await read_erasures(self._settings, nexts)
        erased = erasures.erased
        async for document in self._database["people"].find(session=session):
            self._structure(document, PERSON)
            said = {
                name for name in ("organisation_id", "department", "status_group") if document.get(name) is not None
            }
            if said and document["offset"] <= erased.get(document["_id"], -1):
                self._find(7, f"person {document['_id']}", f"is erased, and {', '.join(sorted(said))} is still kept")
        for person in erasures.lingering(now_ms()):
            self._find(
                7, f"person {person}", f"was erased more than two days ago, and stands on {LMS_PEOPLE} with a name"
            )
        self.report.checked["erased people"] = len(erased)

    def _structure(self, document: Mapping[str, Any], allowed: set[str]) -> None:
        """No field that could hold a name: of people, enrolment keeps these and no others."""
        bookings = [claim["booking"] for claim in document.get("bookings", ())]
        strange = {*document} - allowed
        strange |= {name for booking in bookings for name in booking if name not in Booking.__struct_fields__}
        if strange:
            person = document.get("person_id", document["_id"])
            self._find(7, f"person {person}", f"enrolment keeps what it must not know: {', '.join(sorted(strange))}")

    def _say_unchecked(self, history: EnrolmentHistory) -> None:
        cut = sorted(one.offering_id for one in history.offerings.values() if one.cut)
        missing = self.report.checked["offerings"] - len(history.offerings)
        if self._history.cut and (number := len(cut) + missing):
            names = f"{', '.join(cut[:5])}{' ...' if number > len(cut[:5]) else ''}"
            self.report.unchecked.append(
                f"enrolment: the history of {number} offerings, whose oldest events are gone (retention): {names}"
            )

    def _add(self, other: Report) -> None:
        self.report.broken += other.broken
        self.report.unchecked += other.unchecked
        self.report.checked |= other.checked

    def _find(self, invariant: int, entity: str, detail: str) -> None:
        self.report.broken.append(Finding(invariant, entity, detail))


def _held_for_nothing(books: Books, offerings: set[str]) -> list[Finding]:
    return [
        Finding(4, f"offering {one['key']}", "events are held for it, and it is known")
        for one in books.held_keys
        if one["why"] == "unknown" and one["key"] in offerings
    ]


def router(database: Database, settings: Settings, handler: Enrolment) -> APIRouter:
    """The routes below /enrolment/api/audit."""
    routes = APIRouter(prefix="/enrolment/api/audit", include_in_schema=False)

    @routes.get("")
    async def audit() -> Response:
        """{broken: [{invariant, entity, detail}], checked: {what: number}, unchecked: [sentence]}"""
        with unreadable():
            return Json(await Audit(database, settings, handler).run())

    @routes.get("/bookings")
    async def bookings(after: str = "", limit: Limit = 1_000) -> Response:
        """{after, entities: {booking_id: booking}} of `limit` people on offerings; `after` is null at the end."""
        people = await database["claimants"].find({"_id": {"$gt": after}}).sort("_id").limit(limit).to_list()
        bookings = [claim["booking"] for one in people for claim in one.get("bookings", ())]  # some never booked
        found = {booking["booking_id"]: booking for booking in bookings}
        return Json({"after": people[-1]["_id"] if len(people) == limit else None, "entities": found})

    @routes.get("/{kind}")
    async def others(
        kind: Literal["offerings", "courses", "organisations", "leaves"], after: str = "", limit: Limit = 1_000
    ) -> Response:
        """The same of `limit` offerings, courses, organisations or leaves."""
        some = await database[kind].find({"_id": {"$gt": after}}).sort("_id").limit(limit).to_list()
        name = "offering" if kind == "offerings" else "entity"
        found = {one["_id"].rpartition("\n")[2]: one[name] for one in some}
        return Json({"after": some[-1]["_id"] if len(some) == limit else None, "entities": found})

    return routes
