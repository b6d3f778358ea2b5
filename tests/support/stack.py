"""The whole stack as its users start it, and events to push into it."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

NOW = "2024-10-05T08:00:00+02:00"
ROOT = Path(__file__).parents[2]
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
START_SECONDS = 60
_numbers = itertools.count(1)


def event(kind: str, time: str = "2024-10-04T10:00:00+02:00", **data: Any) -> dict[str, Any]:
    """An event of the LMS with an id of its own."""
    return {
        "specversion": "1.0",
        "id": f"e{next(_numbers)}",
        "source": "lms/test",
        "type": f"lms.{kind}.v1",
        "time": time,
        "data": data,
    }


def person(person_id: str, **more: Any) -> dict[str, Any]:
    data = {"email": f"{person_id}@stadt.example", "display_name": f"Name of {person_id}", "language": "de"}
    return event("person.changed", person_id=person_id, **{**data, "organisation_id": "bonn", **more})


def session(session_id: str = "s1", day: str = "2034-11-16", **more: Any) -> dict[str, Any]:
    times = {"starts_at": f"{day}T09:00:00+01:00", "ends_at": f"{day}T12:00:00+01:00"}
    link = {"join_url": "https://meet.example/raum"}
    return {"session_id": session_id, "title": "Modul", "format": "online", **times, **link, **more}


def offering(offering_id: str, capacity: int | None = 2, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "course_id": "kurs",
        "title": f"Reihe {offering_id}",
        "host_organisation_id": "wuppertal",
        "format": "online",
        "capacity": capacity,
        "waiting_list": True,
        "approval": "none",
        "sessions": [session()],
    }
    return event("offering.scheduled", offering_id=offering_id, **{**data, **more})


def request(offering_id: str, person_id: str, **more: Any) -> dict[str, Any]:
    return event("booking.requested", offering_id=offering_id, person_id=person_id, **more)


def command(*words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """Run `lernbus` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "lernbus.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment(LERNBUS_URL=url) if url else environment(),
        cwd=ROOT,
    )


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of Lernbus, and these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LERNBUS_")}
    return {**own, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


class Running:
    """A running `lernbus` process that answers HTTP."""

    def __init__(self, process: subprocess.Popen[str], url: str = "") -> None:
        self.process, self.lines = process, list[str]()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = url or self._announced()
        self.http = httpx2.Client(base_url=self.url, timeout=30)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def _announced(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://\S+", "".join([*self.lines])):
                return found[0]
            time.sleep(0.05)
        raise AssertionError("".join(self.lines))

    def post(self, content: object, kind: str = BATCH, **headers: str) -> httpx2.Response:
        """Push to the door as it is."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.http.post("/enrolment/lms/events", content=body, headers={"content-type": kind, **headers})

    def push(self, *events: dict[str, Any]) -> None:
        """Push events in order, and wait until everybody has read them and due mail is out."""
        answer = self.post(list(events))
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"accepted": len(events)}
        self.settle()

    def settle(self) -> None:
        """Wait as `lernbus push --wait` does."""
        from lernbus.client import Client  # noqa: PLC0415 (the product's own waiting, used as a user does)

        with Client(self.url) as client:
            client.wait()

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401 (JSON)
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def kinds(self, **query: Any) -> list[str]:
        """The kinds of messages, in order."""
        return [one["kind"] for one in self.get("/notifications/api/messages", **query)]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(45)

    def close(self) -> None:
        """Close what is open to a process that has ended, however it ended."""
        self.http.close()
        self._reader.join(5)


@contextlib.contextmanager
def running(*words: str, url: str = "", **settings: str) -> Iterator[Running]:
    """`lernbus ...` until the end of the block."""
    with contextlib.ExitStack() as after:
        process = after.enter_context(  # its end closes the pipe
            subprocess.Popen(
                [sys.executable, "-m", "lernbus.cli", *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment(**settings),
                cwd=ROOT,
            )
        )
        after.callback(process.wait)
        after.callback(process.kill)
        stack = Running(process, url)
        after.callback(stack.close)
        after.callback(process.kill)
        yield stack
        if process.poll() is None:
            stack.stop()


def children_of(pid: int) -> list[str]:
    """Command lines of a process's descendants that are alive."""
    found = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()[1:]]
    alive, wanted = [], {str(pid)}
    for own, parent, args in rows:
        if parent in wanted:
            wanted.add(own)
            alive.append(args)
    return alive
