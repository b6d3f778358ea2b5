"""Is a neighbour there? Asked over connections of their own: a client of ours that hangs must not be taken for it."""

import asyncio
import ssl
import struct
from collections.abc import Iterable
from typing import Any, Final

import bson
from pymongo import AsyncMongoClient

from shared.settings import Settings

SECONDS: Final = 3
KAFKA: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""ApiVersions, version 0: every broker answers it, before anybody has logged in."""
_HELLO: Final = bytes(4) + b"\0" + bson.encode({"hello": 1, "$db": "admin"})
MONGODB: Final = struct.pack("<iiii", 16 + len(_HELLO), 1, 0, 2013) + _HELLO
"""OP_MSG `hello`: the same."""


async def kafka(settings: Settings, tls: ssl.SSLContext | None) -> bool:
    """True if one of the brokers that we know answers."""
    return await _any(map(_place, settings.kafka.split(",")), KAFKA, tls)


def _place(broker: str) -> tuple[str, int]:
    """Host and port; 9092 is Kafka's own."""
    host, colon, port = broker.strip().rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else (broker.strip(" []"), 9092)


async def mongodb(client: AsyncMongoClient[dict[str, Any]]) -> bool:
    """True if one of the servers that the client knows answers."""
    servers = client.topology_description.server_descriptions()
    tls: Any = client.options.pool_options._ssl_context  # noqa: SLF001 - it tells it to nobody else
    return await _any(((host, port) for host, port in servers if port is not None), MONGODB, tls)


async def _any(places: Iterable[tuple[str, int]], question: bytes, tls: ssl.SSLContext | None) -> bool:
    return any(await asyncio.gather(*(_answers(host, port, question, tls) for host, port in places)))


async def _answers(host: str, port: int, question: bytes, tls: ssl.SSLContext | None) -> bool:
    writer = None
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            writer.write(question)
            await reader.readexactly(4)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    else:
        return True
    finally:
        if writer is not None:
            writer.transport.abort()
