"""The letters of one claim, shared by the connections that send them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from services.notifications.pace import Pace
from services.notifications.queue import Lease, Letter, Settled
from services.notifications.texts import Own

LAST_MAIL_SECONDS: Final = 10
"""So long a mail that is being handed over may take when we are told to stop."""
Parcel = Sequence[Letter]
"""What goes out as one mail: one letter, or several reminders of one person."""


class Reader:
    """A reader's parcels in their order, and the domain of the address."""

    def __init__(self, letters: Iterable[Letter]) -> None:
        self.parcels = parcels(letters)
        person = self.parcels[0][0].reader
        self.domain = person.person.email.rpartition("@")[2].lower() if person and person.person else ""


def parcels(letters: Iterable[Letter]) -> deque[Parcel]:
    """One mail each, but all reminders that are due together become one, in the place of the first."""
    reminders: list[Letter] = []
    found: deque[Parcel] = deque()
    for letter in letters:
        if letter.message.kind != "reminder":
            found.append([letter])
        else:
            if not reminders:
                found.append(reminders)
            reminders.append(letter)
    return found


class Batch:
    """The letters of one claim, by reader; lanes take from the left and put back what they could not hand over."""

    def __init__(self, lease: Lease, letters: Sequence[Letter], own: Own) -> None:
        self.lease, self.own = lease, own
        self.stopping = False
        self.unreachable: str | None = None
        self.results: list[Settled] = []
        self.writing = asyncio.Lock()
        self.freed = asyncio.Event()
        groups: dict[str | None, list[Letter]] = {}
        for letter in letters:
            groups.setdefault(letter.message.person_id, []).append(letter)
        self.readers = deque(Reader(group) for group in groups.values())

    async def take(self, pace: Pace) -> Reader | None:
        """The first reader whose domain may have one more connection, once there is one; None: nothing is left."""
        while self.readers and self.goes_on and self.unreachable is None:
            for reader in self.readers:
                if pace.may_begin(reader.domain):
                    self.readers.remove(reader)
                    pace.begin(reader.domain)
                    return reader
            self.freed.clear()
            await self.freed.wait()
        return None

    def left(self) -> list[Letter]:
        """All letters that nobody has handed over."""
        return [letter for reader in self.readers for parcel in reader.parcels for letter in parcel]

    def stop(self) -> None:
        """Take no more."""
        self.stopping = True
        self.freed.set()

    @property
    def goes_on(self) -> bool:
        """False when told to stop, or when the messages may be another sender's by now."""
        return not self.stopping and self.lease.good


async def finish(lanes: Sequence[asyncio.Task[None]], batch: Batch) -> None:
    """Wait for all lanes; when cancelled, let each finish its mail."""
    try:
        await asyncio.gather(*(asyncio.shield(lane) for lane in lanes))
    finally:
        batch.stop()
        _, late = await asyncio.wait(lanes, timeout=LAST_MAIL_SECONDS)
        for lane in late:
            lane.cancel()
        await asyncio.gather(*late, return_exceptions=True)


@contextlib.asynccontextmanager
async def repeating(action: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> AsyncIterator[None]:
    """Do something every so many seconds while the block runs."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
