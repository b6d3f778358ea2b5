"""Enrolment without servers: events as an LMS sends them, and a store in memory that reads like the real one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from services.enrolment import groups, plan
from services.enrolment.consumer import Enrolment
from services.enrolment.documents import (
    COLLECTIONS,
    Document,
    attributes_document,
    attributes_of,
    claimant_document,
    claimant_of,
    kept_document,
    kept_of,
    ledger_document,
    ledger_of,
)
from services.enrolment.events import LOG
from services.enrolment.state import Attributes, Ledger, State
from services.enrolment.views import BookingView, Deadline, OfferingView, booking_views, offering_view
from services.enrolment.waiting import Claimant
from shared.cloudevents import Event, parse
from shared.events import LIVE, LMS_EVENTS, LMS_PEOPLE, PEOPLE
from shared.handler import Item, Result
from shared.keys import key_of

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SESSION = {
    "session_id": "s1",
    "title": "Auftakt",
    "format": "in_person",
    "starts_at": "2024-11-21T09:00:00+01:00",
    "ends_at": "2024-11-21T16:00:00+01:00",
    "location": "Wuppertal",
}
OFFERING: dict[str, Any] = {
    "offering_id": "o1",
    "course_id": "c1",
    "title": "Qualifizierung",
    "host_organisation_id": "wuppertal",
    "format": "in_person",
    "capacity": 2,
    "waiting_list": True,
    "sessions": [SESSION],
    "approval": "none",
}
_ids = count(1)


def lms(kind: str, *, after: timedelta = timedelta(0), event_id: str | None = None, **data: Any) -> Event:
    """An event as it is read from the log; `kind` without version, `after` noon of 1 March 2024."""
    prefix = "lernbus." if kind.startswith("deadline") else "lms."
    envelope = {
        "specversion": "1.0",
        "id": event_id or f"e{next(_ids)}",
        "source": "lms/test",
        "type": f"{prefix}{kind}.v1",
        "time": NOON + after,
        "data": data,
    }
    return parse(msgspec.json.encode(envelope), {**LOG, **PEOPLE})


def scheduled(**changes: Any) -> Event:
    """Offering o1: two seats, a waiting list, one session; all of it can be changed."""
    changes = {**OFFERING, **changes}
    after, event_id = changes.pop("after", timedelta(0)), changes.pop("event_id", None)
    return lms("offering.scheduled", after=after, event_id=event_id, **changes)


def delegation(organisation_id: str, seats: int, release_at: timedelta | None = None) -> dict[str, Any]:
    """Seats set aside, until so long after noon of 1 March 2024."""
    moment = None if release_at is None else (NOON + release_at).isoformat()
    return {"organisation_id": organisation_id, "seats": seats, "release_at": moment}


def item(event: Event, step: int = 0, offset: int = 0) -> Item:
    """The event as a record of the log."""
    topic = LMS_PEOPLE if event.type in PEOPLE else LMS_EVENTS
    return Item(event, key_of(event.data) or "", topic, 0, offset, step)


class MemoryStore:
    """Documents in dictionaries."""

    def __init__(self, limit: int = 1_000) -> None:
        self.limit = limit
        self.documents: dict[str, dict[str, Document]] = {name: {} for name in COLLECTIONS}

    def load_now(self, items: Sequence[Item]) -> State:
        """As Store.load."""
        want, state = plan.wanted(items), State(self.limit)
        state.named = want.named
        state.ledgers = {one: ledger_of(found) for one, found in self._find("offerings", want.offerings)}
        state.claimants = {one: claimant_of(found) for one, found in self._find("claimants", want.claimants)}
        state.stored.update(state.claimants)
        for name, ids in want.kept.items():
            state.kept.update({(name, one): kept_of(name, found) for one, found in self._find(name, ids)})
        plan.unread_queues(state)
        for offering_id, named in want.named.items():
            if offering_id in state.ledgers:
                self._count(state.ledgers[offering_id], named)
        for query in plan.heads(state, items):
            plan.receive(state, query, self._heads(query))
        for ledger in plan.walking(state, items):
            self._load_live(state, ledger)
            wanted = groups.next_to_read(ledger, self.limit)
            people = self.claimants(ledger.offering.offering_id)
            plan.receive_members(state, ledger, [one for one in people if one.group in wanted])
        return state

    async def load(self, items: Sequence[Item]) -> State:
        """As Store.load."""
        return self.load_now(items)

    def commit_now(self, state: State) -> None:
        """What Store.writes does in a transaction."""
        for one in state.changed_ledgers:
            self.documents["offerings"][one] = ledger_document(state.ledgers[one])
        for one in state.changed_claimants:
            assert (one in self.documents["claimants"]) == (one in state.stored)
            self.documents["claimants"][one] = claimant_document(state.claimants[one])
        for name, one in state.changed_kept:
            self.documents[name][one] = kept_document(one, state.kept[name, one])
        for one, attributes in state.people.items():
            self.remember_now(one, attributes)

    def remember_now(self, person_id: str, attributes: Attributes) -> None:
        """As write_person."""
        before = self.documents["people"].get(person_id)
        if before is None or before["offset"] < attributes.offset:
            self.documents["people"][person_id] = attributes_document(person_id, attributes)

    async def offering(self, offering_id: str) -> OfferingView | None:
        document = self.documents["offerings"].get(offering_id)
        return None if document is None else offering_view(ledger_of(document))

    async def offerings(self) -> list[OfferingView]:
        return [offering_view(ledger_of(found)) for _, found in sorted(self.documents["offerings"].items())]

    async def bookings(self, offering_id: str) -> list[BookingView]:
        return booking_views(self.claimants(offering_id))

    async def due(self, now: datetime, limit: int) -> list[Deadline]:
        documents = self.documents["offerings"].items()
        due = [Deadline(one, at) for one, found in documents if (at := found.get("next_deadline")) and at <= now]
        return sorted(due, key=lambda one: one.at)[:limit]

    async def attributes(self, people: Sequence[str]) -> dict[str, Attributes]:
        return {one: attributes_of(found) for one, found in self._find("people", people)}

    def claimants(self, offering_id: str) -> list[Claimant]:
        """Everybody on an offering, in the order of the ids."""
        prefix = f"{offering_id}\n"
        return [claimant_of(one) for key, one in sorted(self.documents["claimants"].items()) if key.startswith(prefix)]

    def ledger(self, offering_id: str) -> Ledger:
        """An offering as it is kept."""
        return ledger_of(self.documents["offerings"][offering_id])

    def _find(self, name: str, ids: Sequence[str] | set[str]) -> list[tuple[str, Document]]:
        return [(one, self.documents[name][one]) for one in ids if one in self.documents[name]]

    def _heads(self, query: plan.Heads) -> list[Claimant]:
        whose = query.organisations
        people = [
            one
            for one in self.claimants(query.offering_id)
            if one.waiting is not None and (whose is None or one.organisation in whose)
        ]
        return sorted(people, key=lambda one: one.waiting or 0)[: query.limit]

    def _load_live(self, state: State, ledger: Ledger) -> None:
        if ledger.offering.status == "cancelled":
            people = [one for one in self.claimants(ledger.offering.offering_id) if one.live and one.id > ledger.walked]
            plan.receive_live(state, ledger.offering.offering_id, people[: self.limit])

    def _count(self, ledger: Ledger, named: set[str]) -> None:
        organisations, counts = plan.uncounted(ledger, named), list[plan.Counted]()
        for one in self.claimants(ledger.offering.offering_id):
            if one.live is not None and one.live.status in LIVE and one.live.organisation_id in organisations:
                counts.append(plan.Counted(one.live.organisation_id, one.live.status, one.group, 1))
        plan.count_in(ledger, organisations, counts)


class World:
    """Enrolment on a store in memory: push events, see what is told and what is kept."""

    def __init__(self, limit: int = 1_000) -> None:
        self.store = MemoryStore(limit)
        self.handler = Enrolment(self.store)  # type: ignore[arg-type]
        self.told: list[Event] = []
        self.results: list[Result] = []
        self.outcomes: list[str] = []
        self._offsets = count()

    def push(self, *events: Event) -> list[str]:
        """Apply events as one batch, ended by an event that needs more steps; what is told, without its prefix.

        Raises Invalid as `apply` does.
        """
        self.results, self.outcomes, before = [], [], len(self.told)
        waiting = [item(event, offset=next(self._offsets)) for event in events]
        while waiting:
            waiting = self._batch(waiting)
        return [event.type.removeprefix("enrolment.").removesuffix(".v1") for event in self.told[before:]]

    def _batch(self, items: list[Item]) -> list[Item]:
        state = self.store.load_now(items)
        for number, one in enumerate(items):
            result = self.handler.apply(state, one)
            self.results.append(result)
            self.outcomes += [] if one.step else [result.outcome]
            self.told += result.events
            if result.more:
                self.store.commit_now(state)
                return [msgspec.structs.replace(one, step=one.step + 1), *items[number + 1 :]]
        self.store.commit_now(state)
        return []

    def outcome(self, event: Event) -> str:
        """What becomes of one event."""
        self.push(event)
        return self.results[-1].outcome

    def bookings(self, offering_id: str = "o1") -> list[BookingView]:
        """All bookings, in the order of the requests."""
        return booking_views(self.store.claimants(offering_id))

    def statuses(self, offering_id: str = "o1") -> dict[str, str]:
        """The status of everybody's last booking."""
        return {one.person_id: one.status for one in self.bookings(offering_id)}

    def view(self, offering_id: str = "o1") -> OfferingView:
        """The offering as the API shows it."""
        return offering_view(self.store.ledger(offering_id))
