"""Servers as child processes: they die with us, even after kill -9, and when one dies before us somebody is told."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lernbus.embedded.wheels import INSTEAD, EmbeddedUnavailable
from lernbus.errors import CommandError

LAUNCH = Path(__file__).with_name("launch.py")
READY_SECONDS = 60  # on an idle machine it takes two
STOP_SECONDS = 5
TAIL_BYTES = 2000
MISSING_LIBRARY = re.compile(r"error while loading shared libraries: (\S+):")  # the dynamic linker's words
LIBRARIES = "libcurl4 libssl3"  # what mongod needs and a slim image of Debian or Ubuntu may not have

OnDeath = Callable[[str], None]


class ServerFailed(CommandError):
    """A server did not start; the message says which, how it ended and what it wrote last."""


def log_death(line: str) -> None:
    """The death of a server as an error in our log."""
    structlog.get_logger(__name__).error(line)


@dataclass(frozen=True)
class Server:
    """A child process whose output goes to a file."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def until(self, ready: Coroutine[Any, Any, None]) -> None:
        """Wait until `ready` returns; fail when the server ends or the time is over before that."""
        probe, end = asyncio.create_task(ready), asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait({probe, end}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not probe.done():
                raise self.failure()
            probe.result()
        finally:
            probe.cancel()
            end.cancel()
            await asyncio.gather(probe, end, return_exceptions=True)

    async def watch(self, on_death: OnDeath) -> None:
        """Wait until the server ends, and tell it with the last line that it wrote."""
        await self.process.wait()
        on_death(f"{self.what_happened()}: {self.tail().rpartition(os.linesep)[2]}")

    def failure(self) -> Exception:
        """Why it is not there: something is missing on this machine, or anything else with the end of its log."""
        if missing := MISSING_LIBRARY.search(tail := self.tail()):
            return EmbeddedUnavailable(f"{self.name} needs {missing[1]}", f"apt-get install {LIBRARIES}, or {INSTEAD}")
        return ServerFailed(f"{self.what_happened()}; its log ends:\n{tail}")

    def what_happened(self) -> str:
        """How it ended, or that it is not ready."""
        code = self.process.returncode
        if code is None:
            return f"{self.name} was not ready within {READY_SECONDS} s"
        return f"{self.name} ended unexpectedly ({f'signal {-code}' if code < 0 else f'exit code {code}'})"

    def tail(self) -> str:
        """The end of its log, at most 2,000 bytes."""
        return self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").strip()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that did not help in time."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.process.wait()
        finally:  # also when we are cancelled
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()


@contextlib.asynccontextmanager
async def server(
    name: str, directory: Path, command: list[str], ready: Callable[[], Coroutine[Any, Any, None]], on_death: OnDeath
) -> AsyncIterator[None]:
    """Run a command; the block begins when it is ready, and it is stopped after the block. Its log: `name`.log."""
    child = await _start(name, directory / f"{name}.log", command)
    try:
        await child.until(ready())
        watcher = asyncio.create_task(child.watch(on_death))
        try:
            yield
        finally:
            watcher.cancel()  # from now on its end is expected
            await asyncio.gather(watcher, return_exceptions=True)
    finally:
        await child.stop()


async def _start(name: str, log: Path, command: list[str]) -> Server:
    launcher = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid())]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=log.parent,
            start_new_session=True,  # the terminal's Ctrl-C is for us: we stop the servers last, in order
        )
    return Server(name, process, log)
