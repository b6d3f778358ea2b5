"""The container stack as operations start it, under a name and on a port of its own."""

import contextlib
import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest

from lernbus.embedded.ports import free_port
from tests.support.stack import ROOT, environment

VERSION = "test"
IMAGE = f"lernbus:{VERSION}"
WAIT_SECONDS = 240
JOBS = frozenset({"secrets", "mongo-setup", "topics"})


def needs_docker() -> None:
    """Skip where there is no Docker; in CI that is a failure."""
    found = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30)
    if found.returncode == 0:
        return
    assert not os.environ.get("CI"), "this needs Docker, and in CI nothing is skipped"
    pytest.skip("needs Docker")


def docker(
    *words: str, check: bool = True, timeout: float = 60, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `docker` to its end; both of its outputs are one."""
    done = subprocess.run(
        ["docker", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
        env=environment(**(env or {})),
        cwd=ROOT,
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}"
    return done


def inspect(*names: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", *names).stdout)
    return found


class Compose:
    """One project; `settings` are the LERNBUS_ variables that it is started with."""

    def __init__(self, **settings: str) -> None:
        self.project, port = f"lernbus-{uuid.uuid4().hex[:8]}", free_port()
        self.env = {"LERNBUS_PORT": str(port), "LERNBUS_VERSION": VERSION, **settings}
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=self.url, timeout=60)

    def run(self, *words: str, check: bool = True, **env: str) -> str:
        """Run `docker compose` with this project to its end; what it has printed."""
        words = ("compose", "--project-name", self.project, *words)
        return docker(*words, check=check, timeout=WAIT_SECONDS, env={**self.env, **env}).stdout

    def up(self, *words: str, **env: str) -> None:
        """Start what is not running, and wait until all is healthy. A failure tells what the containers said."""
        said = self.run("up", "--detach", "--wait", *words, check=False, **env)
        unfit = [one for one in self.containers() if not is_fit(one)]
        assert not unfit, f"{said}\n{self.run('ps', '--all')}\n{self.run('logs', '--tail', '20')}"

    def containers(self, *services: str) -> list[dict[str, Any]]:
        """What Docker knows of them."""
        return inspect(*self.run("ps", "--all", "--quiet", *services).split())

    def close(self) -> None:
        self.http.close()
        self.run("down", "--volumes", "--timeout", "10")


def service_of(container: dict[str, Any]) -> str:
    name: str = container["Config"]["Labels"]["com.docker.compose.service"]
    return name


def is_fit(container: dict[str, Any]) -> bool:
    """Healthy, or a job that has done its work."""
    state = container["State"]
    if service_of(container) in JOBS:
        return bool(state["Status"] == "exited" and state["ExitCode"] == 0)
    return bool(state["Status"] == "running" and state["Health"]["Status"] == "healthy")


@contextlib.contextmanager
def composed(**settings: str) -> Iterator[Compose]:
    """A stack from nothing, removed with all of its data."""
    stack = Compose(**settings)
    try:
        stack.up("--build")
        yield stack
    finally:
        stack.close()
