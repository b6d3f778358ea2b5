"""The whole benchmark, tiny: every variant does its work, and a service that does not is noticed."""

import shutil

import pytest

from lernbus.bench.command import as_dict
from lernbus.bench.figures import RATIOS
from lernbus.bench.reader import BenchError, Outcome, outcome_of
from lernbus.bench.run import measure
from lernbus.bench.service import check
from lernbus.bench.world import Size
from shared.settings import Settings

TINY = Size(
    rounds=1,
    offerings=20,
    bookings=200,
    textbook=10,
    crowd=100,
    queue=50,
    pushed=60,
    waiting=90,
    cancelled=60,
    moves=30,
    mails=40,
    told=200,
    year=500,
)


async def test_a_tiny_run_measures_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)  # the embedded broker starts sooner,
    session = {"session_timeout_ms": 1_000, "fetch_max_wait_ms": 50}
    monkeypatch.setattr(Settings, "consuming", session)  # and lets a member join after half of a session
    steps: list[str] = []
    broker, rounds = await measure(TINY, steps.append)
    found = as_dict(broker, rounds)
    assert broker == "embedded broker, not Apache Kafka (there is no Docker)"
    ratios = found["ratios"]
    assert isinstance(ratios, dict)
    assert ratios.keys() == {one.name for one in RATIOS}
    assert all(number > 0 for number in ratios.values())
    assert "round 1 of 1: bare loop" in steps


def outcome(cause: str, kind: str) -> Outcome:
    told = '{"id": "%s.1", "type": "enrolment.booking.%s.v1", "data": {"cause": "%s"}}'
    return outcome_of((told % (cause, kind, cause)).encode())


def test_right_outcomes_are_accepted() -> None:
    check([outcome("r-0", "confirmed"), outcome("r-1", "waitlisted")], "r", 2, 1)


def test_a_request_without_its_outcome_is_noticed() -> None:
    with pytest.raises(BenchError, match="not every request"):
        check([outcome("r-0", "confirmed"), outcome("r-2", "waitlisted")], "r", 2, 1)


def test_a_seat_too_many_is_noticed() -> None:
    with pytest.raises(BenchError, match="the outcomes are"):
        check([outcome("r-0", "confirmed"), outcome("r-1", "confirmed")], "r", 2, 1)
