"""How the demo ends: well, with exit code 1 where something is wrong, and at once when a server dies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from io import StringIO

import pytest
import typer
from rich.console import Console

from lernbus import demo
from lernbus.embedded.process import ServerFailed
from lernbus.stack import Stack
from lernbus.stories.outcome import Outcome
from tests.support.stories_world import outcome, plant


class Told:
    """The demo over a stack without servers that answers with this outcome (None: it never comes so far)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Outcome | None) -> None:
        self.console = Console(file=StringIO(), width=100, highlight=False)
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.stopped = False
        self._answer = answer
        monkeypatch.setattr(demo, "embedded", self._embedded)
        monkeypatch.setattr(demo, "_replayed", self._replayed)

    @contextlib.asynccontextmanager
    async def _embedded(self, _port: int, _now: datetime) -> AsyncIterator[Stack]:
        try:
            yield Stack("http://127.0.0.1:1", self.death)
        finally:
            self.stopped = True

    async def _replayed(self, *_: object) -> Outcome:
        return self._answer or await asyncio.Event().wait()  # type: ignore[return-value] # never returns

    @property
    def text(self) -> str:
        assert isinstance(self.console.file, StringIO)
        return self.console.file.getvalue()


async def test_it_shows_the_pages_and_leaves_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, outcome())
    await demo.run(told.console, 0, leave=True)
    assert "http://127.0.0.1:1/stats/" in told.text
    assert told.stopped


@pytest.mark.parametrize("leave", [True, False])
async def test_what_is_wrong_is_said_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch, *, leave: bool) -> None:
    told = Told(monkeypatch, plant("messages.0.status", "planned"))
    with pytest.raises(typer.Exit) as ended:
        await asyncio.wait_for(demo.run(told.console, 0, leave=leave), 10)
    assert ended.value.exit_code == 1
    assert "Not as it should be:\n  1 mails are planned" in told.text
    assert told.stopped


@pytest.mark.parametrize("answer", [None, outcome()], ids=["during the replay", "while the pages are open"])
async def test_it_ends_when_a_server_dies(monkeypatch: pytest.MonkeyPatch, answer: Outcome | None) -> None:
    told = Told(monkeypatch, answer)
    asyncio.get_running_loop().call_later(0.05, told.death.set_result, "mongod ended")
    with pytest.raises(ServerFailed, match="mongod ended"):
        await demo.run(told.console, 0, leave=False)
    assert told.stopped


async def test_it_stays_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, outcome())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(demo.run(told.console, 0, leave=False), 0.2)
    assert told.stopped
