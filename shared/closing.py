"""Ends aiokafka's clients for good.

Their `stop` waits for answers. From a broker that gives none it must be cut off, and then tasks and connections of the
client would go on trying for as long as the process lives. It does not tell them to others, hence the private names.
"""

# ruff: noqa: SLF001 - see above

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError

SECONDS = 1


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Without a broker a producer waits for its pending records for ever: they are given up, and it gets a second.

    What it still holds is published again by its successor. What was given up may be on the wire: when that request
    fails, aiokafka misses its batch among the pending ones, and its sender ends with a KeyError.
    """
    producer._message_accumulator.fail_all(KafkaError("given up"))  # stop() would wait for these
    with contextlib.suppress(TimeoutError, KeyError):
        async with asyncio.timeout(SECONDS):
            await producer.stop()
            return
    await _end([producer._sender.sender_task], producer.client)


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """What is left of a consumer whose `stop` was cut off or has failed; nothing after an orderly one."""
    group, fetcher = consumer._coordinator, consumer._fetcher
    tasks = [getattr(group, name, None) for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")]
    tasks += [] if fetcher is None else [fetcher._fetch_task, *fetcher._pending_tasks]
    await _end(tasks, consumer._client)


class _Closed(dict[Any, AIOKafkaConnection]):
    """The connections of a client that has been ended: one that was still being made is closed when it comes."""

    def __setitem__(self, name: object, connection: AIOKafkaConnection) -> None:
        connection.close()
        super().__setitem__(name, connection)


async def _end(tasks: Iterable[asyncio.Task[None] | None], client: AIOKafkaClient) -> None:
    """First the tasks: they would open the connections again, as others that nobody holds may still do."""
    client._conns = _Closed(client._conns)
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=SECONDS)
    with contextlib.suppress(TimeoutError):  # it flushes what it has not sent yet
        async with asyncio.timeout(SECONDS):
            await client.close()
