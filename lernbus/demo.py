"""Both stories, told phase by phase, then what came of them, then the pages."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lernbus.client import Client
from lernbus.embedded.process import ServerFailed
from lernbus.push import batches
from lernbus.stack import embedded
from lernbus.stories import phases
from lernbus.stories.display import WIDTH, show
from lernbus.stories.outcome import Outcome, faults, read
from lernbus.stories.telling import Phase

PAGES: Final = {"offerings": "enrolment", "messages": "notifications", "dashboard": "stats"}
T = TypeVar("T")


async def run(console: Console, port: int, *, leave: bool) -> None:
    """Tell the stories on an embedded stack and show what came of them; then wait for Ctrl-C, unless `leave`.

    Exit code 1 if something is not as the stories say. Raises ServerFailed when a server of the stack ends.
    """
    told = phases()
    if not console.is_terminal:
        console.width = WIDTH
    console.print("Starting mongod, a broker, a mail sink and the three services. This stack keeps nothing.")
    async with embedded(port, told[0].moment) as stack:
        await _unless(stack.death, _tell_all(console, stack.url, told))
        if not leave:
            console.print("\nCtrl-C ends the stack.")
            raise ServerFailed(await stack.death)


async def run_at(console: Console, url: str) -> None:
    """Tell the stories to an empty stack that runs already, with a clock that can be moved."""
    if not console.is_terminal:
        console.width = WIDTH
    await _tell_all(console, url, phases())


async def _tell_all(console: Console, url: str, told: list[Phase]) -> None:
    with Client(url) as client:
        outcome = await _replayed(client, told, console)
    show(console, outcome)
    if wrong := faults(outcome):
        console.print("\nNot as it should be:", *wrong, sep="\n  ", style="red", markup=False)
        raise typer.Exit(1)
    console.print("\n[bold]The pages[/bold]", *(f"{what:<11}{url}/{name}/" for what, name in PAGES.items()), sep="\n  ")


async def _unless(death: asyncio.Future[str], work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, unless a server dies before."""
    task = asyncio.ensure_future(work)
    both: set[asyncio.Future[Any]] = {task, death}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ServerFailed(death.result())
        return task.result()
    finally:
        task.cancel()


async def _replayed(client: Client, told: list[Phase], console: Console) -> Outcome:
    """The client blocks, and the stack answers in this event loop: so each phase goes into a thread."""
    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(told))
        for phase in told:
            progress.update(task, description=phase.title)
            await asyncio.to_thread(_tell, client, phase)
            progress.advance(task)
        progress.update(task, description="both stories told")
    return await asyncio.to_thread(read, client)


def _tell(client: Client, phase: Phase) -> None:
    """Move the clock and let happen what is due, then push what the LMS has to say."""
    client.put("/clock", {"now": phase.moment.isoformat()})
    client.wait()
    for batch in batches([*enumerate(phase.events)]):
        client.push([event for _, event in batch])
    if phase.events:
        client.wait()
