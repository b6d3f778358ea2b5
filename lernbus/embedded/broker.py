"""The event bus: the Kafka-compatible broker Tansu. What it is told it holds in memory, and forgets when it stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaError

from lernbus.embedded.directory import data_directory
from lernbus.embedded.ports import POLL_SECONDS, free_port, until_open
from lernbus.embedded.process import OnDeath, log_death, server
from lernbus.embedded.wheels import broker_program


@contextlib.asynccontextmanager
async def broker(directory: Path | None = None, *, on_death: OnDeath = log_death) -> AsyncIterator[str]:
    """Run the broker on a free loopback port; its address for clients is yielded.

    Its log is in `directory`, or in one of its own. `on_death` gets one line when it ends before the block does.
    """
    with contextlib.ExitStack() as stack:
        place = directory or stack.enter_context(data_directory())
        port = free_port()
        async with server("broker", place, _command(port), lambda: _answers(port), on_death):
            yield f"127.0.0.1:{port}"


def _command(port: int) -> list[str]:
    address = f"tcp://127.0.0.1:{port}"
    return [
        *(str(broker_program()), "broker", "--storage-engine", "memory://tansu/"),
        *("--listener-url", address, "--advertised-listener-url", address),
    ]


async def _answers(port: int) -> None:
    await until_open(port)
    while True:
        client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port}")
        try:
            await client.bootstrap()
        except KafkaError:
            await asyncio.sleep(POLL_SECONDS)
        else:
            return
        finally:
            await client.close()
