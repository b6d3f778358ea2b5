"""Waits until everything goes on again, and says what does not."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lernbus.client import SERVICES, Client, StackError
from tests.faults.traffic import Lms
from tests.support.compose import Compose, docker, is_fit, service_of

PATIENCE_SECONDS = 180
"""So long nothing may come nearer; more than a service may stand still before it ends itself."""
FOLLOWS = {"lms.events": "lms.events", "lms.people": "lms.people", "enrolment.events": "lms.events"}
Points = Callable[[], list[str]]


class StuckError(AssertionError):
    """What did not heal, with the state of every container."""


def until_none(stack: Compose, points: Points, patience: float = PATIENCE_SECONDS) -> float:
    """Wait until no point is left; how many seconds that took. Raises StuckError where they do not become fewer."""
    began = since = time.monotonic()
    best = None
    while left := points():
        if best is None or len(left) < best:
            best, since = len(left), time.monotonic()
        if time.monotonic() > since + patience:
            raise StuckError("\n".join([f"stuck for {patience:.0f} s:", *left, *diagnosis(stack)]))
        time.sleep(0.2)
    return time.monotonic() - began


def healed(stack: Compose, prober: Lms, patience: float = PATIENCE_SECONDS) -> dict[str, float]:
    """Seconds until all that was on the log is read, until somebody who books now has a mail, until all is healthy."""
    began, times = time.monotonic(), dict[str, float]()
    with Client(stack.url) as client:
        marks: dict[str, dict[str, int]] = {}
        until_none(stack, lambda: _append(client, marks), patience)
        until_none(stack, lambda: unread(client, marks), patience)
        times["read"] = time.monotonic() - began
        who = prober.probe()
        until_none(stack, lambda: _untold(client, who), patience)
        times["mail"] = time.monotonic() - began
    until_none(stack, lambda: unfit(stack), patience)
    times["healthy"] = time.monotonic() - began
    return times


def unread(client: Client, marks: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The partitions that have not been read up to their mark."""
    found = []
    for service in SERVICES:
        try:
            progress = client.get(f"/{service}/api/progress")
        except StackError as error:
            found += [f"{service}: {error}"] * 50  # more than partitions: its coming back is a gain
            continue
        for topic in progress["topics"]:
            reached = progress["marks"].get(topic, {})
            for partition, offset in marks[FOLLOWS[topic]].items():
                if (at := reached.get(partition, -1)) < offset:
                    found.append(f"{service}: {topic}/{partition} has read the mark {at}, not yet {offset}")
    return found


def unfit(stack: Compose) -> list[str]:
    """Containers that are not healthy, and jobs that failed."""
    return [f"{_name(one)} is {_state(one)}" for one in stack.containers() if not is_fit(one)]


def diagnosis(stack: Compose) -> Iterator[str]:
    """Readiness and last words of every container that is no job."""
    for one in stack.containers():
        name, state = _name(one), one["State"]
        yield f"--- {name}: {_state(one)}, started {state['StartedAt']}, restarts {one['RestartCount']}"
        if service_of(one) in SERVICES and state["Running"] and not state["Paused"]:
            yield docker("exec", one["Id"], "lernbus", "health", "--ready", check=False).stdout.strip() or "ready"
        yield docker("logs", "--tail", "5", one["Id"], check=False).stdout


def _append(client: Client, marks: dict[str, dict[str, int]]) -> list[str]:
    try:
        marks.update(client.post("/enrolment/api/marks", None))
    except StackError as error:
        return [f"no mark can be put on the log: {error}"]
    return []


def _untold(client: Client, who: str) -> list[str]:
    try:
        found = client.get("/notifications/api/messages", person_id=who)
    except StackError as error:
        return [f"notifications: {error}"]
    return [] if [one["status"] for one in found] == ["sent"] else [f"the mail to {who}, who booked last, is not out"]


def _name(container: Mapping[str, Any]) -> str:
    return str(container["Name"]).strip("/")


def _state(container: Mapping[str, Any]) -> str:
    state = container["State"]
    return f"{state['Status']}, {state.get('Health', {}).get('Status', 'no health')}, exit code {state['ExitCode']}"
