"""The embedded stack: real servers from wheels and the three services in one process on one port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from lernbus import serve
from lernbus.embedded.servers import servers
from lernbus.topics import ensure_topics
from services.enrolment import app as enrolment
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications import app as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.stats import app as stats
from services.stats.settings import Settings as StatsSettings
from shared.clock import Clock
from shared.runtime import Service
from shared.web import Json, ProblemError

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
            services = _services(common, places.smtp_port, clock)
            await ensure_topics(services[0].settings)
            await asyncio.gather(*(stack.enter_async_context(service.running()) for service in services))
            await _all_ready(services)
            app = serve.application(services, [_index(), _clock(clock, movable=now is not None)])
            await stack.enter_async_context(serve.serving(app, sock))
            yield Stack(f"http://127.0.0.1:{sock.getsockname()[1]}", places.death)


def _services(common: dict[str, Any], smtp_port: int, clock: Clock) -> list[Service]:
    return [
        enrolment.build(EnrolmentSettings(**common), clock),
        notifications.build(
            NotificationsSettings(**common, smtp_host="127.0.0.1", smtp_port=smtp_port, smtp_security="none"), clock
        ),
        stats.build(StatsSettings(**common), clock),
    ]


async def _all_ready(services: list[Service]) -> None:
    while not all(service.kernel.ready for service in services):  # noqa: ASYNC110 (three events would be more)
        await asyncio.sleep(0.02)


def _index() -> APIRouter:
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    async def index() -> Response:
        return RedirectResponse("/enrolment/")

    return routes


def _clock(clock: Clock, *, movable: bool) -> APIRouter:
    """GET and PUT /clock: {now}."""
    routes = APIRouter()

    @routes.get("/clock")
    async def read() -> Response:
        return Json({"now": clock.now()})

    @routes.put("/clock")
    async def move(request: Request) -> Response:
        if not movable:
            raise ProblemError(409, "this stack runs on real time: start it with --now to move its clock")
        try:
            moment = datetime.fromisoformat((await request.json())["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProblemError(400, 'send {"now": a time with an offset}') from error
        if moment.tzinfo is None:
            raise ProblemError(400, "the time needs an offset")
        clock.set(moment)
        return Json({"now": clock.now()})

    return routes
