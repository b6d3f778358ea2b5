"""`lernbus dead-letters`: what could not be processed, and what can be done about it.

Everything that changes something is said on the log in portions and then watched; a command that is killed half-way has
said some of it, and the next one goes on with the rest.
"""

import base64
import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import Progress

from lernbus.client import SERVICES, Client
from lernbus.errors import CommandError
from shared.letter_words import REASONS, detail_of

PORTION: Final = 100
PATIENCE_SECONDS: Final = 30
HERE: Final = "http://127.0.0.1:8000"
Letter = dict[str, Any]

app = typer.Typer(no_args_is_help=True, help="What could not be processed: look at it, replay it, drop it.")
console = Console(highlight=False)
Url = Annotated[str, typer.Option(envvar="LERNBUS_URL", help="Where the stack answers.")]
Service = Annotated[str, typer.Argument(help="enrolment, notifications or stats")]
Id = Annotated[str | None, typer.Argument(help="TOPIC/PARTITION/OFFSET, as list shows it")]
Reason = Annotated[str | None, typer.Option(help="All open letters with this reason.")]


@app.command("list")
def list_letters(
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    status: Annotated[str, typer.Option(help="open, replayed, dropped, or all")] = "open",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,  # noqa: FBT002 (an option)
    url: Url = HERE,
) -> None:
    """Letters, one a line, and the partitions that stand still."""
    with Client(url) as client:
        for name in SERVICES if service is None else [_service(service)]:
            for letter in _letters(client, name, reason, None if status == "all" else status):
                print(json.dumps({"service": name, **letter}) if as_json else _line(name, letter))  # noqa: T201 (the answer)
            if not as_json:
                for place, why in client.get(f"/{name}/api/dead-letters/stopped")["stopped"].items():
                    print(f"{name} stands still at {place}: {why}. `lernbus dead-letters resume {name} {place}`")  # noqa: T201


@app.command()
def show(service: Service, letter_id: Annotated[str, typer.Argument(metavar="ID")], url: Url = HERE) -> None:
    """One letter: the reason in words, the original bytes, where it came from, and what waits behind it."""
    with Client(url) as client:
        letter = client.get(_path(_service(service), letter_id))
    for line in _description(letter):
        print(line)  # noqa: T201 (the answer itself)


@app.command()
def replay(
    service: Service,
    letter_id: Id = None,
    reason: Reason = None,
    edit: Annotated[Path | None, typer.Option(help="Replay it with the content of this file.")] = None,
    url: Url = HERE,
) -> None:
    """Have one letter, or all of a reason, applied again at this point of the log."""
    value = None if edit is None else _content(edit)
    if value is not None and letter_id is None:
        raise CommandError("--edit is for one letter: say which")
    _settle("replay", _service(service), letter_id, reason, url, value)


@app.command()
def drop(service: Service, letter_id: Id = None, reason: Reason = None, url: Url = HERE) -> None:
    """Give one letter, or all of a reason, up for good: what waits behind goes on."""
    _settle("drop", _service(service), letter_id, reason, url)


@app.command()
def resume(
    service: Service,
    place: Annotated[str | None, typer.Argument(metavar="[TOPIC/PARTITION]")] = None,
    url: Url = HERE,
) -> None:
    """Let partitions go on that stand still because of too many dead letters; counting starts anew."""
    with Client(url) as client:
        resumed = client.post(f"/{_service(service)}/api/dead-letters/resume", {"partition": place})["resumed"]
    for one in resumed:
        console.print(f"{service} goes on with {one}", soft_wrap=True)
    if not resumed:
        raise CommandError(f"{service} does not stand still{f' at {place}' if place else ''}")


def _settle(
    what: str, service: str, letter_id: str | None, reason: str | None, url: str, value: bytes | None = None
) -> None:
    if (letter_id is None) == (reason is None):
        raise CommandError("say which letter, or --reason for all of one reason")
    edited = {} if value is None else {"value": base64.b64encode(value).decode()}
    with Client(url) as client, Progress(console=console, transient=True) as progress:
        if letter_id is not None:
            ids = [letter_id]
        else:
            every = [*_letters(client, service, reason, "open")]
            ids = [one["id"] for one in every if what == "drop" or not one["withheld"]]
            if left := len(every) - len(ids):
                console.print(f"{left} keep nothing that could be replayed, as they may hold names: drop them")
        task = progress.add_task(what, total=len(ids))
        outcomes: dict[str, int] = {}
        for at in range(0, len(ids), PORTION):
            body = {"ids": ids[at : at + PORTION], **edited}
            said = client.post(f"/{service}/api/dead-letters/{what}", body)["accepted"]
            for one, control in said.items():
                outcome = _outcome(client, service, one, control)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                progress.advance(task)
    for outcome, number in sorted(outcomes.items()):
        console.print(f"{number} {OUTCOMES.get(outcome, outcome)}", soft_wrap=True)
    if not ids:
        console.print("there is nothing to do")


OUTCOMES: Final = {
    "applied": "applied",
    "repeated": "recognised as a repeat: nothing had to be changed",
    "held": "wait for another event of their key now",
    "dead_lettered": "failed again, and are open as before",
    "dropped": "dropped",
    "pending": "on the log, and not read yet: their partition is behind or stands still",
}


def _outcome(client: Client, service: str, letter_id: str, control: int) -> str:
    """What came of it, once the partition's owner has read the control event."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        last = client.get(_path(service, letter_id))["last"]
        if last is not None and last["control"] >= control:
            return str(last["outcome"])
        time.sleep(0.1)
    return "pending"


def _letters(client: Client, service: str, reason: str | None, status: str | None) -> Iterator[Letter]:
    after = None
    while True:
        some = client.get(f"/{service}/api/dead-letters", reason=reason, status=status, after=after, limit=1_000)
        yield from some
        if not some:
            return
        after = some[-1]["id"]


def _service(name: str) -> str:
    if name not in SERVICES:
        raise CommandError(f"there is no service {name}: it is one of {', '.join(SERVICES)}")
    return name


def _path(service: str, letter_id: str) -> str:
    parts = letter_id.split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in parts[1:]):  # noqa: PLR2004
        raise CommandError(f"{letter_id} is no TOPIC/PARTITION/OFFSET")
    return f"/{service}/api/dead-letters/{quote(letter_id)}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error


def _line(service: str, letter: Letter) -> str:
    moment = _moment(letter)
    words = [service, letter["id"], letter["status"], letter["reason"], letter["key"] or "-", moment]
    return _clean("  ".join(words)) + ("  (its key waits)" if letter["blocks"] else "")


def _moment(letter: Letter) -> str:
    return (
        datetime.fromisoformat(letter["received_at"]).strftime("%Y-%m-%dT%H:%M:%SZ") if letter["received_at"] else "-"
    )


def _description(letter: Letter) -> Iterator[str]:
    yield f"{letter['id']}, {letter['status']}, received {_moment(letter)}"
    yield f"reason: {REASONS['en'].get(letter['reason'], letter['reason'])}"
    if said := detail_of(letter):
        yield f"        {_clean(said)}"
    sender = [f"{name} {letter[field]}" for name, field in SENDER if letter[field] is not None]
    yield _clean(f"from:   {', '.join(sender) or 'cannot be read'}; key {letter['key']}")
    if letter["last"]:
        yield f"last:   {OUTCOMES.get(letter['last']['outcome'], '')} (offset {letter['last']['control']})"
    if letter["held"]:
        offsets = ", ".join(str(one["offset"]) for one in letter["held_records"])
        yield f"behind: {letter['held']} records wait, at the offsets {offsets}"
    for name, content in letter["headers"]:
        yield f"header: {_clean(name)}: {_text(content)}"
    if letter["withheld"]:
        yield "content: not kept, as it may hold a name: let the sender push it anew, then drop this letter"
    else:
        yield f"content ({letter['size']} bytes):"
        yield _text(letter["value"])
    if letter["edited"] is not None:
        yield "replayed with:"
        yield _text(letter["edited"])


SENDER: Final[Sequence[tuple[str, str]]] = (("source", "source"), ("id", "event_id"), ("type", "type"))


def _text(content: str | None) -> str:
    """Bytes that came as base64, as far as they are a text."""
    if content is None:
        return "(none)"
    return _clean(base64.b64decode(content).decode(errors="backslashreplace"))


def _clean(text: str) -> str:
    """No control character of a sender's reaches the terminal."""
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)
