"""GET /stats/api/audit: counters are the sums of the facts, counted anew from the documents alone. It changes nothing.

`GET /stats/api/audit/<entities>` gives what stats has heard, for a comparison by whoever asks enrolment too.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.stats.consumer import StatsHandler
from services.stats.domain import Fact, LeaveFact
from services.stats.recount import CounterAudit
from services.stats.settings import Settings
from services.stats.store import Store
from shared.audit import Database, Finding, Report, audit_books, read_books, unreadable
from shared.events import Booking, Leave
from shared.web import Json

DERIVED: Final = {"_id", "key", "years", "ends"}
Document = Mapping[str, Any]
Limit = Annotated[int, Query(ge=1, le=5_000)]


def strangers(fact: Document, shape: type[Fact | LeaveFact], name: str, entity: type[Booking | Leave]) -> set[str]:
    """Fields that a fact must not have: of people, stats keeps the pseudonym and no more."""
    return ({*fact} - DERIVED - {*shape.__struct_fields__}) | ({*fact[name]} - {*entity.__struct_fields__})


async def audit(database: Database, settings: Settings, handler: StatsHandler) -> Report:
    """Everything of one snapshot, of the generation that figures are told from."""
    counters = CounterAudit(settings.zone, settings.partitions)
    async with database.client.start_session(snapshot=True) as session:
        report = audit_books(await read_books(database, session, settings, handler))
        report.checked |= {"facts": 0, "leaves": 0}
        read = await Store(database, settings.zone, settings.partitions).reading(session)
        async for offering in read.collection("offerings").find(session=session):
            counters.add_offering(offering)
        async for fact in read.collection("facts").find(session=session):
            report.checked["facts"] += 1
            counters.add_booking(fact)
            report.broken += _must_not_know(fact, strangers(fact, Fact, "booking", Booking))
        async for fact in read.collection("leaves").find(session=session):
            report.checked["leaves"] += 1
            counters.add_leave(fact)
            report.broken += _must_not_know(fact, strangers(fact, LeaveFact, "leave", Leave))
        stored = [await read.collection(name).find(session=session).to_list() for name in ("counters", "sums", "seats")]
    report.checked |= {"counters": len(stored[0]), "sums": len(stored[1]), "seats": len(stored[2])}
    report.broken += counters.compare(*stored)
    return report


def _must_not_know(fact: Document, fields: set[str]) -> list[Finding]:
    detail = f"stats keeps what it must not know: {', '.join(sorted(fields))}"
    return [Finding(7, f"fact {fact['_id']}", detail)] if fields else []


NESTED: Final = {"bookings": ("facts", "booking"), "leaves": ("leaves", "leave")}


def router(database: Database, settings: Settings, handler: StatsHandler) -> APIRouter:
    """The routes below /stats/api/audit."""
    routes = APIRouter(prefix="/stats/api/audit", include_in_schema=False)

    @routes.get("")
    async def read() -> Response:
        """{broken: [{invariant, entity, detail}], checked: {what: number}, unchecked: [sentence]}"""
        with unreadable():
            return Json(await audit(database, settings, handler))

    @routes.get("/{kind}")
    async def entities(
        kind: Literal["bookings", "offerings", "courses", "organisations", "leaves"],
        after: str = "",
        limit: Limit = 1_000,
    ) -> Response:
        """{after, entities: {id: entity as last heard}} of `limit` entities; `after` is null at the end."""
        collection, nested = NESTED.get(kind, (kind, None))
        with unreadable():
            read = await Store(database, settings.zone, settings.partitions).reading()
            some = await read.collection(collection).find({"_id": {"$gt": after}}).sort("_id").limit(limit).to_list()
        found = {one["_id"]: one[nested] if nested else _heard(one) for one in some}
        return Json({"after": some[-1]["_id"] if len(some) == limit else None, "entities": found})

    return routes


def _heard(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in DERIVED}
