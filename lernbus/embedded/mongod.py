"""The document database: a real mongod as a replica set of one node, for transactions need a replica set."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from lernbus.embedded.ports import free_port, until_open
from lernbus.embedded.process import OnDeath, log_death, server
from lernbus.embedded.wheels import mongod_program

REPLICA_SET = "lernbus"
TRANSACTION_SECONDS = 5  # a dead owner's open transaction blocks its successor for so long; the default is 60
CACHE_GIGABYTES = 0.25
OPLOG_MEGABYTES = 512


@contextlib.asynccontextmanager
async def mongod(directory: Path, *, test_commands: bool = False, on_death: OnDeath = log_death) -> AsyncIterator[str]:
    """Run mongod on a free loopback port, as a primary that takes transactions; the connection string is yielded.

    `test_commands` allows fail points. `on_death` gets one line when mongod ends before the block does.
    """
    port = free_port()
    command = [str(mongod_program(directory)), *_options(directory, port)]
    if test_commands:
        command += ["--setParameter", "enableTestCommands=1"]
    async with server("mongod", directory, command, lambda: _make_primary(port), on_death):
        yield f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"


def _options(directory: Path, port: int) -> list[str]:
    data = directory / "mongod-data"
    data.mkdir()
    options = {
        "--dbpath": data,
        "--bind_ip": "127.0.0.1",
        "--port": port,
        "--replSet": REPLICA_SET,
        "--oplogSize": OPLOG_MEGABYTES,
        "--wiredTigerCacheSizeGB": CACHE_GIGABYTES,
    }
    parameters = {
        "transactionLifetimeLimitSeconds": TRANSACTION_SECONDS,
        "shutdownTimeoutMillisForSignaledShutdown": 100,  # there is no other node that could take over
        "diagnosticDataCollectionEnabled": "false",
    }
    return [
        "--quiet",
        "--nounixsocket",  # it would stay in /tmp after a kill
        *(word for name, value in options.items() for word in (name, str(value))),
        *(word for name, value in parameters.items() for word in ("--setParameter", f"{name}={value}")),
    ]


async def _make_primary(port: int) -> None:
    await until_open(port)
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
    async with AsyncMongoClient(f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}") as client:
        await client.admin.command("ping")
