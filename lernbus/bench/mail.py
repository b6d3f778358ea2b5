"""Mails per second: the queue of notifications against loops that send the same mails to the same sink.

`mails`: claimed, written, sent, settled. `mails_bare`: written by the same code and sent by aiosmtplib, no database.
`mails_ready`: only sent. All on the same number of connections.
"""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import msgspec
from aiosmtplib import SMTP

from lernbus.bench.reader import BenchError
from lernbus.bench.world import World
from services.notifications.documents import message_document
from services.notifications.messages import Message, identity, order_key
from services.notifications.queue import Lease, Letter, Queue
from services.notifications.sender import Sender
from services.notifications.settings import Settings
from services.notifications.store import prepare
from services.notifications.texts import Own
from shared.clock import Clock
from shared.events import Offering, Person, Session
from shared.runtime import connect

OFFERING: Final = "mails"
MORE: Final[dict[str, Any]] = {"course_id": "c", "host_organisation_id": "h", "delegations": [], "capacity": None}
Write = Callable[[Letter], Awaitable[tuple[str, bytes]]]


class Mails:
    """Each variant sends `size.mails` confirmations with their invitations."""

    def __init__(self, world: World) -> None:
        self._count, self._place = world.size.mails, world.place
        self._own, self._clock = Own(), Clock()
        self.variants: Sequence[Callable[[int], Awaitable[Mapping[str, float]]]] = (
            self.mails,
            self.mails_bare,
            self.mails_ready,
        )

    async def prepare(self) -> None:
        """Collections and indexes."""
        async with self._sender() as (queue, _):
            await prepare(queue.database)
            start = datetime.now(UTC) + timedelta(days=30)
            session = Session(session_id="s", title="s", format="online", starts_at=start, ends_at=start)
            offering = Offering(
                offering_id=OFFERING,
                title="t",
                format="online",
                waiting_list=True,
                sessions=[session],
                **MORE,
            )
            content = {"offering": msgspec.to_builtins(offering), "told": "", "after": ""}
            await queue.database["offerings"].replace_one({"_id": OFFERING}, content, upsert=True)

    async def mails(self, number: int) -> Mapping[str, float]:
        """The queue, until every message is settled."""
        async with self._sender() as (queue, sender):
            await self._fill(queue, f"mails{number}")
            begin = perf_counter()
            while await sender.send_due():
                pass
            seconds = perf_counter() - begin
            await sender.hang_up()
            if sender.settled["sent"] != self._count:
                raise BenchError(f"not all mails were sent: {dict(sender.settled)}")
        return {"mails": self._count / seconds}

    async def mails_bare(self, number: int) -> Mapping[str, float]:
        """A loop that writes each mail and sends it."""
        async with self._sender() as (queue, sender):
            letters = await self._letters(queue, f"bare{number}")
            return {"mails_bare": await self._loop(sender, letters, lambda letter: _written(sender, letter, self._own))}

    async def mails_ready(self, number: int) -> Mapping[str, float]:
        """A loop that sends mails that were written before."""
        async with self._sender() as (queue, sender):
            letters = await self._letters(queue, f"ready{number}")
            written = {one.message.message_id: await _written(sender, one, self._own) for one in letters}

            async def ready(letter: Letter) -> tuple[str, bytes]:
                return written[letter.message.message_id]

            return {"mails_ready": await self._loop(sender, letters, ready)}

    async def _loop(self, sender: Sender, letters: Sequence[Letter], write: Write) -> float:
        waiting = deque(letters)

        async def lane() -> None:
            settings = sender.settings
            async with SMTP(hostname=settings.smtp_host, port=settings.smtp_port, start_tls=False) as smtp:
                while waiting:
                    to, raw = await write(waiting.popleft())
                    await smtp.sendmail(settings.bounces_to, [to], raw)

        begin = perf_counter()
        await asyncio.gather(*(lane() for _ in range(sender.settings.smtp_connections)))
        return len(letters) / (perf_counter() - begin)

    async def _letters(self, queue: Queue, name: str) -> list[Letter]:
        """All messages as they are claimed; they are never settled."""
        await self._fill(queue, name)
        letters = await queue.claim(Lease(), self._clock.now(), self._count)
        await queue.database["messages"].delete_many({})
        return letters

    async def _fill(self, queue: Queue, name: str) -> None:
        """Contacts, and a message to each."""
        people = [*_people(name, self._count)]
        contacts = [{"_id": one.person_id, "offset": 0, "person": msgspec.to_builtins(one)} for one in people]
        now = self._clock.now()
        await queue.database["contacts"].insert_many(contacts)
        await queue.database["messages"].insert_many(
            [message_document(_message(one.person_id, now, place)) for place, one in enumerate(people)]
        )

    @contextlib.asynccontextmanager
    async def _sender(self) -> AsyncIterator[tuple[Queue, Sender]]:
        """A sender as the service has it, and a sink."""
        sink = await asyncio.create_subprocess_exec(sys.executable, "-m", "lernbus.bench.sink", stdout=-1)
        try:
            port = int(await sink.stdout.readline()) if sink.stdout else 0
            mail: dict[str, Any] = {
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
                "smtp_security": "none",
                "smtp_domain_connections": 4,
            }
            settings = Settings(**self._place.settings("lernbus_bench_mails"), **mail)
            database = connect(settings)
            queue = Queue(database)
            try:
                yield queue, Sender(queue, settings, self._clock)
            finally:
                await database.client.close()
        finally:
            sink.kill()
            await sink.wait()


def _people(name: str, count: int) -> Iterator[Person]:
    for number in range(count):
        address, more = f"{name}-{number}@city{number % 20}.example", {"display_name": "Erika Mustermann"}
        yield Person(person_id=f"{name}-{number}", email=address, language="de", organisation_id="o", **more)


def _message(person_id: str, now: datetime, place: int) -> Message:
    return Message(
        message_id=identity("bench", person_id),
        kind="confirmed",
        person_id=person_id,
        about=person_id,
        mentions=[person_id],
        created_at=now,
        order=order_key(now, place),
        offering_id=OFFERING,
        version=2,
        invited=True,
    )


async def _written(sender: Sender, letter: Letter, own: Own) -> tuple[str, bytes]:
    mail = await sender.write([letter], own)
    if mail is None:
        raise BenchError("a mail cannot be written")
    return mail.to, mail.raw
