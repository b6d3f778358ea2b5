"""Kafka, MongoDB and a mail server that demand TLS and a password: from push to mail, and with wrong ones."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest

from lernbus.topics import TOPICS
from tests.support.secure import Secure, secure_neighbours
from tests.support.servers import free_port
from tests.support.stack import ROOT, Running, environment, offering, person, request, running

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secure_neighbours(tmp_path_factory.mktemp("secure")) as found:
        found.settings["LERNBUS_PARTITIONS"] = "3"
        found.settings["LERNBUS_MAIL_FROM"] = "fortbildung@stadt.example"
        made = lernbus("topics", found.settings)
        assert made.stdout.count("created") == len(TOPICS), made.stderr
        yield found


def lernbus(words: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "lernbus.cli", *words.split()]
    return subprocess.run(
        line, env=environment(**settings), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@contextlib.contextmanager
def service(name: str, settings: dict[str, str]) -> Iterator[Running]:
    port = str(free_port())
    own = {**settings, "LERNBUS_PORT": port, "LERNBUS_DATABASE": f"secure_{name}"}
    with running("run", name, url=f"http://127.0.0.1:{port}", **own) as process:
        yield process


def until(true: Callable[[], object], process: Running, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            if true():
                return
        assert time.monotonic() < deadline, "".join(process.lines)
        time.sleep(0.2)


def is_ready(process: Running, name: str) -> bool:
    return process.http.get(f"/{name}/health/ready").status_code == 200


def mailed(secure: Secure, address: str) -> int:
    messages = httpx2.get(f"{secure.mails}/messages").json()["messages"]
    return sum(address in [to["Address"] for to in one["To"]] for one in messages)


def test_from_push_to_mail_and_a_mail_server_that_refuses_us_is_named(secure: Secure) -> None:
    """The three services; then notifications with a wrong authority and a wrong password, and the mail waits."""
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(service(name, secure.settings)) for name in ("enrolment", "stats")}
        with service("notifications", secure.settings) as notifications:
            for name, process in {**processes, "notifications": notifications}.items():
                until(lambda name=name, process=process: is_ready(process, name), process)  # type: ignore[misc]
            pushed = [offering("o"), person("first"), person("second"), request("o", "first")]
            assert processes["enrolment"].post(pushed).json() == {"accepted": 4}
            until(lambda: mailed(secure, "first@stadt.example") == 1, notifications)
        tally = processes["stats"].http.get("/stats/api/progress").json
        until(lambda: tally()["tally"].get("enrolment.events", {}).get("applied"), processes["stats"])

        processes["enrolment"].post([request("o", "second")])
        for wrong, words in (
            ({"LERNBUS_SMTP_CA": str(secure.directory / "other.pem")}, "its certificate is not trusted"),
            ({"LERNBUS_SMTP_PASSWORD": "wr0ng"}, "535"),
        ):
            with service("notifications", {**secure.settings, **wrong}) as notifications:
                until(lambda: "mail server unreachable" in "".join(notifications.lines), notifications)
                (line, *_) = [one for one in notifications.lines if "mail server unreachable" in one]
                assert words in line
                assert not mailed(secure, "second@stadt.example")
                assert_no_secret(secure, notifications)
        with service("notifications", secure.settings) as notifications:
            until(lambda: mailed(secure, "second@stadt.example") == 1, notifications)
        for process in processes.values():
            assert_no_secret(secure, process)


WRONG: list[tuple[str, dict[str, str], list[str]]] = [
    ("enrolment", {"LERNBUS_KAFKA_CA": "other.pem"}, ["CERTIFICATE_VERIFY_FAILED", "waiting for the broker"]),
    ("notifications", {"LERNBUS_KAFKA_PASSWORD": "wr0ng"}, ["invalid credentials", "waiting for the broker"]),
    ("stats", {"LERNBUS_MONGO": "other.pem"}, ["waiting for the database", "its certificate is not trusted"]),
    ("enrolment", {"LERNBUS_MONGO": "wr0ng"}, ["waiting for the database", "it refuses our user or password"]),
]


@pytest.mark.parametrize(("name", "wrong", "words"), WRONG, ids=["-".join((one[0], *one[1])) for one in WRONG])
def test_a_service_that_kafka_or_mongodb_refuses_says_why(
    secure: Secure, name: str, wrong: dict[str, str], words: list[str]
) -> None:
    mongo = {"wr0ng": secure.mongo("wr0ng"), "other.pem": secure.mongo(secure.passwords["mongo"], "other.pem")}
    other = {"wr0ng": "wr0ng", "other.pem": str(secure.directory / "other.pem")}
    given = {one: (mongo if one == "LERNBUS_MONGO" else other)[value] for one, value in wrong.items()}
    with service(name, {**secure.settings, **given}) as process:
        until(lambda: all(word in "".join(process.lines) for word in words), process)
        assert_no_secret(secure, process)


def assert_no_secret(secure: Secure, process: Running) -> None:
    said = "".join(process.lines)
    assert not [one for one in (*secure.passwords.values(), "wr0ng") if one in said]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"LERNBUS_KAFKA_PASSWORD": "wr0ng"}, "invalid credentials"),
        ({"LERNBUS_KAFKA_CA": "other.pem"}, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_the_command_line_says_it_too(secure: Secure, wrong: dict[str, str], words: str) -> None:
    given = {name: value.replace("other.pem", str(secure.directory / "other.pem")) for name, value in wrong.items()}
    found = lernbus("topics", {**secure.settings, **given})

    assert found.returncode == 2
    assert words in found.stderr
    assert found.stderr.splitlines()[-1].startswith("lernbus: Kafka at localhost:")
    assert "Traceback" not in found.stderr
    assert not [one for one in (*secure.passwords.values(), "wr0ng") if one in found.stderr]
