"""The letters of one claim, shared by the connections that send them, and what a reply means for a message."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.notifications.mail import Mail
from services.notifications.messages import Message, MessageStatus, after_refusal
from services.notifications.queue import Lease, Letter, Settled
from services.notifications.smtp import Reply
from services.notifications.texts import Own

LAST_MAIL_SECONDS: Final = 10
"""So long a mail that is being handed over may take when we are told to stop."""
FINAL: Final[Mapping[str, MessageStatus]] = {"sent": "sent", "unclear": "unclear"}


def result_of(message: Message, mail: Mail, reply: Reply, now: datetime) -> Settled:
    """What a mail server's reply means for a message."""
    if reply.what in ("later", "broken"):
        message.attempts += 1
        if (next_try := after_refusal(message, now)) is not None:
            return Settled(
                message_id=message.message_id,
                status="planned",
                reason=reply.reason,
                next_try=next_try,
                tried_at=message.tried_at or now,
                attempts=message.attempts,
            )
    status = FINAL.get(reply.what, "failed")
    return Settled(
        message_id=message.message_id,
        status=status,
        reason=reply.reason,
        to=mail.to,
        subject=mail.subject,
        language=mail.language,
        sent_at=now if status == "sent" else None,
        raw=None if status == "failed" else mail.raw,
    )


class Batch:
    """The letters of one claim, by reader; lanes take from the left and put back what they could not hand over."""

    def __init__(self, lease: Lease, letters: Sequence[Letter], own: Own) -> None:
        self.lease, self.own = lease, own
        self.stopping = False
        self.unreachable: str | None = None
        self.results: list[Settled] = []
        self.writing = asyncio.Lock()
        groups: dict[str | None, deque[Letter]] = {}
        for letter in letters:
            groups.setdefault(letter.message.person_id, deque()).append(letter)
        self.readers = deque(groups.values())

    @property
    def goes_on(self) -> bool:
        """False when told to stop, or when the messages may be another sender's by now."""
        return not self.stopping and self.lease.good


async def finish(lanes: Sequence[asyncio.Task[None]], batch: Batch) -> None:
    """Wait for all lanes; when cancelled, let each finish its mail."""
    try:
        await asyncio.gather(*(asyncio.shield(lane) for lane in lanes))
    finally:
        batch.stopping = True
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
