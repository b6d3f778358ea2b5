"""A clock that is moved: refused where mail reaches people, and only movable where that was asked for."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from lernbus.config import load
from lernbus.errors import CommandError
from lernbus.moving import router
from lernbus.roots import NAMES, kind_of
from lernbus.topics import CLOCK, names
from shared import web
from shared.clock import Clock
from shared.settings import Settings

START = "2024-11-14T09:00:00+01:00"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", ["mail.stadt.example", "10.0.0.25", "mailpit.stadt.example"])
def test_no_service_starts_with_a_moved_clock_where_mail_reaches_people(
    monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    monkeypatch.setenv("LERNBUS_NOW", START)
    monkeypatch.setenv("LERNBUS_SMTP_HOST", host)
    with pytest.raises(CommandError, match=r"LERNBUS_NOW: .*mailpit"):
        load(kind_of(name))


@pytest.mark.parametrize("host", ["mailpit", "127.0.0.1", "localhost", "::1"])
def test_it_starts_where_mail_goes_to_the_sink(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("LERNBUS_NOW", START)
    monkeypatch.setenv("LERNBUS_SMTP_HOST", host)
    assert load(kind_of("notifications")).now == datetime(2024, 11, 14, 8, tzinfo=UTC)


def test_a_time_needs_an_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LERNBUS_NOW", "2024-11-14T09:00:00")
    with pytest.raises(CommandError, match="LERNBUS_NOW"):
        load(kind_of("stats"))


def test_the_clocks_topic_is_only_there_where_the_clock_can_be_moved() -> None:
    assert CLOCK not in names(Settings())
    assert CLOCK in names(Settings(now=datetime(2024, 11, 14, tzinfo=UTC)))


def client(clock: Clock, *, movable: bool) -> TestClient:
    async def move(moment: datetime) -> None:
        clock.set(moment)

    app = FastAPI()
    web.install(app)
    app.include_router(router(clock, move if movable else None))
    return TestClient(app)


def test_the_clock_is_read_and_moved() -> None:
    asked = client(Clock(), movable=True)
    assert asked.put("/clock", json={"now": START}).json()["now"].startswith("2024-11-14T08:00:0")
    assert asked.get("/clock").json()["now"].startswith("2024-11-14T08:00:0")


@pytest.mark.parametrize("body", ['{"now": "2024-11-14T09:00:00"}', '{"now": "tomorrow"}', "{}", "[]", "no JSON"])
def test_a_moment_that_is_none_is_refused(body: str) -> None:
    assert client(Clock(), movable=True).put("/clock", content=body).status_code == 400


def test_real_time_is_not_moved() -> None:
    answer = client(Clock(), movable=False).put("/clock", json={"now": START})
    assert answer.status_code == 409
    assert "LERNBUS_NOW" in answer.json()["detail"]
