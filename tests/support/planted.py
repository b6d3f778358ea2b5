"""A running stack with a small story in it, and hands inside of its databases and its log."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pymongo.database import Database
from rich.console import Console

from lernbus import stack as stacks
from lernbus.client import Client
from lernbus.embedded.servers import Servers
from lernbus.embedded.servers import servers as real_servers
from lernbus.verify import verify
from shared.cloudevents import Event, encode
from shared.events import ENROLMENT_EVENTS
from shared.keys import partition_of
from shared.publisher import Out, Publisher

NOW = datetime(2024, 11, 1, 9, tzinfo=UTC)
A_WEEK_BEFORE = "2024-11-14T09:00:00Z"
SESSION = {
    "session_id": "s",
    "title": "Auftakt",
    "format": "online",
    "starts_at": "2024-11-21T09:00:00+01:00",
    "ends_at": "2024-11-21T12:00:00+01:00",
    "join_url": "https://example.org/s",
}
Documents = Database[dict[str, Any]]


@dataclass
class World:
    """The stack from outside (`client`) and from inside."""

    client: Client
    databases: dict[str, Documents]
    bootstrap: str
    kept: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def verify(self) -> tuple[bool, list[str]]:
        """Whether something is broken, and the lines that were printed."""
        output = io.StringIO()
        broken = verify(self.client, Console(file=output, width=400))
        return broken, output.getvalue().splitlines()

    def push(self, *events: tuple[str, dict[str, Any]]) -> None:
        """Send events of the LMS and wait."""
        self.client.push([self.event(kind, data) for kind, data in events])
        self.client.wait()

    def publish(self, kind: str, entity: msgspec.Struct, offering_id: str) -> None:
        """Put a record onto enrolment.events by hand."""
        key = offering_id.encode()
        event = Event(f"planted-{kind}-{id(entity)}", "planted", f"enrolment.{kind}.v1", NOW, entity)
        out = Out(ENROLMENT_EVENTS, partition_of(key, stacks.PARTITIONS), key, encode(event))
        self.send(out)

    def send(self, out: Out) -> None:
        """Put any record onto a topic."""

        async def send() -> None:
            publisher = Publisher(self.bootstrap, enable_idempotence=False)
            await publisher.publish([out])
            await publisher.stop()

        asyncio.run(send())

    def keep(self) -> None:
        """Remember all documents but the positions, which go on."""
        for service, database in self.databases.items():
            for name in database.list_collection_names():
                if name != "positions":
                    self.kept[service, name] = [*database[name].find()]

    def restore(self) -> None:
        """Put everything back that was kept."""
        for (service, name), documents in self.kept.items():
            collection = self.databases[service][name]
            collection.delete_many({})
            if documents:
                collection.insert_many(documents)

    def event(self, kind: str, data: dict[str, Any]) -> bytes:
        """An event as an LMS sends it, its id made of its content."""
        content = json.dumps([kind, data])
        head = {"specversion": "1.0", "id": content[:150], "source": "test", "time": NOW.isoformat()}
        return json.dumps({**head, "type": f"lms.{kind}.v1", "data": data}).encode()


def offering(offering_id: str) -> tuple[str, dict[str, Any]]:
    """Two seats, a waiting list, a session on 21 November."""
    names = {"offering_id": offering_id, "course_id": "c", "title": "Kurs", "host_organisation_id": "wuppertal"}
    rules = {"format": "online", "capacity": 2, "waiting_list": True, "approval": "none", "sessions": [SESSION]}
    return "offering.scheduled", {**names, **rules}


def request(offering_id: str, person: str) -> tuple[str, dict[str, Any]]:
    """Somebody of Jena asks for a seat."""
    return "booking.requested", {"offering_id": offering_id, "person_id": person, "organisation_id": "jena"}


def person(name: str) -> tuple[str, dict[str, Any]]:
    """Somebody with an address."""
    contact = {"email": f"{name}@example.org", "display_name": f"Person {name}", "language": "de"}
    return "person.changed", {"person_id": name, "organisation_id": "jena", **contact}


def story(offerings: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """On each offering a and b have seats, c and d wait; later everybody is reminded, and e is erased."""
    yield "organisation.changed", {"organisation_id": "jena", "name": "Jena"}
    yield "course.changed", {"course_id": "c", "title": "Kurs", "topics": ["Teilhabe"], "competencies": ["Haltung"]}
    for name in "abcde":
        yield person(name)
    for one in offerings:
        yield offering(one)
        for name in "abcd":
            yield request(one, name)
    yield from [offering("erased"), request("erased", "e")]
    yield "attendance.recorded", {"offering_id": "erased", "session_id": "s", "person_id": "nobody", "status": "absent"}
    yield "booking.withdrawn", {"offering_id": "erased", "person_id": "d"}  # d is known there, without a booking
    yield request("not scheduled", "a")
    leave = {"starts_on": "2024-03-04", "ends_on": "2024-03-08", "days": 5, "subject": "Politik", "provider": "VHS"}
    yield "leave.granted", {"leave_id": "l", "person_id": "a", "organisation_id": "jena", **leave}


@contextlib.asynccontextmanager
async def running(told: Callable[[Servers], None]) -> AsyncIterator[stacks.Stack]:
    @contextlib.asynccontextmanager
    async def servers() -> AsyncIterator[Servers]:
        async with real_servers() as places:
            told(places)
            yield places

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lernbus.stack.servers", servers)
        async with stacks.embedded(0, NOW) as stack:
            yield stack
