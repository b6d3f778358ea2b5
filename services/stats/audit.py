"""GET /stats/api/audit: counters are the sums of the facts, counted anew from the documents alone. It changes nothing.

`GET /stats/api/audit/<entities>` gives what stats has heard, for a comparison by whoever asks enrolment too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.stats.consumer import StatsHandler
from services.stats.domain import Fact, LeaveFact
from services.stats.settings import Settings
from shared.audit import Database, Finding, Report, audit_books, read_books, unreadable
from shared.events import Booking, Leave
from shared.keys import partition_of
from shared.web import Json

DERIVED: Final = {"_id", "years", "waits"}
COUNTED: Final = ("partition", "kind", "offering_id", "course_id", "organisation_id", "department", "status_group")
BOOKED: Final = ("status", "seated", "waits_from", "waits_to", "attendance", "completed")
LEFT: Final = ("year", "days")
Document = Mapping[str, Any]
Trace = tuple[Any, ...]
Limit = Annotated[int, Query(ge=1, le=5_000)]


class CounterAudit:
    """Invariant 6 within stats: `add` every fact and leave, then `compare` with the counters."""

    def __init__(self, zone: tzinfo, partitions: int) -> None:
        self._zone, self._partitions = zone, partitions
        self._sums: Counter[Trace] = Counter()
        self.broken: list[Finding] = []

    def add_booking(self, fact: Document) -> None:
        """A fact about a booking counts under what can be read in it."""
        booking = fact["booking"]
        since, until = booking["waiting_since"], self._waited_until(booking)
        here = {
            **booking,
            "partition": fact["partition"],
            "kind": "booking",
            "seated": self._year(booking["seated_at"]),
            "waits_from": self._year(since),
            "waits_to": self._year(until) if until else None,
            "attendance": sorted(
                (one["session_id"], one["status"], self._year(one["recorded_at"])) for one in booking["attendance"]
            ),
            "completed": self._year(booking["completed_at"]),
        }
        self._sums[_trace(here)] += 1
        self._check_place(fact, booking["offering_id"], f"booking {fact['_id']}")
        needed = {here["seated"], here["completed"], *(year for _, _, year in here["attendance"])}
        if here["waits_to"] != here["waits_from"]:  # else it waited at no year's end
            needed.add(here["waits_from"])
        if lacking := {year for year in needed if year} - {*fact["years"]}:
            self._find(f"booking {fact['_id']}", f"is not found for the year {min(lacking)}, in which it counts")
        if (booking["status"] == "waiting") != fact["waits"]:
            self._find(
                f"booking {fact['_id']}",
                f"is {booking['status']}, and the report looks for it as waits={fact['waits']}",
            )

    def add_leave(self, fact: Document) -> None:
        """A leave counts until it is withdrawn."""
        leave = fact["leave"]
        year = int(leave["starts_on"][:4])
        self._check_place(fact, leave["person_id"], f"leave {fact['_id']}")
        if leave["ended_at"] is None:
            self._sums[_trace({**leave, "partition": fact["partition"], "kind": "leave", "year": year})] += 1
            if year not in fact["years"]:
                self._find(f"leave {fact['_id']}", f"is not found for the year {year}, in which it counts")

    def compare(self, counters: Iterable[Document]) -> Iterator[Finding]:
        """All that is wrong, and every counter that is not the number of facts behind it."""
        yield from self.broken
        stored: Counter[Trace] = Counter()
        for counter in counters:
            attendance = sorted(
                (one["session_id"], one["status"], one["recorded"]) for one in counter.get("attendance", ())
            )
            stored[_trace({**counter, "attendance": attendance})] += counter["n"]
        for trace in stored.keys() | self._sums.keys():
            if stored[trace] != self._sums[trace]:
                yield Finding(
                    6, _name(trace), f"the counter says {stored[trace]}, and {self._sums[trace]} facts are behind it"
                )

    def _waited_until(self, booking: Document) -> str | None:
        """When the waiting was over; one that ended before it began, by the times of the acts, ended at once."""
        since = booking["waiting_since"]
        if since is None or booking["status"] == "waiting":
            return None
        end = booking["waiting_until"] or booking["seated_at"] or booking["ended_at"] or since
        return str(max(since, end, key=datetime.fromisoformat))

    def _check_place(self, fact: Document, key: str, name: str) -> None:
        if fact["partition"] != partition_of(key.encode(), self._partitions):
            self._find(name, f"was counted for partition {fact['partition']}, which is not its own")

    def _year(self, moment: str | None) -> int | None:
        return datetime.fromisoformat(moment).astimezone(self._zone).year if moment else None

    def _find(self, entity: str, detail: str) -> None:
        self.broken.append(Finding(6, entity, detail))


def _trace(fields: Document) -> Trace:
    """What a counter counts: facts that are alike in all of this."""
    names = (*COUNTED, *(LEFT if fields["kind"] == "leave" else BOOKED))
    return tuple(tuple(value) if isinstance(value := fields.get(name), list) else value for name in names)


def _name(trace: Trace) -> str:
    said = dict(zip(COUNTED, trace, strict=False))
    if said["kind"] == "leave":
        return f"counter of leave in {trace[len(COUNTED)]}, organisation {said['organisation_id']}"
    return f"counter of offering {said['offering_id']}, {trace[len(COUNTED)]}, organisation {said['organisation_id']}"


def strangers(fact: Document, shape: type[Fact | LeaveFact], name: str, entity: type[Booking | Leave]) -> set[str]:
    """Fields that a fact must not have: of people, stats keeps the pseudonym and no more."""
    return ({*fact} - DERIVED - {*shape.__struct_fields__}) | ({*fact[name]} - {*entity.__struct_fields__})


async def audit(database: Database, settings: Settings, handler: StatsHandler) -> Report:
    """Everything of one snapshot."""
    counters = CounterAudit(settings.zone, settings.partitions)
    async with database.client.start_session(snapshot=True) as session:
        report = audit_books(await read_books(database, session, settings, handler))
        report.checked |= {"facts": 0, "leaves": 0}
        async for fact in database["facts"].find(session=session):
            report.checked["facts"] += 1
            counters.add_booking(fact)
            report.broken += _must_not_know(fact, strangers(fact, Fact, "booking", Booking))
        async for fact in database["leaves"].find(session=session):
            report.checked["leaves"] += 1
            counters.add_leave(fact)
            report.broken += _must_not_know(fact, strangers(fact, LeaveFact, "leave", Leave))
        stored = await database["counters"].find(session=session).to_list()
    report.checked["counters"] = len(stored)
    report.broken += counters.compare(stored)
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
            some = await database[collection].find({"_id": {"$gt": after}}).sort("_id").limit(limit).to_list()
        found = {one["_id"]: one[nested] if nested else _heard(one) for one in some}
        return Json({"after": some[-1]["_id"] if len(some) == limit else None, "entities": found})

    return routes


def _heard(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in DERIVED}
