"""The mails that the stack's sink has taken. It keeps them in memory, so they are fetched before it is harmed."""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.support.compose import Compose, docker

FETCH = """
import json, sys, urllib.request
found, start, page = [], 0, None
while page is None or (page and sys.argv[1] not in [one[0] for one in page]):
    answer = urllib.request.urlopen(f"http://127.0.0.1:8025/api/v1/messages?start={start}&limit=100")
    page = [[one["ID"], one["MessageID"], one["Created"]] for one in json.load(answer)["messages"]]
    found, start = found + page, start + 100
print(json.dumps(found))
"""
"""From the newest mail back to one that is known. Runs beside the sink, whose port is open to no one else."""


class Mail(NamedTuple):
    """One mail; a repeat has the same message id."""

    message_id: str
    at: datetime


class Span(NamedTuple):
    """From one moment to another."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether it was then, by clocks that may differ a little."""
        return self.begin - timedelta(seconds=1) <= moment <= self.end + timedelta(seconds=1)


class Sink:
    """All mails that were ever seen. `forgot`: when it lost its memory, and mails between were perhaps not seen."""

    def __init__(self, stack: Compose) -> None:
        self._stack = stack
        self._seen: dict[str, Mail] = {}
        self._newest = ""
        self.forgot: list[Span] = []

    def fetch(self) -> list[Mail]:
        """All mails until now."""
        (container,) = self._stack.containers("mailpit")
        words = ("--network", f"container:{container['Id']}", "--entrypoint", "python")
        said = docker(
            "run", "--rm", *words, container_image(self._stack), "-c", FETCH, self._newest, timeout=120
        ).stdout
        for name, message_id, created in reversed(json.loads(said)):
            self._newest = name
            self._seen[name] = Mail(message_id.partition("@")[0], datetime.fromisoformat(created))
        return sorted(self._seen.values(), key=lambda mail: mail.at)


def container_image(stack: Compose) -> str:
    """The image of the services."""
    return f"lernbus:{stack.env['LERNBUS_VERSION']}"
