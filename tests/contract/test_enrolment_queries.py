"""What enrolment asks of a real MongoDB: no query scans a collection, and a batch is one query per collection."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from fastapi import FastAPI
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandListener, CommandStartedEvent

from services.enrolment import metrics, pages
from services.enrolment.consumer import Enrolment
from services.enrolment.settings import Settings
from services.enrolment.state import Attributes
from services.enrolment.store import Store, write_person
from services.enrolment.views import Views
from shared.clock import Clock
from shared.cloudevents import Event
from tests.support.enrolment import NOON, delegation, item, lms, scheduled
from tests.support.profiled import profiled

HOUR = timedelta(hours=1)
OFFERINGS, PEOPLE = 60, 8
LIMIT = 4
READ_AS_A_WHOLE = {
    "offerings": "the list and its search rank all offerings, the metrics count them: thousands in a city, each read"
    " by a person or once a scrape, and an index on what changes with every booking would cost each booking a write",
    "courses": "a word of a search may stand anywhere in a title; ids only, as many as lists.NAMED",
    "organisations": "the same",
    "positions": "one document for each partition",
}


class Service:
    """Enrolment's handler, as the kernel calls it."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.database, self.handler, self.offset = database, Enrolment(Store(database, LIMIT)), 0

    async def push(self, *events: Event) -> None:
        items = [item(event, offset=self.offset + number) for number, event in enumerate(events)]
        self.offset += len(items)
        while items:
            state, left = await self.handler.load(items), items[:0]
            for number, one in enumerate(items, 1):
                if self.handler.apply(state, one).more:
                    left = [msgspec.structs.replace(one, step=one.step + 1), *items[number:]]
                    break
            async with self.database.client.start_session() as session, await session.start_transaction():
                for name, writes in self.handler.writes(state).items():
                    if writes:
                        await self.database[name].bulk_write([*writes], session=session)
            items = left


@pytest.fixture
async def service(database: AsyncDatabase[dict[str, Any]]) -> Service:
    """Offerings with seats, queues, groups, records and people; more than any query of one offering should touch."""
    await Store(database).prepare()
    service = Service(database)
    for number in range(OFFERINGS):
        name = f"o{number}"
        await service.push(
            scheduled(offering_id=name, course_id=name, capacity=4, delegations=[delegation("jena", 1, 2 * HOUR)]),
            *(of(name, f"p{number}-{person}", "jena" if person % 2 else None) for person in range(PEOPLE)),
            group(name, f"g{number}-1", f"g{number}-2"),
            lms("course.changed", course_id=name, title="Vielfalt", topics=[], competencies=[]),
            lms("organisation.changed", organisation_id=name, name="Jena"),
            leave(name),
            person(name),
            assigned(name, f"p{number}-0"),
        )
    return service


def of(offering: str, who: str, organisation: str | None = None, kind: str = "booking.requested", **more: Any) -> Event:
    data: dict[str, Any] = {"organisation_id": organisation} if kind == "booking.requested" else more
    return lms(kind, offering_id=offering, person_id=who, **data)


def assigned(offering: str, *people: str) -> Event:
    listed = [{"person_id": one} for one in people]
    return lms("cohort.assigned", offering_id=offering, cohort="A", mandatory=True, people=listed)


def group(offering: str, *people: str) -> Event:
    listed = [{"person_id": one} for one in people]
    return lms(
        "group.requested", offering_id=offering, group_id="g", requested_by="boss", all_or_nothing=True, people=listed
    )


def leave(who: str) -> Event:
    data: dict[str, Any] = {"leave_id": who, "person_id": who, "organisation_id": "jena", "starts_on": "2023-05-02",
            "ends_on": "2023-05-06", "days": 2, "subject": "Politik", "provider": "VHS"}  # fmt: skip
    return lms("leave.granted", **data)


def person(who: str) -> Event:
    return lms("person.changed", person_id=who, email="a@b.de", display_name="A", language="de", organisation_id="jena")


async def test_no_event_scans_a_collection_or_reads_one_as_a_whole(service: Service) -> None:
    async with profiled(service.database) as found:
        await service.push(of("o1", "new"), of("o2", "new"), of("o3", "p3-0", kind="booking.withdrawn"))
        await service.push(of("o1", "p1-0", kind="attendance.recorded", session_id="s1", status="attended"))
        await service.push(of("o1", "p1-0", kind="completion.recorded", completed_at=NOON))
        await service.push(lms("offering.capacity_changed", offering_id="o1", capacity=20))
        given = [delegation("bonn", 1), delegation("jena", 2)]
        await service.push(lms("offering.capacity_changed", offering_id="o2", capacity=4, delegations=given))
        await service.push(scheduled(offering_id="o4", capacity=4, delegations=[*given, delegation("a.$b", 1)]))
        await service.push(lms("deadline.passed", after=2 * HOUR, offering_id="o5", at=NOON + 2 * HOUR))
        await service.push(assigned("o6", "p6-1", "new"))
        await service.push(lms("offering.cancelled", offering_id="o7"))
        await service.push(scheduled(offering_id="s", capacity=2, approval="supervisor"), group("s", "a", "b"))
        for one in "ab":
            await service.push(of("s", one, kind="booking.approved", decided_by="boss"))
        await service.push(leave("o8"), person("o8"), lms("person.erased", person_id="o9"))
        await service.push(lms("organisation.changed", organisation_id="o8", name="Bonn"))
        await service.push(lms("course.changed", course_id="o8", title="Neu", topics=[], competencies=[]))
        await service.database["people"].bulk_write([write_person("o8", Attributes(10**6, "bonn"))])
    assert found.collections >= {"offerings", "claimants", "courses", "organisations", "leaves", "people"}
    assert [*found.whole_reads()] == []


async def test_what_is_shown_of_one_offering_reads_no_collection_as_a_whole(service: Service) -> None:
    views = Views(service.database)
    async with profiled(service.database) as found:
        view = await views.offering("o1")
        assert view is not None
        assert await views.bookings("o1")
        assert await views.assigned(view.offering)
        assert await views.organisations(["o1", "o2"])
        assert await views.due(NOON + 2 * HOUR, 10)
        assert await views.attributes(["o1"])
    assert found.collections >= {"offerings", "claimants", "people"}
    assert [*found.whole_reads()] == []


async def test_the_pages_read_only_what_is_named_as_a_whole(service: Service) -> None:
    app = FastAPI()
    app.include_router(pages.router(service.database, Settings(), Clock(NOON)))
    async with (
        profiled(service.database) as found,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client,
    ):
        for path in ("", "?page=2", "?q=Vielfalt", "?state=full&only=waiting", "?when=past", "offerings/o1"):
            assert (await client.get(f"/enrolment/{path}")).status_code == 200
        assert [*await metrics.seats(service.database, Clock(NOON))()]
    assert found.collections >= {"offerings", "claimants"}
    named = {name for name, _ in found.whole_reads()}
    assert named <= READ_AS_A_WHOLE.keys(), [one for one in found.whole_reads() if one[0] not in READ_AS_A_WHOLE]


class Commands(CommandListener):
    """Counts what is sent, by command and collection."""

    def __init__(self) -> None:
        self.sent = Counter[tuple[str, str]]()

    def started(self, event: CommandStartedEvent) -> None:
        value = event.command.get(event.command_name)
        self.sent[event.command_name, value if isinstance(value, str) else ""] += 1

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


@pytest.fixture
async def counted(service: Service, mongo_uri: str) -> AsyncIterator[tuple[Service, Commands]]:
    """The same database through a client that counts."""
    commands = Commands()
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(mongo_uri, w="majority", tz_aware=True, event_listeners=[commands]) as client:
        await client.admin.command("ping")
        commands.sent.clear()
        yield Service(client[service.database.name]), commands


def mixed(offerings: Sequence[str]) -> list[Event]:
    """A request, a withdrawal that lets somebody move up, and a record of each kind, for each of these offerings."""
    events = [of(one, f"new-{one}", "jena") for one in offerings]
    events += [of(one, f"p{one[1:]}-0", kind="booking.withdrawn") for one in offerings]
    events += [lms("course.changed", course_id=one, title="X", topics=[], competencies=[]) for one in offerings]
    return events + [lms("organisation.changed", organisation_id=one, name="X") for one in offerings]


@pytest.mark.parametrize("count", [1, 5, 40])
async def test_a_batch_is_one_query_per_collection_however_many_events_and_offerings_it_has(
    counted: tuple[Service, Commands], count: int
) -> None:
    """And one more for the heads of all waiting lists that may move up, and one for each run of inserts or updates."""
    service, commands = counted
    service.offset = 10**6
    await service.push(*mixed([f"o{number}" for number in range(count)]))
    assert commands.sent == {
        ("find", "offerings"): 1,
        ("find", "claimants"): 1,
        ("find", "courses"): 1,
        ("find", "organisations"): 1,
        ("aggregate", "claimants"): 1,
        ("update", "offerings"): 1,
        ("insert", "claimants"): 1,
        ("update", "claimants"): 1,
        ("update", "courses"): 1,
        ("update", "organisations"): 1,
        ("update", "history"): 1,
        ("commitTransaction", ""): 1,
    }
