"""Streams of changes, over a real server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import Request
from fastapi.responses import Response

from lernbus import serve
from shared import live
from shared.live import Live


class Source:
    """What a page shows: counts how often it is asked."""

    def __init__(self) -> None:
        self.version, self.asked = 1, 0

    async def fingerprint(self, _which: str) -> int:
        self.asked += 1
        return self.version


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.02)
    return Source()


@contextlib.asynccontextmanager
async def served(changes: Live) -> AsyncIterator[str]:
    app = serve.application([])

    @app.get("/live/{which}")
    async def answer(request: Request, which: str) -> Response:
        return changes.answer(request, which)

    with serve.listen("127.0.0.1", 0) as sock:
        async with serve.serving(app, sock):
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def until(lines: AsyncIterator[str], start: str) -> str:
    async with asyncio.timeout(5):
        return await anext(line async for line in lines if line.startswith(start))


async def test_an_event_for_each_change_and_none_for_what_was_seen(source: Source) -> None:
    changes = Live(source.fingerprint)
    async with served(changes) as url, httpx2.AsyncClient(base_url=url) as http:
        seen = await changes.mark("a")
        async with http.stream("GET", f"/live/a?seen={seen}") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            lines = answer.aiter_lines()
            await until(lines, ": listening")
            await asyncio.sleep(0.1)
            source.version = 2
            assert await until(lines, "id: ") == f"id: {await changes.mark('a')}"
        async with http.stream("GET", "/live/a", headers={"last-event-id": seen}) as answer:
            assert await until(answer.aiter_lines(), "data: ") == f"data: {await changes.mark('a')}"


async def test_one_poll_for_all_and_none_for_nobody(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.1)
    changes = Live(source.fingerprint)
    async with served(changes) as url, httpx2.AsyncClient(base_url=url) as http:
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(http.stream("GET", "/live/a")) for _ in range(10)]
            reading = [answer.aiter_lines() for answer in streams]
            for lines in reading:
                await until(lines, "data: ")
            source.asked, began = 0, time.monotonic()
            await asyncio.sleep(0.5)
            assert 1 <= source.asked <= (time.monotonic() - began) / 0.1 + 1
        await asyncio.sleep(0.3)
        source.asked = 0
        await asyncio.sleep(0.3)
        assert source.asked == 0


async def test_a_comment_keeps_the_connection(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "COMMENT_SECONDS", 0.05)
    changes = Live(source.fingerprint)
    async with (
        served(changes) as url,
        httpx2.AsyncClient(base_url=url) as http,
        http.stream("GET", "/live/a") as answer,
    ):
        await until(answer.aiter_lines(), ": nothing new")


async def test_it_ends_at_once_when_the_server_stops(source: Source) -> None:
    changes = Live(source.fingerprint)
    async with httpx2.AsyncClient(timeout=10) as http, contextlib.AsyncExitStack() as stack:
        async with served(changes) as url:
            answer = await stack.enter_async_context(http.stream("GET", f"{url}/live/a"))
            lines = answer.aiter_lines()
            await until(lines, "data: ")
            began = time.monotonic()
        assert time.monotonic() - began < 2  # uvicorn would cut it off after 5
        assert [line async for line in lines if not line.startswith(":")] in ([], [""])
