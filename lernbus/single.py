"""One service as a process of its own, which is what a container starts."""

import asyncio
import socket
from typing import Any

from lernbus import serve
from lernbus.client import StackError
from lernbus.config import load
from lernbus.errors import CommandError
from lernbus.topics import TOPICS, ensure_topics
from services.enrolment import app as enrolment
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications import app as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.stats import app as stats
from services.stats.settings import Settings as StatsSettings
from shared.clock import Clock
from shared.credentials import BadFileError
from shared.guard import Doors, open_doors
from shared.runtime import Service
from shared.settings import Settings


def build(name: str) -> Service:
    """The service of this name, with the settings of its environment."""
    if name == "enrolment":
        return enrolment.build(load(EnrolmentSettings), Clock())
    if name == "notifications":
        return notifications.build(load(NotificationsSettings), Clock())
    if name == "stats":
        return stats.build(load(StatsSettings), Clock())
    raise StackError(f"there is no service {name}: it is enrolment, notifications or stats")


async def run_service(name: str) -> None:
    """Run until Ctrl-C or SIGTERM."""
    service = build(name)
    doors = _doors(service.settings)
    with serve.listen(service.settings.host, service.settings.port) as sock:
        await serve.until_stopped(_run(service, doors, sock))


def _doors(settings: Settings) -> Doors | None:
    try:
        return open_doors(settings)
    except BadFileError as error:
        raise CommandError(str(error)) from error


async def _run(service: Service, doors: Doors | None, sock: socket.socket) -> None:
    async with serve.serving(serve.application([service], doors=doors), sock), service.running():
        await asyncio.Event().wait()


async def make_topics() -> list[str]:
    """Create and check the topics; a line for each."""
    made: Any = await ensure_topics(load(EnrolmentSettings))
    return [f"{name}: {'created' if name in made else 'is there'}" for name in TOPICS]
