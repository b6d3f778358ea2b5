"""Health by progress, without any clock: the seconds are told."""

from collections.abc import Iterable

import pytest

from shared.health import Health, Limits, Look, State, Verdict, after, judged

LIMITS = Limits(stall=60, restart=120)
FINE = State(polled=True, moving=False)


def looked(looks: Iterable[Look], health: Health | None = None) -> Health:
    health = health or Health()
    for look in looks:
        health = after(health, look)
    return health


def standing(seconds: int, *, away: Iterable[str] = (), start: Health | None = None) -> Health:
    """A second each: the consumer answers, something is to be done, nothing is."""
    start = start or Health()
    return looked(
        (Look(1, start.commits, start.polls + n, busy=True, away=[*away]) for n in range(1, seconds + 1)), start
    )


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "ready"), (59, "ready"), (60, "stalled"), (119, "stalled"), (120, "dead"), (500, "dead")],
)
def test_what_is_to_be_done_and_is_not_done_makes_unready_and_then_ends_the_process(seconds: int, status: str) -> None:
    assert judged(standing(seconds), FINE, LIMITS).status == status


def test_an_idle_service_stays_ready_for_ever() -> None:
    health = looked(Look(1, 0, n, busy=False) for n in range(1, 10_000))
    assert judged(health, FINE, LIMITS) == Verdict("ready")


def test_a_dead_consumer_is_no_idle_one() -> None:
    health = looked(Look(1, 0, 7, busy=False) for _ in range(130))
    assert judged(health, FINE, LIMITS).status == "dead"


@pytest.mark.parametrize("pause", [1, 12, 59])
def test_each_transaction_is_progress_and_a_long_batch_no_standstill(pause: int) -> None:
    health = Health()
    for number in range(1, 20):
        health = looked((Look(1, number, 0, busy=True) for _ in range(pause)), health)
        assert judged(health, FINE, LIMITS).status == "ready"


def test_while_a_neighbour_is_away_nothing_is_counted_and_the_process_never_ends() -> None:
    health = standing(1_000, away=["MongoDB"], start=standing(119))
    assert judged(health, FINE._replace(away=["MongoDB"]), LIMITS) == Verdict("away", "MongoDB cannot be reached")


def test_when_the_neighbour_is_back_the_time_begins_anew() -> None:
    health = standing(59, start=standing(300, away=["Kafka"], start=standing(119)))
    assert judged(health, FINE, LIMITS).status == "ready"
    assert judged(standing(61, start=health), FINE, LIMITS).status == "dead"


def test_the_verdict_of_death_waits_while_a_neighbour_has_just_gone() -> None:
    assert judged(standing(120), FINE._replace(away=["Kafka"]), LIMITS).status == "away"


def test_a_frozen_process_has_not_stood_still() -> None:
    health = looked([Look(1, 1, 1, busy=True), Look(600, 1, 1, busy=True)])
    assert judged(health, FINE, LIMITS).status == "ready"


def test_a_rebalance_is_shorter_than_a_standstill() -> None:
    moving = FINE._replace(moving=True)
    assert judged(standing(30), moving, LIMITS) == Verdict("moving", "not every partition is being read")
    assert judged(standing(120), moving, LIMITS).status == "dead"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State(polled=False, moving=False), "starting"),
        (State(polled=True, moving=False, failing=["batch"]), "failing"),
        (State(polled=True, moving=False, stopped=["lms.events/3: x"]), "stopped"),
        (State(polled=True, moving=True, stopped=["x"], away=["Kafka"]), "stopped"),
    ],
)
def test_what_else_makes_unready(state: State, status: str) -> None:
    assert judged(Health(), state, LIMITS).status == status


def test_a_stopped_partition_ends_no_process_and_is_named() -> None:
    health = looked(Look(1, 0, n, busy=False) for n in range(500))
    assert judged(health, FINE._replace(stopped=["lms.events/3: x"]), LIMITS) == Verdict("stopped", "lms.events/3: x")
