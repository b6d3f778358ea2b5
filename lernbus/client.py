"""Talks to a running stack over HTTP, for the command line."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from lernbus.errors import CommandError

BATCH: Final = "application/cloudevents-batch+json"
WAIT_SECONDS: Final = 0.05
ATTEMPTS: Final = 12
Query = str | int | Sequence[str] | None
"""A parameter of an address; several values stand there one after the other, and None not at all."""
SERVICES: Final = ("enrolment", "notifications", "stats")


class StackError(CommandError):
    """What the stack answered, or that it did not; the message is one line."""

    def __init__(self, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = errors


class StuckError(StackError):
    """What is waited for does not come nearer."""


class MailStuckError(StuckError):
    """What is due in notifications does not become less; the rest has caught up."""


class Patience:
    """Watches something that is to become smaller; else it raises `error`."""

    def __init__(self, seconds: float, error: type[StuckError] = StuckError) -> None:
        self._seconds, self._error, self._best, self._since = seconds, error, math.inf, time.monotonic()

    def check(self, left: float, what: str) -> None:
        """Raise StuckError if nothing has been gained for too long."""
        if left < self._best:
            self._best, self._since = left, time.monotonic()
        elif time.monotonic() > self._since + self._seconds:
            raise self._error(what)


class Client:
    """One connection to the stack at `url`; a key is taken from LERNBUS_KEY."""

    def __init__(self, url: str) -> None:
        key = os.environ.get("LERNBUS_KEY")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=60)
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Query) -> Any:  # noqa: ANN401 (JSON)
        """GET a JSON answer."""
        return self._send("GET", path, params={name: value for name, value in query.items() if value is not None})

    def put(self, path: str, body: Any) -> Any:  # noqa: ANN401 (JSON)
        """PUT JSON."""
        return self._send("PUT", path, json=body)

    def post(self, path: str, body: Any) -> Any:  # noqa: ANN401 (JSON)
        """POST JSON."""
        return self._send("POST", path, json=body)

    def push(self, events: Sequence[bytes]) -> None:
        """Send events as one batch; while the bus cannot take them, again for a minute."""
        body = b"[" + b",".join(events) + b"]"
        for attempt in range(ATTEMPTS):
            try:
                self._send("POST", "/enrolment/lms/events", content=body, headers={"content-type": BATCH})
            except _BusyError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(5)
            else:
                return

    def wait(self, progress: Callable[[float], None] = lambda _: None, patience: float = math.inf) -> None:
        """Return when deadlines have passed, all consumers have read what is on the log, and due mail is out.

        Raises StuckError when for `patience` seconds none of this has come nearer.
        """
        self._until_nothing_is_due("enrolment", patience)
        marks = self._send("POST", "/enrolment/api/marks")
        first, waiting = max(1, self._behind(marks)), Patience(patience)
        while behind := self._behind(marks):
            waiting.check(-self._outcomes(), f"{behind} partitions are not read to their end")
            progress(1 - behind / first)
            time.sleep(WAIT_SECONDS)
        self._until_nothing_is_due("notifications", patience)
        progress(1)

    def _until_nothing_is_due(self, service: str, patience: float) -> None:
        waiting = Patience(patience, StuckError if service == "enrolment" else MailStuckError)
        while due := self.get(f"/{service}/api/progress")["due"]:
            waiting.check(due, f"{due} {'deadlines' if service == 'enrolment' else 'mails or reminders'} stay due")
            time.sleep(WAIT_SECONDS)

    def _outcomes(self) -> int:
        """How many records have an outcome, over all services."""
        tallies = (self.get(f"/{service}/api/progress")["tally"].values() for service in SERVICES)
        return sum(sum(tally.values()) for some in tallies for tally in some)

    def _behind(self, marks: dict[str, dict[str, int]]) -> int:
        """How many partitions have not been read up to their mark, over all services."""
        return sum(1 for _ in self._unread(marks))

    def _unread(self, marks: dict[str, dict[str, int]]) -> Iterator[tuple[str, str, str]]:
        follows = {"lms.events": "lms.events", "lms.people": "lms.people", "enrolment.events": "lms.events"}
        for service in SERVICES:
            progress = self.get(f"/{service}/api/progress")
            for topic in progress["topics"]:
                reached = progress["marks"].get(topic, {})
                for partition, offset in marks[follows[topic]].items():
                    if reached.get(partition, -1) < offset:
                        yield service, topic, partition

    def _send(self, method: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 (passed on)
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx2.HTTPError as error:
            raise StackError(f"no stack answers at {self.url}: start it with `lernbus up` ({error})") from error
        if answer.is_success:
            return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content
        raise _error(answer)


class _BusyError(StackError):
    """503: worth another try."""


def _error(answer: httpx2.Response) -> StackError:
    kind = _BusyError if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE else StackError
    try:
        problem = answer.json()
        return kind(str(problem["detail"]), problem.get("errors", ()))
    except (ValueError, KeyError, TypeError):
        return kind(f"{answer.request.url} answered {answer.status_code}")
