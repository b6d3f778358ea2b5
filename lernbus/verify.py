"""Audits every invariant of section 5 of the design over all three services, and names each one broken.

Each service audits itself (`GET /<service>/api/audit`); what only two of them together can show is compared here.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lernbus.client import SERVICES, Client, MailStuckError, StackError, StuckError

KINDS: Final = ("bookings", "offerings", "leaves", "courses", "organisations")
ROUNDS: Final = 3
"""So often the audit is repeated while events come in: only what is broken every time is broken."""
PATIENCE_SECONDS: Final = 20
"""So long a service may be not ready, or nothing may come nearer, before that itself is told."""
Entities = dict[str, Mapping[str, Any]]


class Broken(NamedTuple):
    """One broken invariant: its number, whose audit found it, of what it is broken, and what is wrong."""

    invariant: int
    service: str
    entity: str
    detail: str


class Audit(NamedTuple):
    """What one round found; `moved`: events came in meanwhile."""

    broken: list[Broken]
    checked: dict[str, dict[str, int]]
    unchecked: list[str]
    moved: bool


def verify(client: Client, console: Console) -> bool:
    """Audit everything and print what was found. True if an invariant is broken."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        stuck, waiting = _wait(client, progress)
        audit = _stable(client, progress)
    broken = [*stuck, *audit.broken]
    for one in sorted(broken):
        console.print(f"invariant {one.invariant} broken: {escape(_line(one))}", soft_wrap=True)
    unchecked = [*waiting, *audit.unchecked]
    for sentence in unchecked:
        console.print(f"not checked: {escape(sentence)}", soft_wrap=True)
    for service, numbers in audit.checked.items():
        console.print(f"{service}: {_counts(numbers)}", soft_wrap=True)
    console.print(_conclusion(len(broken), len(unchecked)), soft_wrap=True)
    return bool(broken)


def _line(one: Broken) -> str:
    return f"{one.service}: {one.entity}: {one.detail}".replace("\n", " ")


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in numbers.items())


def _conclusion(broken: int, unchecked: int) -> str:
    said = f"{broken} broken" if broken else "all seven invariants hold"
    return f"{said}, as far as they could be checked ({unchecked} exceptions above)" if unchecked else said


def _wait(client: Client, progress: Progress) -> tuple[list[Broken], list[str]]:
    """Wait until all have caught up. Who does not go on is told (broken, unchecked) instead of being waited for."""
    stuck = [Broken(4, service, "service", f"is not ready: {why}") for service, why in _unready(client)]
    if stuck:
        return stuck, []
    task = progress.add_task("all caught up", total=1)
    try:
        client.wait(lambda share: progress.update(task, completed=share), PATIENCE_SECONDS)
    except MailStuckError as error:  # each of them is audited, and named where nothing explains it
        return [], [f"whether mail goes out: {error} for {PATIENCE_SECONDS} s"]
    except StuckError as error:
        return [Broken(4, "all services", "log", f"{error} for {PATIENCE_SECONDS} s")], []
    finally:
        progress.remove_task(task)
    return [], []


def _unready(client: Client) -> Iterator[tuple[str, str]]:
    until = time.monotonic() + PATIENCE_SECONDS
    for service in SERVICES:
        client.get(f"/{service}/health/live")  # raises where nobody answers at all
        while (why := _why_unready(client, service)) is not None:
            if time.monotonic() > until:
                yield service, why
                break
            time.sleep(0.5)


def _why_unready(client: Client, service: str) -> str | None:
    try:
        client.get(f"/{service}/health/ready")
    except StackError as error:
        return str(error)
    return None


def _stable(client: Client, progress: Progress) -> Audit:
    """Audit until nothing moved meanwhile, or nothing is broken: what is broken only now and then was on its way."""
    audit = _audit(client, progress)
    for _ in range(ROUNDS - 1):
        if not audit.broken or not audit.moved:
            return audit
        with contextlib.suppress(StuckError):  # told already
            client.wait(patience=PATIENCE_SECONDS)
        again = _audit(client, progress)
        seen = {(one.invariant, one.service, one.entity) for one in audit.broken}
        lasting = [one for one in again.broken if (one.invariant, one.service, one.entity) in seen]
        audit = again._replace(broken=lasting)
    if audit.broken and audit.moved:
        audit.unchecked.append(f"events came in all the time: told is what was broken in each of {ROUNDS} audits")
    return audit


def _audit(client: Client, progress: Progress) -> Audit:
    before = _tallies(client)
    audit = Audit([], {}, [], moved=False)
    for service in SERVICES:
        task = progress.add_task(f"{service} audits itself", total=None)
        report = client.get(f"/{service}/api/audit")
        progress.remove_task(task)
        audit.broken.extend(Broken(service=service, **one) for one in report["broken"])
        audit.checked[service] = report["checked"]
        audit.unchecked.extend(report["unchecked"])
    audit.checked["compared"] = {}
    for kind in KINDS:
        _compare(client, kind, audit, progress)
    return audit._replace(moved=_tallies(client) != before)


def _tallies(client: Client) -> list[Any]:
    return [client.get(f"/{service}/api/progress")["tally"] for service in SERVICES]


def _compare(client: Client, kind: str, audit: Audit, progress: Progress) -> None:
    """Invariant 6 between the services: what stats has heard of is what enrolment keeps."""
    task = progress.add_task(f"{kind} of stats and enrolment", total=None)
    heard = _all(client, f"/stats/api/audit/{kind}", lambda: progress.advance(task))
    kept = _all(client, f"/enrolment/api/audit/{kind}", lambda: progress.advance(task))
    progress.remove_task(task)
    audit.checked["compared"][kind] = len(kept)
    name = kind.removesuffix("s")
    for key, detail in differences(kept, heard):
        audit.broken.append(Broken(6, "stats", f"{name} {key}", detail))


def _all(client: Client, path: str, step: Callable[[], None]) -> Entities:
    found: Entities = {}
    after: str | None = ""
    while after is not None:
        page = client.get(path, after=after)
        found |= page["entities"]
        after = page["after"]
        step()
    return found


def differences(kept: Entities, heard: Entities) -> Iterator[tuple[str, str]]:
    """Id and what is wrong, of every entity that is not the same in both, as far as they have the same fields."""
    for key in sorted(kept.keys() | heard.keys()):
        if key not in heard:
            yield key, "enrolment keeps it, and stats has no fact of it"
        elif key not in kept:
            yield key, "stats has a fact of it, and enrolment does not keep it"
        elif fields := [*_unlike(kept[key], heard[key])]:
            yield key, f"stats and enrolment differ in {', '.join(fields)}"


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in one.keys() & other.keys():
        if not _alike(one[name], other[name]):
            yield f"{name} (enrolment: {one[name]}, stats: {other[name]})"


def _alike(one: Any, other: Any) -> bool:  # noqa: ANN401 (JSON)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_alike(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)
