"""`lernbus rebuild stats`: stats counts everything anew from what enrolment keeps, while all of it goes on.

The command only asks for it and watches: the work is the services' own, so it goes on when the command ends, and asking
again while it goes on means to watch it.
"""

import math
import time
from typing import Any, Final, NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lernbus.client import Client, Patience, StackError
from lernbus.errors import CommandError

REBUILT: Final = ("stats",)
"""The services that are made from another one's state."""
POLL_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 120
"""So long nothing may come nearer before the command gives up watching."""
JOINED: Final = "a rebuild is under way already: this is how far it is, and no second one is begun"


class Done(NamedTuple):
    """A rebuild that was seen to its end. `entities`: so many documents of enrolment were said again."""

    entities: int
    seconds: float


class View(NamedTuple):
    """What both services say (`/enrolment/api/restatements`, `/stats/api/generations`)."""

    enrolment: dict[str, Any]
    stats: dict[str, Any]

    @classmethod
    def of(cls, client: Client) -> Self:
        """Enrolment first: what stats has not read by then it may have a moment later."""
        return cls(client.get("/enrolment/api/restatements"), client.get("/stats/api/generations"))

    @property
    def is_unread(self) -> bool:
        """All was said again, and stats is still on its way to the end."""
        read: dict[str, int] = self.stats["next"]
        return any(read.get(partition, 0) <= offset for partition, offset in self.enrolment["ends"].items())

    def is_over(self, generation: int) -> bool:
        """This rebuild, or a later one, is what stats tells its figures from."""
        return bool(self.stats["reading"] >= generation)

    @property
    def is_lost(self) -> bool:
        """Stats has read all that there was to read, and is not through: only another rebuild helps."""
        return self.enrolment["over"] and not self.is_unread and not self.is_over(self.enrolment["generation"])

    @property
    def left(self) -> float:
        """Becomes less as long as anything moves."""
        return -float(self.enrolment["said"] + self.stats["through"] + sum(self.stats["next"].values()))


def rebuild(client: Client, service: str, console: Console) -> Done:
    """Begin a rebuild, or join the one that is under way, and watch it to its end. Raises CommandError."""
    if service not in REBUILT:
        raise CommandError(f"{service} is not made from another service's state: only {', '.join(REBUILT)} is")
    generation = _begin(client, console)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    start = time.monotonic()
    with Progress(*columns, console=console) as progress:
        entities = _watch(client, generation, progress)
    return Done(entities, time.monotonic() - start)


def _begin(client: Client, console: Console) -> int:
    view = View.of(client)
    if view.enrolment["over"] and view.is_unread and not view.is_over(view.enrolment["generation"]):
        console.print(JOINED)
        return int(view.enrolment["generation"])
    begun = client.post("/enrolment/api/restatements", None)
    if begun["joined"]:
        console.print(JOINED)
    return int(begun["generation"])


def _watch(client: Client, generation: int, progress: Progress) -> int:
    """Until stats tells its figures from this generation; a service that is away is waited for. Documents said."""
    said_again = progress.add_task("enrolment says everything again", total=None)
    through = progress.add_task("partitions that stats is through", total=None)
    patience, left = Patience(PATIENCE_SECONDS), math.inf
    while True:
        try:
            view = View.of(client)
        except StackError as error:
            patience.check(left, str(error))
        else:
            _show(view, generation, progress, said_again, through)
            if view.is_over(generation):
                return int(view.enrolment["said"])
            if view.is_lost:
                raise CommandError("stats has read all that was said again and is not through: start another rebuild")
            left = view.left
            patience.check(left, _standstill(view))
        time.sleep(POLL_SECONDS)


def _show(view: View, generation: int, progress: Progress, said_again: Any, through: Any) -> None:  # noqa: ANN401 (rich's own ids)
    said, stats = view.enrolment["said"], view.stats
    total = said if view.enrolment["over"] else max(said, view.enrolment["entities"])
    progress.update(said_again, completed=said, total=total)
    done = stats["partitions"] if view.is_over(generation) else stats["through"]
    progress.update(through, completed=done, total=stats["partitions"])


def _standstill(view: View) -> str:
    where = f"{view.enrolment['said']} of about {view.enrolment['entities']} entities are said again"
    return f"nothing goes on for {PATIENCE_SECONDS} s: {where}, stats is through {view.stats['through']} partitions"
