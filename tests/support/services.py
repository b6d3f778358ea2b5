"""Each service as a process of its own against a broker and a database: how operations run them."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2

from lernbus.client import Client, Query
from lernbus.embedded.smtp_sink import smtp_sink
from lernbus.topics import TOPICS
from tests.support.servers import Kafka, delete_topics, free_port, in_background
from tests.support.stack import ROOT, Running, environment, running

PARTITIONS = 6


class Services:
    """Three processes, each with its own port."""

    def __init__(self, kafka: Kafka, settings: dict[str, str], urls: dict[str, str], databases: str) -> None:
        self.kafka, self.settings, self.urls, self.databases = kafka, settings, urls, databases
        self.processes: dict[str, Running] = {}
        self._stack = contextlib.ExitStack()

    def start(self, name: str) -> None:
        """Start a service at its address."""
        url = self.urls[name]
        own = {"LERNBUS_PORT": url.rpartition(":")[2], "LERNBUS_DATABASE": f"{self.databases}_{name}"}
        self.processes[name] = self._stack.enter_context(running("run", name, url=url, **self.settings, **own))

    def kill(self, name: str) -> None:
        """End a service at once (SIGKILL)."""
        self.processes[name].stop(signal.SIGKILL)

    def close(self) -> None:
        """Stop all that runs."""
        self._stack.close()

    def get(self, service: str, path: str) -> httpx2.Response:
        return self.processes[service].http.get(f"/{service}{path}")

    def post(self, *events: object) -> httpx2.Response:
        return self.processes["enrolment"].post([*events])

    @contextlib.contextmanager
    def gateway(self) -> Iterator[Client]:
        """One client for the three addresses."""
        with contextlib.ExitStack() as stack:
            clients = {name: stack.enter_context(Client(url)) for name, url in self.urls.items()}
            yield stack.enter_context(_Gateway(clients))

    def settle(self) -> None:
        """Wait as `lernbus push --wait` does, over three addresses."""
        with self.gateway() as client:
            client.wait()


class _Gateway(Client):
    """Asks each service at its own address, as a gateway would."""

    def __init__(self, clients: dict[str, Client]) -> None:
        super().__init__(clients["enrolment"].url)
        self._clients = clients

    def get(self, path: str, **query: Query) -> Any:  # noqa: ANN401 (JSON)
        return self._clients[path.split("/")[1]].get(path, **query)


@contextlib.contextmanager
def running_services(kafka: Kafka, mongo_uri: str, databases: str) -> Iterator[Services]:
    """All three, ready, on empty topics; `databases` begins the names of theirs."""
    delete_topics(kafka.bootstrap, TOPICS)
    settings = {
        "LERNBUS_KAFKA": kafka.bootstrap,
        "LERNBUS_MONGO": mongo_uri,
        "LERNBUS_PARTITIONS": str(PARTITIONS),
        "LERNBUS_BROKER": "kafka" if kafka.idempotent else "embedded",
        "LERNBUS_SMTP_SECURITY": "none",
    }
    with in_background(smtp_sink) as port, contextlib.ExitStack() as stack:
        settings["LERNBUS_SMTP_PORT"] = str(port)
        made = subprocess.run(
            [sys.executable, "-m", "lernbus.cli", "topics"],
            env=environment(**settings), cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert made.stdout.count("created") == len(TOPICS)
        ports = {name: str(free_port()) for name in ("enrolment", "notifications", "stats")}
        found = Services(kafka, settings, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}, databases)
        stack.callback(found.close)
        for name in found.urls:
            found.start(name)
        for name in found.urls:
            until(found.processes[name], f"/{name}/health/ready")
        yield found


def until(process: Running, path: str) -> None:
    """Wait until a service answers this path with 200; one that was killed is missed after 10 s, then all move."""
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            if process.http.get(path).status_code == 200:
                return
        assert time.monotonic() < deadline, process.lines
        time.sleep(0.1)
