"""The command line. Commands import what they need when they run: `lernbus report` needs no Kafka client."""

# ruff: noqa: PLC0415 - see above

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from lernbus import dead_letters, keys
from lernbus.client import Client
from lernbus.errors import CommandError
from lernbus.moments import moment, span

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
clock = typer.Typer(no_args_is_help=True)
app.add_typer(clock, name="clock", help="Moves the clock of a stack that was started with --now: due reminders go out.")
app.add_typer(keys.key, name="key")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(keys.user, name="user")
console = Console(highlight=False)

Url = Annotated[str, typer.Option(envvar="LERNBUS_URL", help="Where the stack answers.")]
HERE: Final = "http://127.0.0.1:8000"


def main() -> None:
    """Run a command; what can be expected to go wrong is one line and exit code 2."""
    try:
        app()
    except CommandError as error:
        fail(str(error))
    except ValidationError as error:
        fail("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(message: str) -> NoReturn:
    """Say what is wrong in one line."""
    print(f"lernbus: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201 (rich would wrap it)
    sys.exit(2)


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="One port for everything.")] = 8000,
    now: Annotated[str | None, typer.Option(help="Start its clock here, and let it be moved.")] = None,
) -> None:
    """Run the embedded stack: for trying out, developing and testing. It keeps nothing."""
    from lernbus.embedded.process import ServerFailed
    from lernbus.serve import until_stopped
    from lernbus.stack import embedded
    from shared import logs

    logs.configure(terminal=True, own=logging.WARNING)  # what a stack tells of its life would stand in the way
    start = None if now is None else _moment(now)

    async def run() -> None:
        async with embedded(port, start) as stack:
            console.print(
                f"Lernbus answers at {stack.url} - Ctrl-C stops it. This stack keeps nothing.", soft_wrap=True
            )
            raise ServerFailed(await stack.death)

    asyncio.run(until_stopped(run()))


@app.command()
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="Do not wait at the end.")] = False,  # noqa: FBT002 (an option)
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    url: Annotated[str | None, typer.Option(help="Tell them to this empty stack instead of starting one.")] = None,
) -> None:
    """Replay both stories on the embedded stack and show what came of them."""
    from lernbus import demo as demonstration
    from lernbus.serve import until_stopped
    from shared import logs

    logs.configure(terminal=True, own=logging.WARNING)  # what a stack tells of its life would stand in the way
    work = demonstration.run(console, port, leave=leave) if url is None else demonstration.run_at(console, url)
    asyncio.run(until_stopped(work))


@app.command()
def push(
    file: Annotated[Path, typer.Argument(help="CloudEvents, one a line.")],
    wait: Annotated[bool, typer.Option("--wait", help="Return when all have caught up and due mail is out.")] = False,  # noqa: FBT002
    url: Url = HERE,
) -> None:
    """Send a file of events."""
    from lernbus import push as pushing

    with Client(url) as client:
        sent = pushing.push(client, pushing.read(file), console, wait=wait)
    console.print(f"{sent} events accepted")


@app.command()
def report(  # noqa: PLR0913, PLR0917 (a command has the options it has)
    years: Annotated[str, typer.Argument(metavar="YEAR", help="2023, or 2022..2024 for years side by side")],
    organisation: Annotated[str | None, typer.Option(help="Narrow it to one organisation.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Twice, for a cross table: department, status_group or organisation, "
            "and course, format, topic, competency or month."
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, json, csv, xlsx, html or pdf")] = "text",
    output: Annotated[Path | None, typer.Option(help="Write here instead of to the terminal.")] = None,
    language: Annotated[str, typer.Option(help="de or en; the labels of json are German")] = "de",
    url: Url = HERE,
) -> None:
    """The council report of a year, or of years side by side."""
    from lernbus import report as reporting

    question = {**reporting.years(years), "organisation": organisation, "by": by or []}
    with Client(url) as client:
        content = reporting.fetch(client, form, language, **question)
    reporting.write(content, form, output)


@app.command()
def verify(url: Url = HERE) -> None:
    """Audit every invariant of all three services; exit code 1 if one is broken."""
    from lernbus import verify as audit

    with Client(url) as client:
        broken = audit.verify(client, console)
    sys.exit(1 if broken else 0)


@app.command()
def rebuild(
    service: Annotated[str, typer.Argument(help="stats: the only one that is made from another service's state")],
    url: Url = HERE,
) -> None:
    """Count everything anew from what enrolment keeps, while everything runs."""
    from lernbus import rebuild as rebuilding

    with Client(url) as client:
        done = rebuilding.rebuild(client, service, console)
    console.print(f"{service} is rebuilt: {done.entities} entities in {done.seconds:.0f} s")


@clock.command("set")
def clock_set(
    time: Annotated[str, typer.Argument(help="RFC 3339, e.g. 2024-11-14T09:00:00+01:00")], url: Url = HERE
) -> None:
    """Set the clock."""
    _move(url, lambda _: _moment(time))


@clock.command("advance")
def clock_advance(by: Annotated[str, typer.Argument(help="e.g. 3d, 12h, 30m")], url: Url = HERE) -> None:
    """Move the clock forward."""
    _move(url, lambda now: now + _span(by))


def _move(url: str, to: Callable[[datetime], datetime]) -> None:
    with Client(url) as client:
        now = datetime.fromisoformat(client.get("/clock")["now"])
        moved = client.put("/clock", {"now": to(now).isoformat()})
        client.wait()
    console.print(f"the clock shows {moved['now']}")


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        fail(str(error))


def _span(text: str) -> timedelta:
    try:
        return span(text)
    except ValueError as error:
        fail(str(error))


@app.command()
def run(service: Annotated[str, typer.Argument(help="enrolment, notifications or stats")]) -> None:
    """Run one service against the Kafka and MongoDB of its settings."""
    from lernbus.single import run_service
    from shared import logs

    logs.configure()
    asyncio.run(run_service(service))


@app.command()
def health(
    ready: Annotated[bool, typer.Option("--ready", help="Ready, not only live.")] = False,  # noqa: FBT002 (an option)
) -> None:
    """Ask the service in this container whether it is live; exit code 1 if not."""
    from lernbus.health import check

    sys.exit(check(ready=ready))


@app.command()
def topics() -> None:
    """Create the topics where they are missing, and check them."""
    from lernbus.single import make_topics

    for line in asyncio.run(make_topics()):
        console.print(line)


@app.command("check-config")
def check_config(service: Annotated[str, typer.Argument(help="enrolment, notifications or stats")]) -> None:
    """Print the settings in force, secrets masked, and every unsafe one; exit code 1 if there is any."""
    from lernbus import config

    sys.exit(0 if config.check(service, console) else 1)


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help='One line: {"ratios": {name: number}, ...}')] = False,  # noqa: FBT002
) -> None:
    """Measure enrolment and stats against loops that do less; only the ratios count."""
    from lernbus.bench import command as benchmark

    benchmark.bench(console, as_json=as_json)


if __name__ == "__main__":
    main()
