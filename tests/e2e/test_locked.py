"""A service that listens beyond loopback, with keys and users: who gets in, and in which order refusals come."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from lernbus.client import Client, StackError
from lernbus.topics import TOPICS
from shared.passwords import HASHER
from tests.e2e.test_door import problem
from tests.support.servers import Kafka, delete_topics, free_port
from tests.support.stack import BATCH, ROOT, Running, environment, offering, running
from tests.unit.shared.test_credentials import line


class Locked:
    """enrolment behind its doors, and the file of its keys."""

    def __init__(self, keys: Path, service: Running) -> None:
        self.keys, self.service = keys, service

    def push(self, key: str, content: object = (), kind: str = BATCH) -> httpx2.Response:
        return self.service.post(content or [], kind, authorization=f"Bearer {key}")


@pytest.fixture(scope="module")
def settings(kafka: Kafka, mongo_uri: str) -> dict[str, str]:
    delete_topics(kafka.bootstrap, TOPICS)
    broker = "kafka" if kafka.idempotent else "embedded"
    found = {"LERNBUS_KAFKA": kafka.bootstrap, "LERNBUS_MONGO": mongo_uri, "LERNBUS_BROKER": broker}
    found |= {"LERNBUS_PARTITIONS": "3", "LERNBUS_DATABASE": "e2e_locked", "LERNBUS_HOST": "0.0.0.0"}  # noqa: S104
    assert lernbus("topics", found).returncode == 0
    return found


def lernbus(words: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "lernbus.cli", *words.split()]
    return subprocess.run(
        line, env=environment(**settings), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def locked(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    directory, port = tmp_path_factory.mktemp("doors"), str(free_port())
    keys, users = directory / "keys", directory / "users"
    keys.write_text("\n".join([line("lms/test", "lms-key"), line("lms/other", "other-key"), line("*", "op-key")]))
    users.write_text(f"Jürgen: {HASHER.hash('Paßwort')}")
    own = {**settings, "LERNBUS_PORT": port, "LERNBUS_KEYS": str(keys), "LERNBUS_USERS": str(users)}
    with running("run", "enrolment", url=f"http://127.0.0.1:{port}", **own) as service:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                if service.http.get("/enrolment/health/ready").status_code == 200:
                    break
            assert time.monotonic() < deadline, service.lines
            time.sleep(0.1)
        yield Locked(keys, service)


def test_a_sender_sends_for_its_own_source_and_the_operator_for_every_one(locked: Locked, unique: str) -> None:
    mine, foreign = offering(unique), {**offering(unique), "source": "lms/other"}
    refused = problem(locked.push("lms-key", [mine, foreign]), 403)

    assert [(one["index"], one["field"]) for one in refused["errors"]] == [(1, "source")]
    assert "lms/test" in refused["errors"][0]["reason"]
    assert locked.push("op-key", [mine, foreign]).json() == {"accepted": 2}
    assert locked.push("other-key", [foreign]).json() == {"accepted": 1}
    basic = locked.service.http.post(
        "/enrolment/lms/events", json=[mine], headers={"content-type": BATCH}, auth=("lms/test", "lms-key")
    )
    assert basic.json() == {"accepted": 1}


def test_refusals_come_in_the_order_401_415_400_403(locked: Locked, unique: str) -> None:
    """Nobody learns anything of an event without a key; whose event it is, is known once it could be read."""
    foreign, broken = {**offering(unique), "source": "lms/other"}, {"id": "x"}

    assert problem(locked.push("wrong", b"{", "text/plain"), 401)
    assert problem(locked.push("lms-key", b"{", "text/plain"), 415)
    assert problem(locked.push("lms-key", [foreign, broken]), 400)
    assert problem(locked.push("lms-key", [foreign]), 403)
    answer = locked.service.post([])
    assert problem(answer, 401)
    assert answer.headers["www-authenticate"] == 'Basic realm="Lernbus", charset="UTF-8", Bearer realm="Lernbus"'


def test_pages_and_figures_are_for_the_office_and_the_operator(locked: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    http = locked.service.http
    paths = ["/enrolment/", "/enrolment/api/progress", "/enrolment/api/offerings/none", "/openapi.json"]
    office, operator = {"auth": ("Jürgen".encode(), "Paßwort".encode())}, {"auth": ("", "op-key")}

    assert [http.get(path).status_code for path in paths] == [401] * 4
    assert [http.get(path, **office).status_code for path in paths] == [200, 200, 404, 200]  # type: ignore[arg-type]
    assert [http.get(path, **operator).status_code for path in paths] == [200, 200, 404, 200]  # type: ignore[arg-type]
    assert http.get("/enrolment/", auth=("Jürgen".encode(), b"wrong")).status_code == 401
    assert http.get("/enrolment/", headers={"authorization": "Bearer lms-key"}).status_code == 403
    assert [http.get(f"/enrolment/health/{one}").status_code for one in ("live", "ready")] == [200, 200]
    monkeypatch.setenv("LERNBUS_KEY", "op-key")
    with Client(locked.service.url) as client:
        assert client.get("/enrolment/api/progress")["topics"]
    monkeypatch.setenv("LERNBUS_KEY", "wrong")
    with Client(locked.service.url) as client, pytest.raises(StackError, match="not known"):
        client.get("/enrolment/api/progress")


def test_a_page_of_another_site_sends_nothing_in_the_name_of_who_is_logged_in(locked: Locked) -> None:
    answers = [
        locked.service.http.post("/enrolment/api/marks", auth=("Jürgen".encode(), "Paßwort".encode()), headers=headers)
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "null"}, {"origin": locked.service.url}, {})
    ]

    assert [one.status_code for one in answers] == [403, 403, 202, 202]


def test_keys_change_without_a_restart(locked: Locked) -> None:
    old = locked.keys.read_text()
    try:
        locked.keys.write_text(f"{old}\n{line('lms/test', 'new-key')}")
        assert [locked.push(key).status_code for key in ("lms-key", "new-key")] == [202, 202]
        locked.keys.write_text(f"{old}\nnonsense")
        assert [locked.push(key).status_code for key in ("lms-key", "new-key")] == [202, 202]
        locked.keys.write_text("\n".join([line("lms/test", "new-key"), line("*", "op-key")]))
        assert [locked.push(key).status_code for key in ("lms-key", "new-key")] == [401, 202]
    finally:
        locked.keys.write_text(old)
    assert sum("changed and unusable" in one for one in locked.service.lines) == 1


@pytest.mark.parametrize("service", ["enrolment", "notifications", "stats"])
def test_without_keys_and_users_no_service_starts_beyond_loopback(settings: dict[str, str], service: str) -> None:
    found = lernbus(f"run {service}", settings)

    assert found.returncode == 2
    assert found.stderr.startswith("lernbus: LERNBUS_KEYS and LERNBUS_USERS must be set")
    assert len(found.stderr.splitlines()) == 1
