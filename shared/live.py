"""Tells open pages that what they show has changed: server-sent events (HTML standard, 9.2).

    changes = Live(lists.fingerprint)  # cheap: a version, or positions

    @routes.get("/live/{offering_id:path}")
    async def live(request: Request, offering_id: str) -> Response:
        return changes.answer(request, offering_id)

The page names the address in `<main data-live=...>`, with what it has seen: `live=f"/x/live/{id}?seen={await
changes.mark(id)}"`. So nothing is missed between its rendering and its listening, nor between two connections.
One poll a second and fingerprint for all who listen, none where nobody does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse
from pymongo.errors import PyMongoError
from starlette.applications import Starlette

from shared.pages import HEADERS as PAGE_HEADERS

POLL_SECONDS: Final = 1.0
COMMENT_SECONDS: Final = 15.0
"""Half of the time after which the gateway gives up an answer that says nothing."""
HEADERS: Final = {**PAGE_HEADERS, "X-Accel-Buffering": "no"}
Fingerprint = Callable[..., Awaitable[object]]
log = structlog.get_logger()


class Live:
    """The changes of one kind of page; `fingerprint` takes what tells its pages apart."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self._fingerprint = fingerprint
        self._watches: dict[tuple[str, ...], _Watch] = {}

    async def mark(self, *which: str) -> str:
        """What a page that is rendered now will have seen."""
        return _mark(await self._fingerprint(*which))

    def answer(self, request: Request, *which: str) -> StreamingResponse:
        """A stream with an event for each change; it ends with the server, or when nobody reads it any more."""
        return StreamingResponse(self._stream(request, which), headers=HEADERS, media_type="text/event-stream")

    async def _stream(self, request: Request, which: tuple[str, ...]) -> AsyncIterator[str]:
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        ends: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(_disconnected(request)),
            asyncio.ensure_future(stopping(request.app).wait()),
        ]
        watch = self._watches.setdefault(which, _Watch(lambda: self._fingerprint(*which)))
        watch.join()
        try:
            yield ": listening\n\n"
            while not any(end.done() for end in ends):
                if watch.mark not in ("", seen):
                    seen = watch.mark
                    yield f"id: {seen}\nevent: changed\ndata: {seen}\n\n"
                elif not await _first(watch.changed, ends):
                    yield ": nothing new\n\n"
        finally:
            for end in ends:
                end.cancel()
            if watch.leave():
                self._watches.pop(which, None)


class _Watch:
    """One fingerprint, polled while anybody listens."""

    def __init__(self, ask: Callable[[], Awaitable[object]]) -> None:
        self._ask, self._listeners = ask, 0
        self._task: asyncio.Task[None] | None = None
        self.mark, self.changed = "", asyncio.Event()

    def join(self) -> None:
        """One more listens."""
        self._listeners += 1
        if self._task is None:
            self._task = asyncio.create_task(self._poll())

    def leave(self) -> bool:
        """True if nobody is left."""
        self._listeners -= 1
        if self._listeners == 0 and self._task is not None:
            self._task.cancel()
        return self._listeners == 0

    async def _poll(self) -> None:
        while True:
            try:
                mark = _mark(await self._ask())
            except PyMongoError as error:
                log.warning("what pages show cannot be read", kind=type(error).__name__)
            else:
                if mark != self.mark:
                    self.mark, changed, self.changed = mark, self.changed, asyncio.Event()
                    changed.set()
            await asyncio.sleep(POLL_SECONDS)


def stopping(app: Starlette) -> asyncio.Event:
    """Set when the server is asked to stop: it waits for its answers, and a stream has no end of its own."""
    if not hasattr(app.state, "stopping"):
        app.state.stopping = asyncio.Event()
    event: asyncio.Event = app.state.stopping
    return event


def _mark(fingerprint: object) -> str:
    return blake2b(repr(fingerprint).encode(), digest_size=9).hexdigest()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _first(changed: asyncio.Event, ends: list[asyncio.Future[Any]]) -> bool:
    """Wait for a change or an end; False if neither came in time."""
    waiting = asyncio.ensure_future(changed.wait())
    try:
        done, _ = await asyncio.wait({waiting, *ends}, timeout=COMMENT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return bool(done)
