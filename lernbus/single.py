"""One service as a process of its own, which is what a container starts."""

import asyncio
import contextlib
import socket

from lernbus import serve
from lernbus.config import load
from lernbus.errors import CommandError
from lernbus.moving import CommonClock, router
from lernbus.roots import build, kind_of
from lernbus.topics import ensure_topics, names
from lernbus.watchdog import watchdog
from services.enrolment.settings import Settings as EnrolmentSettings
from shared import live
from shared.clock import Clock
from shared.credentials import BadFileError
from shared.guard import Doors, open_doors
from shared.runtime import Service
from shared.settings import Settings


async def run_service(name: str) -> None:
    """Run until Ctrl-C or SIGTERM."""
    settings = load(kind_of(name))
    clock, doors = Clock(settings.now), _doors(settings)
    service = build(settings, clock)
    with serve.listen(settings.host, settings.port) as sock:
        await serve.until_stopped(_run(service, clock, doors, sock))


def _doors(settings: Settings) -> Doors | None:
    try:
        return open_doors(settings)
    except BadFileError as error:
        raise CommandError(str(error)) from error


async def _run(service: Service, clock: Clock, doors: Doors | None, sock: socket.socket) -> None:
    common = None if service.settings.now is None else CommonClock(service.settings, clock)
    app = serve.application([service], [router(clock, common.move if common else None)], doors)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(watchdog(service))
        await stack.enter_async_context(serve.serving(app, sock))
        if common is not None:
            await stack.enter_async_context(common.followed())
        await stack.enter_async_context(service.running())
        stack.callback(live.stopping(app).set)  # pages that listen must not hold up what stops first
        await asyncio.Event().wait()


async def make_topics() -> list[str]:
    """Create and check the topics; a line for each."""
    settings = load(EnrolmentSettings)
    made = await ensure_topics(settings)
    return [f"{name}: {'created' if name in made else 'is there'}" for name in names(settings)]
