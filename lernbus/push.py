"""Sends a file of events: all of it is checked before the first one leaves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lernbus.client import Client, StackError
from lernbus.errors import CommandError
from services.enrolment.events import DOOR
from shared.cloudevents import parse
from shared.errors import Invalid

MOST_EVENTS = 500
MOST_BYTES = 900_000


class FileError(CommandError):
    """A file that cannot be sent; the message names the line."""


Line = tuple[int, bytes]


def read(file: Path) -> list[Line]:
    """All events of a file with their line numbers. Raises FileError at the first bad one: nothing is sent then."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error
    found = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    for number, line in found:
        try:
            parse(line, DOOR)
        except Invalid as fault:
            place = f" {fault.field}:" if fault.field else ""
            raise FileError(f"{file} line {number}:{place} {fault.detail or fault.reason}") from fault
    return found


def batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut into requests that the door takes."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == MOST_EVENTS or size + len(line[1]) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line[1]) + 1
    if batch:
        yield batch


def push(client: Client, lines: Sequence[Line], console: Console, *, wait: bool) -> int:
    """Send them in order, with a progress bar; returns how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("events sent", total=len(lines))
        for batch in batches(lines):
            _send(client, batch)
            progress.advance(task, len(batch))
        if wait:
            waiting = progress.add_task("all caught up", total=100)
            client.wait(lambda share: progress.update(waiting, completed=round(100 * share)))
    return len(lines)


def _send(client: Client, batch: list[Line]) -> None:
    try:
        client.push([line for _, line in batch])
    except StackError as error:
        if not error.errors:
            raise
        first = error.errors[0]
        raise FileError(f"line {batch[first['index']][0]}: {first['field']}: {first['reason']}") from error
