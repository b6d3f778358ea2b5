"""Ends a service's process once nothing but a restart helps; whoever runs it starts a new one."""

import asyncio
import contextlib
import faulthandler
from collections.abc import AsyncIterator

from lernbus.errors import CommandError
from shared.runtime import Service


class StalledError(CommandError):
    """The service made no progress."""


@contextlib.asynccontextmanager
async def watchdog(service: Service) -> AsyncIterator[None]:
    """Leave the block with StalledError when the service is beyond help (shared/health.py)."""
    watching = asyncio.create_task(_watch(service, asyncio.current_task()))
    try:
        yield
    except asyncio.CancelledError:
        if service.watch.dead.is_set():
            why = service.watch.verdict().why
            raise StalledError(f"{service.name} has ended, so that it is started again: {why}") from None
        raise
    finally:
        watching.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _watch(service: Service, main: asyncio.Task[None] | None) -> None:
    """Python's own watchdog ends the process without us when the event loop does not turn, or stopping takes too long.

    A process that was frozen for longer than `Budgets.restart` ends so when it wakes; others have its partitions then.
    """
    budgets, dead = service.settings.budgets, service.watch.dead
    while not dead.is_set():
        faulthandler.dump_traceback_later(budgets.restart, exit=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await dead.wait()
    faulthandler.dump_traceback_later(budgets.container_stop, exit=True)
    if main is not None:
        main.cancel()
