"""The three servers of the embedded stack together, in one data directory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from lernbus.embedded.broker import broker
from lernbus.embedded.directory import data_directory
from lernbus.embedded.mongod import mongod
from lernbus.embedded.smtp_sink import smtp_sink


@dataclass(frozen=True)
class Servers:
    """Where the servers are; `death` gets one line when one of them ends before it should."""

    mongodb_uri: str
    bootstrap_servers: str
    smtp_port: int
    death: asyncio.Future[str]


@contextlib.asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Run mongod, broker and mail sink until the end of the block."""
    death: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_death(line: str) -> None:
        if not death.done():  # the first one tells why
            death.set_result(line)

    with data_directory() as directory:
        async with contextlib.AsyncExitStack() as stack, smtp_sink() as smtp_port:
            contexts = mongod(directory, on_death=on_death), broker(directory, on_death=on_death)
            # All are waited for, also when one fails, so that the stack knows each one that runs and stops it.
            started = await asyncio.gather(*map(stack.enter_async_context, contexts), return_exceptions=True)
            for result in started:
                if isinstance(result, BaseException):
                    raise result
            mongodb_uri, bootstrap = map(str, started)
            yield Servers(mongodb_uri, bootstrap, smtp_port, death)
