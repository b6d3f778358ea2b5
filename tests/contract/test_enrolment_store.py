"""The same on documents in memory and in a real MongoDB: what is written is what the next batch reads."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment.consumer import Enrolment
from services.enrolment.state import Attributes, State
from services.enrolment.store import Store, write_person
from services.enrolment.views import BookingView, Deadline, OfferingView, Views
from shared.cloudevents import Event
from shared.handler import Result
from tests.support.enrolment import NOON, MemoryStore, delegation, item, lms, scheduled

HOUR = timedelta(hours=1)
LIMIT = 3
"""Bookings in a step, so that waiting lists are read in parts."""


class Reader(Protocol):
    """What both have for API and pages."""

    async def offering(self, offering_id: str) -> OfferingView | None: ...
    async def offerings(self) -> list[OfferingView]: ...
    async def bookings(self, offering_id: str) -> list[BookingView]: ...
    async def due(self, now: datetime, limit: int) -> list[Deadline]: ...
    async def attributes(self, people: Sequence[str]) -> dict[str, Attributes]: ...


class Kept:
    """A store under test."""

    def __init__(self, store: Store | MemoryStore, views: Reader, database: AsyncDatabase[Any] | None) -> None:
        self.handler, self.views = Enrolment(store), views  # type: ignore[arg-type]
        self._store, self._database = store, database

    async def push(self, *events: Event, offset: int = 0) -> list[Result]:
        """Apply events as one batch; one that is not complete ends it and takes further steps."""
        results, items = [], [item(event, offset=offset) for event in events]
        while items:
            state = await self.handler.load(items)
            for number, one in enumerate(items, 1):
                results.append(self.handler.apply(state, one))
                if results[-1].more:
                    items = [msgspec.structs.replace(one, step=one.step + 1), *items[number:]]
                    break
            else:
                items = []
            await self.commit(state)
        return results

    async def commit(self, state: State) -> None:
        if isinstance(self._store, MemoryStore):
            self._store.commit_now(state)
            return
        assert self._database is not None
        async with self._database.client.start_session() as session, await session.start_transaction():
            for name, writes in self.handler.writes(state).items():
                if writes:
                    await self._database[name].bulk_write([*writes], session=session)

    async def remember(self, person_id: str, attributes: Attributes) -> None:
        """As the HTTP receiver does."""
        if isinstance(self._store, MemoryStore):
            self._store.remember_now(person_id, attributes)
        else:
            assert self._database is not None
            await self._database["people"].bulk_write([write_person(person_id, attributes)])

    async def people(self, offering_id: str = "o1") -> list[tuple[str, str, int | None]]:
        bookings = await self.views.bookings(offering_id)
        return [(one.person_id, one.status, one.waiting_position) for one in bookings]


@pytest.fixture(params=["memory", "mongodb"])
def place(request: pytest.FixtureRequest) -> AsyncDatabase[Any] | None:
    database: AsyncDatabase[Any] | None = None
    if request.param == "mongodb":
        database = request.getfixturevalue("database")
    return database


@pytest.fixture
async def kept(place: AsyncDatabase[Any] | None) -> Kept:
    if place is None:
        memory = MemoryStore(LIMIT)
        return Kept(memory, memory, None)
    store = Store(place, LIMIT)
    await store.prepare()
    await store.prepare()  # every instance does at its start
    return Kept(store, Views(place), place)


def of(person: str, organisation: str | None = None, kind: str = "booking.requested") -> Event:
    more: dict[str, Any] = {"organisation_id": organisation} if kind == "booking.requested" else {}
    return lms(kind, offering_id="o1", person_id=person, **more)


def told(results: Sequence[Result]) -> list[str]:
    return [getattr(event.data, "person_id", event.type) for result in results for event in result.events]


async def test_bookings_come_back_in_the_order_of_the_requests(kept: Kept) -> None:
    await kept.push(scheduled(), of("b"), of("a"), of("c"))
    await kept.push(of("0"), of("a", kind="booking.withdrawn"), of("a"))
    assert await kept.people() == [
        ("b", "confirmed", None),
        ("a", "cancelled", None),
        ("c", "confirmed", None),
        ("0", "waiting", 1),
        ("a", "waiting", 2),
    ]


async def test_an_offering_comes_back_as_it_was_told_with_its_seats(kept: Kept) -> None:
    offering = scheduled(capacity=3, delegations=[delegation("a.$b", 1, HOUR), delegation("jena", 1)])
    results = await kept.push(offering, of("x"), of("y"), of("z", "a.$b"))
    view = await kept.views.offering("o1")
    assert view is not None
    assert view.offering == results[0].events[0].data
    assert msgspec.to_builtins(view.seats) == {
        "capacity": 3, "confirmed": 2, "waiting": 1, "awaiting_approval": 0, "free": 0
    }  # fmt: skip
    assert [(one.organisation_id, one.confirmed) for one in view.delegations] == [("a.$b", 1), ("jena", 0)]
    assert [one.offering.offering_id for one in await kept.views.offerings()] == ["o1"]
    assert await kept.views.offering("o2") is None
    assert await kept.views.bookings("o2") == []


async def test_a_repeat_is_recognised_in_a_later_batch(kept: Kept) -> None:
    offering, withdrawal = scheduled(), of("a", kind="booking.withdrawn")
    await kept.push(offering, withdrawal)
    assert [result.outcome for result in await kept.push(of("a"), withdrawal, offering)] == [
        *("applied", "repeated", "repeated")
    ]


async def test_bookings_of_similar_offerings_are_not_mixed(kept: Kept) -> None:
    for one in ("o1", "o", "o10", "o1\u00e9"):
        await kept.push(
            scheduled(offering_id=one, capacity=0), lms("booking.requested", offering_id=one, person_id="p")
        )
    await kept.push(lms("offering.cancelled", offering_id="o1"))
    statuses = {one: [booking.status for booking in await kept.views.bookings(one)] for one in ("o", "o1", "o10")}
    assert statuses == {"o": ["waiting"], "o1": ["cancelled"], "o10": ["waiting"]}


async def test_a_raised_capacity_walks_the_queue_in_its_order(kept: Kept) -> None:
    people = ["h", "b", "g", "c", "f", "d", "e"]
    await kept.push(scheduled(capacity=0), *map(of, people))
    results = await kept.push(lms("offering.capacity_changed", offering_id="o1", capacity=5))
    assert told(results)[1:] == people[:5]
    assert await kept.people() == [
        *((one, "confirmed", None) for one in people[:5]),
        *((one, "waiting", place) for place, one in enumerate(people[5:], 1)),
    ]


async def test_withdrawals_move_up_the_first_of_all_and_the_first_of_the_delegation(kept: Kept) -> None:
    delegations = [delegation("a.$b", 1), delegation("bonn", 1)]
    await kept.push(scheduled(capacity=3, delegations=delegations), of("a", "a.$b"), of("b", "bonn"), of("x"))
    await kept.push(*map(of, ["w1", "w2", "w3", "w4"]), of("c", "bonn"), of("d", "a.$b"))
    results = await kept.push(of("a", kind="booking.withdrawn"), of("x", kind="booking.withdrawn"))
    assert told(results) == ["a", "d", "x", "w1"]


async def test_a_walk_that_needs_queues_that_were_not_read_finds_them_by_organisation(kept: Kept) -> None:
    await kept.push(scheduled(capacity=1), of("x"), *map(of, ["w1", "w2", "w3", "w4"]))
    await kept.push(of("a", "a.$b"), of("b", "bonn"), of("c", "a.$b"))
    delegations = [delegation("a.$b", 2), delegation("bonn", 1)]
    results = await kept.push(lms("offering.capacity_changed", offering_id="o1", capacity=4, delegations=delegations))
    assert told(results)[1:] == ["a", "b", "c"]
    view = await kept.views.offering("o1")
    assert view is not None
    assert [(one.confirmed, one.waiting) for one in view.delegations] == [(2, 0), (1, 0)]


async def test_a_cancelled_offering_ends_all_bookings_in_steps(kept: Kept) -> None:
    people = [f"p{number}" for number in range(7)]
    await kept.push(scheduled(capacity=4), *map(of, people))
    await kept.push(of("p3", kind="booking.withdrawn"))
    results = await kept.push(lms("offering.cancelled", offering_id="o1"))
    assert [len(result.events) for result in results] == [1, 3, 3]
    assert {status for _, status, _ in await kept.people()} == {"cancelled"}


def group(name: str, *people: str, organisation: str | None = None) -> Event:
    listed = [{"person_id": person, "organisation_id": organisation} for person in people]
    data: dict[str, Any] = {"group_id": name, "requested_by": "boss", "all_or_nothing": True, "people": listed}
    return lms("group.requested", offering_id="o1", **data)


async def test_groups_are_found_again_when_they_fit_each_as_a_whole(kept: Kept) -> None:
    await kept.push(scheduled(capacity=1), of("x"), group("$g.1", "d", "c", "b", "a", organisation="a.$b"))
    await kept.push(group("h", "f", "e"), of("y"))
    assert (await kept.people())[1:] == [(one, "waiting", n) for n, one in enumerate("dcbafey", 1)]
    await kept.push(of("b", kind="booking.withdrawn"))
    await kept.push(of("x", kind="booking.withdrawn"))  # y moves up: the only one who needs one seat
    results = await kept.push(
        lms("offering.capacity_changed", offering_id="o1", capacity=5, delegations=[delegation("a.$b", 2)])
    )
    assert told(results)[1:] == ["d", "c", "a"], "two seats of the delegation and one of two open ones"
    assert told(await kept.push(lms("offering.capacity_changed", offering_id="o1", capacity=6))) == [
        *("enrolment.offering.capacity_changed.v1", "f", "e")
    ]


async def test_a_group_that_awaits_approval_is_read_as_a_whole_when_the_last_is_decided(kept: Kept) -> None:
    decide: dict[str, Any] = {"decided_by": "boss", "offering_id": "o1"}
    await kept.push(scheduled(capacity=2, approval="supervisor"), group("g", "c", "b", "a"))
    await kept.push(lms("booking.approved", person_id="c", **decide))
    await kept.push(lms("booking.refused", person_id="b", **decide))
    assert told(await kept.push(lms("booking.approved", person_id="a", **decide))) == ["c", "a"]
    assert await kept.people() == [("c", "confirmed", None), ("b", "refused", None), ("a", "confirmed", None)]


async def test_deadlines_are_due_when_their_moment_has_come_and_until_they_are_applied(kept: Kept) -> None:
    await kept.push(scheduled(capacity=3, delegations=[delegation("jena", 1, 2 * HOUR), delegation("bonn", 1, HOUR)]))
    await kept.push(scheduled(offering_id="o2"))
    assert await kept.views.due(NOON + HOUR - timedelta(seconds=1), 10) == []
    assert await kept.views.due(NOON + 3 * HOUR, 10) == [Deadline("o1", NOON + HOUR)]
    await kept.push(lms("deadline.passed", after=HOUR, offering_id="o1", at=NOON + HOUR))
    assert await kept.views.due(NOON + 3 * HOUR, 10) == [Deadline("o1", NOON + 2 * HOUR)]
    await kept.push(lms("offering.cancelled", offering_id="o1"))
    assert await kept.views.due(NOON + 3 * HOUR, 10) == []


async def test_courses_organisations_and_leaves_are_known_in_a_later_batch(kept: Kept) -> None:
    leave: dict[str, Any] = {
        "leave_id": "l1", "person_id": "p1", "organisation_id": "jena", "starts_on": "2023-05-02",
        "ends_on": "2023-05-06", "days": 2.5, "subject": "Politische Bildung", "provider": "VHS",
    }  # fmt: skip
    course: dict[str, Any] = {"course_id": "c1", "title": "Vielfalt", "topics": ["Rassismus"], "competencies": []}
    events = [
        lms("course.changed", **course),
        lms("organisation.changed", organisation_id="$jena.de", name="Jena"),
        lms("leave.granted", **leave),
    ]
    assert [result.outcome for result in await kept.push(*events)] == ["applied"] * 3
    again = [msgspec.structs.replace(event, id=f"{event.id} again") for event in events]
    assert [result.outcome for result in await kept.push(*again)] == ["repeated"] * 3
    (ended,) = await kept.push(lms("leave.withdrawn", **leave))
    assert (ended.events[0].data.version, ended.events[0].data.days) == (2, 2.5)


async def test_a_person_s_attributes_are_those_of_the_latest_record(kept: Kept) -> None:
    person: dict[str, Any] = {
        "person_id": "p1",
        "email": "a@b.de",
        "display_name": "Ada",
        "language": "de",
        "organisation_id": "$jena",
    }
    await kept.push(lms("person.changed", **person, department="$Amt"), offset=7)
    await kept.remember("p1", Attributes(6, "bonn"))
    assert await kept.views.attributes(["p1", "p2"]) == {"p1": Attributes(7, "$jena", "$Amt")}
    await kept.remember("p1", Attributes(8, "bonn"))
    await kept.push(lms("person.changed", **person), offset=7)
    assert await kept.views.attributes(["p1"]) == {"p1": Attributes(8, "bonn")}
    await kept.push(lms("person.erased", person_id="p1"), offset=9)
    assert await kept.views.attributes(["p1"]) == {"p1": Attributes(9)}
