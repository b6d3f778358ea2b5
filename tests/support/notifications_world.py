"""What the tests of notifications share: people, offerings and bookings; a small kernel; a scripted mail server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
from aiosmtpd.smtp import SMTP, Envelope
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications.consumer import Consumer
from services.notifications.queue import Queue
from services.notifications.sender import Sender
from services.notifications.settings import Settings
from services.notifications.state import State
from services.notifications.store import Store, prepare
from shared.clock import Clock
from shared.cloudevents import Event
from shared.events import (
    ENROLMENT_EVENTS,
    LMS_PEOPLE,
    Booking,
    Leave,
    Offering,
    Person,
    PersonErased,
    Session,
)
from shared.handler import Item

NOW = datetime(2024, 11, 4, 8, 0, tzinfo=UTC)
START = datetime(2024, 11, 21, 8, 0, tzinfo=UTC)
PARTITION = 3


def person(person_id: str = "p1", **more: Any) -> Person:
    name = more.pop("display_name", f"Name of {person_id}")
    given = {"email": f"{person_id}@stadt.example", "language": "de", "organisation_id": "wuppertal"} | more
    return Person(person_id=person_id, display_name=name, **given)


def session(session_id: str = "s1", start: datetime | None = START, **more: Any) -> Session:
    end = start + timedelta(hours=3, minutes=30) if start else None
    given = {"title": "Modul 3", "format": "online", "join_url": "https://video.example/m3"} | more
    return Session(session_id=session_id, starts_at=start, ends_at=end, **given)


def offering(version: int = 1, offering_id: str = "o1", **more: Any) -> Offering:
    given: dict[str, Any] = {
        "course_id": "c1",
        "title": "Wirkungsvolles strategisches Wirken in der Verwaltung",
        "host_organisation_id": "wuppertal",
        "format": "online",
        "capacity": 20,
        "waiting_list": True,
        "delegations": [],
        "sessions": [session()],
        "cause": f"cause-{version}",
    }
    return Offering(offering_id=offering_id, version=version, **given | more)


def booking(version: int = 2, person_id: str = "p1", **more: Any) -> Booking:
    given: dict[str, Any] = {
        "booking_id": f"b-{person_id}",
        "offering_id": "o1",
        "course_id": "c1",
        "organisation_id": None,
        "department": None,
        "status_group": None,
        "status": "confirmed",
        "requested_at": NOW,
    }
    return Booking(person_id=person_id, version=version, **given | more)


def leave(version: int = 1, **more: Any) -> Leave:
    given: dict[str, Any] = {
        "leave_id": "l1",
        "person_id": "p1",
        "organisation_id": "duesseldorf",
        "department": None,
        "status_group": None,
        "starts_on": date(2024, 12, 2),
        "ends_on": date(2024, 12, 6),
        "days": 5,
        "subject": "Politische Bildung",
        "provider": "Volkshochschule",
    }
    return Leave(version=version, **given | more)


def item(event_type: str, data: msgspec.Struct, offset: int = 0, step: int = 0) -> Item:
    """A record as the kernel would hand it over; `event_type` may leave out "enrolment." and ".v1"."""
    topic = LMS_PEOPLE if isinstance(data, Person | PersonErased) else ENROLMENT_EVENTS
    full = event_type if event_type.startswith("lms.") else f"enrolment.{event_type}.v1"
    event = Event(f"e{offset}", "test", full, NOW, data)
    return Item(event, getattr(data, "offering_id", "key"), topic, PARTITION, offset, step)


def told(state: State) -> list[tuple[str, str | None]]:
    """Kind and reader of the planned messages."""
    return [(message.kind, message.person_id) for message in state.messages]


class ScriptedMail:
    """A mail server that answers as told, and keeps what it accepted. `rcpt`, `data`: address -> answers, in order."""

    def __init__(self) -> None:
        self.rcpt: dict[str, list[str]] = {}
        self.data: dict[str, list[str]] = {}
        self.accepted: list[tuple[str, bytes]] = []
        self.senders: list[str] = []
        self.connections = 0
        self.delay = 0.0
        self.before_data: Callable[[], Awaitable[None]] | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = _next(self.rcpt, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - the same
        await asyncio.sleep(self.delay)
        if self.before_data:
            await self.before_data()
        address = envelope.rcpt_tos[0]
        answer = _next(self.data, address)
        if answer.startswith("250") or answer == "take and drop":
            self.senders.append(envelope.mail_from)
            self.accepted.append((address, envelope.content))
        if "drop" in answer:
            server.transport.abort()
        return answer

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()

        def connect() -> asyncio.Protocol:
            self.connections += 1
            return cast("asyncio.Protocol", SMTP(self, hostname="localhost", loop=loop))

        server = await loop.create_server(connect, "127.0.0.1", port)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    def to(self) -> list[str]:
        return [address for address, _ in self.accepted]


def _next(script: dict[str, list[str]], address: str) -> str:
    answers = script.get(address)
    return answers.pop(0) if answers else "250 OK"


@dataclass
class World:
    """Notifications on a real database, fed record by record."""

    database: AsyncDatabase[dict[str, Any]]
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    mail: ScriptedMail = field(default_factory=ScriptedMail)
    offset: int = 0

    def __post_init__(self) -> None:
        self.consumer = Consumer(Store(self.database, self.clock), (7, 1))

    async def prepared(self) -> "World":
        await prepare(self.database)
        return self

    def settings(self, port: int, **more: Any) -> Settings:
        given: dict[str, Any] = {
            "smtp_port": port,
            "smtp_security": "none",
            "mail_from": "Fortbildung <office@stadt.example>",
        }
        return Settings(**given | more)

    def sender(self, port: int, **more: Any) -> Sender:
        return Sender(Queue(self.database), self.settings(port, **more), self.clock)

    async def feed(self, *events: tuple[str, msgspec.Struct]) -> list[str]:
        """Apply events as one batch, in as many transactions as their steps take; returns their outcomes."""
        items = []
        for event_type, data in events:
            self.offset += 1
            items.append(item(event_type, data, self.offset))
        outcomes: list[str] = []
        while items:
            state = await self.consumer.load(items)
            items = self._fold(state, items, outcomes)
            await self._write(state)
        return outcomes

    def _fold(self, state: State, items: Sequence[Item], outcomes: list[str]) -> list[Item]:
        for index, one in enumerate(items):
            result = self.consumer.apply(state, one)
            if result.more:
                return [msgspec.structs.replace(one, step=one.step + 1), *items[index + 1 :]]
            outcomes.append(result.outcome)
        return []

    async def _write(self, state: State) -> None:
        async def write(session: AsyncClientSession) -> None:
            for name, operations in self.consumer.writes(state).items():
                if operations:
                    await self.database[name].bulk_write(operations, session=session)

        async with self.database.client.start_session() as session:
            await session.with_transaction(write)

    async def mark(self, time: datetime | None = None) -> None:
        """What the kernel does when it reads a mark."""
        mark = {"id": "m", "time": time or self.clock.now(), "offset": 0}
        position = {"_id": f"notifications/{ENROLMENT_EVENTS}/{PARTITION}"}
        await self.database["positions"].update_one(position, {"$set": {"mark": mark}}, upsert=True)

    async def messages(self, **query: Any) -> list[dict[str, Any]]:
        return [found async for found in self.database["messages"].find(query).sort("order")]

    async def statuses(self) -> list[tuple[str, str, str | None]]:
        return [(found["kind"], found["status"], found["reason"]) for found in await self.messages()]
