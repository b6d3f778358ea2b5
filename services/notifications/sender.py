"""Sends what is due: claims some messages, hands them over on a few connections, settles each at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from services.notifications.around import Around
from services.notifications.batch import Batch, Parcel, Reader, finish, repeating
from services.notifications.calendars import Office
from services.notifications.digests import digest
from services.notifications.extras import Extras
from services.notifications.links import Links
from services.notifications.mail import Mail, Words, build
from services.notifications.pace import Pace
from services.notifications.queue import Lease, Letter, Queue, Settled
from services.notifications.results import DOMAIN_BUSY, dated, not_mailable, put_off, result_of, unreached, unsendable
from services.notifications.settings import Settings
from services.notifications.smtp import Line
from services.notifications.texts import Own, render
from shared.clock import Clock

CLAIM: Final = 200
POLL_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 5
RENEW_SECONDS: Final = 10
LONGEST_PAUSE: Final = 30
log = structlog.get_logger()


class Sender:
    """One of any number of senders. `wake` may be set whenever something may have become due."""

    def __init__(self, queue: Queue, settings: Settings, clock: Clock, links: Links | None = None) -> None:
        self.wake = asyncio.Event()
        self._queue, self.settings, self._clock = queue, settings, clock
        links = links or Links(settings)
        self._extras, self._around = Extras(links, settings), Around(links, Office(settings.sender, settings.zone))
        self._lines = [Line(settings) for _ in range(settings.smtp_connections)]
        self._pace = Pace(settings.smtp_domain_connections, settings.smtp_connections)
        self._unwritten: dict[Lease, list[Settled]] = {}
        self._pause = 0.0
        self._idle_since: float | None = None
        self.settled: Counter[str] = Counter()
        """Messages that this process has settled, by status."""

    @property
    def reachable(self) -> bool:
        """False once the mail server could not be reached, until it is again."""
        return self._pause == 0

    async def send_forever(self) -> None:
        """Send until cancelled; a mail that is being handed over then is finished first."""
        try:
            while True:
                self.wake.clear()
                if await self.send_due():
                    self._idle_since = None
                else:
                    await self._rest()
        finally:
            await self.hang_up()

    async def send_due(self) -> int:
        """Send at most CLAIM messages; returns how many were due."""
        await self._catch_up()
        lease = Lease()
        try:
            letters = await self._queue.claim(lease, self._clock.now(), CLAIM)
            if to_send := await self._sort_out(lease, letters):
                own = await self._queue.texts.current()
                try:
                    await self._send(Batch(lease, to_send, own))
                finally:
                    await self._queue.texts.report(own, self._clock.now())
        finally:
            await self._release(lease)
        return len(letters)

    async def _catch_up(self) -> None:
        """Write what could not be while the database was away, before the leases end and others send it again."""
        for lease, results in [*self._unwritten.items()]:
            await self._queue.settle(lease, results)
            await self._queue.release(lease)
            del self._unwritten[lease]

    async def _release(self, lease: Lease) -> None:
        try:
            await self._queue.release(lease)
        except Exception:
            self._unwritten.setdefault(lease, [])
            raise

    async def _write(self, lease: Lease, results: Sequence[Settled]) -> None:
        now = self._clock.now()
        settled = [dated(result, now) for result in results]
        try:
            await self._queue.settle(lease, settled)
        except Exception:
            self._unwritten.setdefault(lease, []).extend(settled)
            raise
        self.settled.update(result.status for result in results if result.status != "planned")

    async def _rest(self) -> None:
        """Nothing is due: look again soon; hang up when that has been so for a while."""
        now = asyncio.get_running_loop().time()
        self._idle_since = self._idle_since or now
        if now >= self._idle_since + IDLE_SECONDS:
            await self.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self.wake.wait()

    async def hang_up(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(line.close() for line in self._lines))

    # --- before a connection is needed ------------------------------------------------------------------------------

    async def _sort_out(self, lease: Lease, letters: Sequence[Letter]) -> list[Letter]:
        """Settle what is not to be sent; return the others."""
        to_send, settled = [], []
        for letter in letters:
            result = unsendable(letter, self._clock.now(), self.settings.zone)
            if result is None:
                to_send.append(letter)
            else:
                settled.append(result)
        if settled:
            await self._write(lease, settled)
        return to_send

    # --- a batch on several connections -----------------------------------------------------------------------------

    async def _send(self, batch: Batch) -> None:
        """Hand over all; when no connection is left, wait before the next batch."""
        lanes = [asyncio.create_task(self._lane(line, batch)) for line in self._lines[: len(batch.readers)]]
        async with repeating(lambda: self._queue.renew(batch.lease), RENEW_SECONDS):
            await finish(lanes, batch)
        if batch.readers and batch.unreachable:
            await self._give_up_old(batch)
            self._pause = min(max(2 * self._pause, POLL_SECONDS), LONGEST_PAUSE)
            log.warning("mail server unreachable", reason=batch.unreachable, pause=self._pause)
            await self._queue.release(batch.lease)
            await asyncio.sleep(self._pause)
        else:
            self._pause = 0.0

    async def _lane(self, line: Line, batch: Batch) -> None:
        """One connection takes reader by reader, each reader's mails in their order."""
        while (reader := await batch.take(self._pace)) is not None:
            try:
                await self._reader(line, batch, reader)
            finally:
                self._pace.end(reader.domain)
                if reader.parcels:
                    batch.readers.appendleft(reader)
                batch.freed.set()

    async def _reader(self, line: Line, batch: Batch, reader: Reader) -> None:
        """All mails of one reader; those that stay were not handed over."""
        while reader.parcels and batch.goes_on:
            parcel, now = reader.parcels[0], self._clock.now()
            if (until := self._pace.left_alone(reader.domain, now)) is not None:
                await self._settle(batch, [put_off(letter, DOMAIN_BUSY, until) for letter in parcel])
            elif not await self._one(line, batch, reader.domain, parcel):
                return
            reader.parcels.popleft()

    async def _one(self, line: Line, batch: Batch, domain: str, parcel: Parcel) -> bool:
        """Hand over one mail and settle it; False if there is no connection."""
        mail = await self.write(parcel, batch.own)
        if mail is None:
            await self._settle(batch, [not_mailable(letter) for letter in parcel])
            return True
        reply = await line.deliver(mail)
        if reply.what == "unreachable":
            batch.unreachable = reply.reason
            return False
        now = self._clock.now()
        self._pace.told(domain, reply, now)
        await self._settle(batch, [result_of(letter, mail, reply, now) for letter in parcel])
        return True

    async def _settle(self, batch: Batch, settled: Sequence[Settled]) -> None:
        """Return once it is written; what other lanes have for us meanwhile is written with it."""
        batch.results += settled
        async with batch.writing:
            results, batch.results = batch.results, []
            await self._write(batch.lease, results)

    async def write(self, parcel: Parcel, own: Own) -> Mail | None:
        """The mail; None if none can be written."""
        letter = parcel[0]
        reader = letter.reader.person if letter.reader else None
        about = letter.about.person if letter.about else None
        if reader is None or about is None:
            return None
        try:
            extra = await self._extras.of(letter)
            zone = self.settings.zone
            if len(parcel) > 1:
                subject, body = digest(parcel, reader, zone, own)
            else:
                subject, body = render(letter.message, reader, about, letter.offering, zone, own, **extra.values)
            words = Words(reader.display_name, reader.email, reader.language, subject, body, files=extra.files)
            words = self._around.add(words, letter.message, reader, letter.offering, letter.choice)
            return build(letter.message.message_id, words, self.settings.sender, self._clock.now())
        except Exception as error:  # noqa: BLE001 - must not stop the others; its words may hold a name
            log.warning("mail cannot be written", message_id=letter.message.message_id, kind=type(error).__name__)
            return None

    async def _give_up_old(self, batch: Batch) -> None:
        """The server's absence is no mail's fault and no try of it; but after four days it is told."""
        now = self._clock.now()
        settled = [unreached(letter.message, now) for letter in batch.left()]
        await self._write(batch.lease, [result for result in settled if result is not None])
