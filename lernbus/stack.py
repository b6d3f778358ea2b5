"""The embedded stack: real servers from wheels and the three services in one process on one port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from lernbus import serve
from lernbus.embedded.servers import servers
from lernbus.moving import Move, router
from lernbus.roots import NAMES, build, kind_of
from lernbus.topics import ensure_topics
from shared.clock import Clock
from shared.runtime import Service

PARTITIONS = 4


@dataclass(frozen=True)
class Stack:
    """A running stack: where its pages are, and the future that tells when a server has died."""

    url: str
    death: asyncio.Future[str]


@contextlib.asynccontextmanager
async def embedded(port: int, now: datetime | None) -> AsyncIterator[Stack]:
    """Run everything; `now` starts its clock there and lets it be moved."""
    sock = serve.listen("127.0.0.1", port)
    clock = Clock(now)
    with contextlib.closing(sock):
        async with servers() as places, contextlib.AsyncExitStack() as stack:
            common: dict[str, Any] = {
                "kafka": places.bootstrap_servers,
                "mongo": places.mongodb_uri,
                "broker": "embedded",
                "partitions": PARTITIONS,
            }
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            services = _services(common, places.smtp_port, url, clock)
            await ensure_topics(services[0].settings)
            await asyncio.gather(*(stack.enter_async_context(service.running()) for service in services))
            await _all_ready(services)
            app = serve.application(services, [_index(), router(clock, None if now is None else _mover(clock))])
            await stack.enter_async_context(serve.serving(app, sock))
            yield Stack(url, places.death)


def _services(common: dict[str, Any], smtp_port: int, url: str, clock: Clock) -> list[Service]:
    mail: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_security": "none"}
    mail["public_url"] = url
    return [build(kind_of(name)(**common, **mail), clock) for name in NAMES]


async def _all_ready(services: list[Service]) -> None:
    while not all(service.kernel.ready for service in services):  # noqa: ASYNC110 (three events would be more)
        await asyncio.sleep(0.02)


def _index() -> APIRouter:
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    async def index() -> Response:
        return RedirectResponse("/enrolment/")

    return routes


def _mover(clock: Clock) -> Move:
    async def move(moment: datetime) -> None:
        clock.set(moment)

    return move
