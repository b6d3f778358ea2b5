"""Serves HTTP for one service or for all three, and stops when told."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from lernbus.errors import CommandError
from shared import dead_letters_api, dead_letters_pages, live, status, web
from shared.guard import Doors, Guard
from shared.openapi import CONTRACT, Application
from shared.runtime import Service
from shared.settings import STATIC


class PortTakenError(CommandError):
    """Another program listens there; the message is one line."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the stack stops its parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def application(services: Sequence[Service], more: Sequence[APIRouter] = (), doors: Doors | None = None) -> FastAPI:
    """One application with the routes of these services; without doors nobody is asked."""
    app = Application(title="Lernbus", version=CONTRACT, docs_url=None, redoc_url=None)
    web.install(app)
    app.add_middleware(Guard, doors=doors)
    for service in services:
        letters = (dead_letters_api.router(service), dead_letters_pages.router(service))
        for router in (*service.routers, status.router(service), *letters):
            app.include_router(router, tags=[service.name])
    for router in more:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def listen(host: str, port: int) -> socket.socket:
    """Take the port at once, so that a taken one is told before anything else starts."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise PortTakenError(f"cannot listen on {host} port {port}: {error.strerror}") from error


@contextlib.asynccontextmanager
async def serving(app: FastAPI, sock: socket.socket) -> AsyncIterator[None]:
    """Answer HTTP on this socket until the end of the block."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve([sock]))
    while not server.started and not task.done():  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        live.stopping(app).set()
        server.should_exit = True
        await task


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Do the work until its end, or until Ctrl-C or SIGTERM, also while it is still starting.

    It is cancelled then, and has stopped what it had started when this returns.
    """
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
