"""The fold without any server: outcomes, steps, held records, tallies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from shared import limit
from shared.codec import read
from shared.errors import Invalid
from shared.folding import Fold
from shared.held import Waiting
from shared.positions import LettingGo, Position
from shared.reading import BugError, Reading, place
from tests.support.seats import Seats, State

TP = TopicPartition("in", 0)


@dataclass
class Record:
    offset: int
    value: bytes | None
    key: bytes | None = b"o1"
    topic: str = "in"
    partition: int = 0
    timestamp: int = 1_000
    headers: Sequence[tuple[str, bytes | None]] = ()


class Log:
    """Records, and a fold over them from any position."""

    def __init__(self) -> None:
        self.handler = Seats(None, "g", "in", "out")  # type: ignore[arg-type]
        self.state = State({})
        self.records: list[Record] = []

    def add(self, kind: str, **data: Any) -> Record:
        body = {"specversion": "1.0", "id": f"e{len(self.records)}", "source": "t", "type": f"test.{kind}.v1"}
        event = {**body, "time": "2024-11-04T09:30:00Z", "data": {"offering_id": "o1", **data}}
        self.records.append(Record(len(self.records), json.dumps(event).encode()))
        return self.records[-1]

    def fold(self, position: Position, waiting: Waiting | None = None, bugs: Sequence[Record] = ()) -> Fold[State]:
        known = {TP: waiting} if waiting else {}
        return Fold(self.handler, self.state, {TP: position}, known, frozenset(map(place, bugs)))

    def reading(self, record: Record, step: int = 0) -> Reading:
        return Reading(record, read(record, self.handler.topics["in"], 1, step))


@pytest.fixture
def log() -> Log:
    return Log()


def test_every_record_has_an_outcome_and_the_tally_sums_to_the_way(log: Log) -> None:
    fold = log.fold(Position(0))
    for kind, data in (
        ("scheduled", {"capacity": 1}),
        ("scheduled", {"capacity": 2}),
        ("requested", {"person_id": "p"}),
    ):
        assert fold.take(log.reading(log.add(kind, **data)))
    assert fold.take(Reading(Record(7, b"{"), None, Invalid("not_json")))
    move = fold.moves[TP]
    assert dict(move.tally) == {"applied": 2, "repeated": 1, "absent": 4, "dead_lettered": 1}
    assert (move.next, move.tally.total()) == (8, 8)
    assert [out.topic for out in move.events] == ["out", "g.dead-letters"]


def test_a_step_leaves_the_position_on_its_record_and_ends_the_batch(log: Log) -> None:
    log.add("scheduled", capacity=0)
    for n in range(25):
        log.add("requested", person_id=f"p{n}")
    raised = log.add("raised", capacity=25)
    fold = log.fold(Position(0))
    for record in log.records[:-1]:
        assert fold.take(log.reading(record))
    position, steps = fold.moves[TP].after(), []
    while position.next == raised.offset:
        fold = log.fold(position)
        done = fold.take(log.reading(raised, position.step))
        assert fold.full != done
        steps.append(len(fold.moves[TP].events))
        position = fold.moves[TP].after()
    assert steps == [11, 10, 5]
    assert (position.next, position.step) == (raised.offset + 1, 0)


def test_what_waits_for_its_offering_follows_it_and_the_offering_is_not_applied_twice(log: Log) -> None:
    early = [log.add("requested", person_id=f"p{n}") for n in range(3)]
    fold = log.fold(Position(0))
    for record in early:
        fold.take(log.reading(record))
    position = fold.moves[TP].after()
    assert position.held == {"o1": "unknown"}
    scheduled = log.add("scheduled", capacity=2)
    fold = log.fold(position)
    assert not fold.take(log.reading(scheduled))
    position = fold.moves[TP].after()
    assert position.letting_go == LettingGo("o1", "applied")
    assert dict(fold.moves[TP].tally) == {}

    fold = log.fold(position, Waiting([(record, 0) for record in early[:2]], complete=False))
    assert not fold.take(log.reading(scheduled, position.step))
    assert fold.moves[TP].tally == {"held": -2, "applied": 2}

    fold = log.fold(fold.moves[TP].after(), Waiting([(early[2], 0)]))
    assert fold.take(log.reading(scheduled, 2))
    end = fold.moves[TP].after()
    assert (end.next, end.step, end.letting_go, end.held) == (4, 0, None, {})
    assert fold.moves[TP].tally == {"held": -1, "applied": 2}, "the last one, and now the offering itself"
    assert log.state.offerings["o1"]["confirmed"] == ["p0", "p1"]


def test_behind_a_bug_its_key_waits_and_another_does_not(log: Log) -> None:
    log.state.offerings["o1"] = {"_id": "o1", "capacity": 1, "confirmed": [], "waiting": [], "version": 0}
    bad, later = log.add("requested", person_id="bug"), log.add("requested", person_id="p")
    with pytest.raises(BugError) as found:
        log.fold(Position(0)).take(log.reading(bad))
    assert found.value.record is bad
    fold = log.fold(Position(0), bugs=[bad])
    assert fold.take(log.reading(bad))
    assert fold.take(log.reading(later))
    assert fold.moves[TP].tally == {"dead_lettered": 1, "held": 1}
    assert fold.moves[TP].after().held == {"o1": "bug"}


def test_the_limit_ends_the_batch_after_the_letter_that_reaches_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over batches, and a good record ends the row."""
    monkeypatch.setattr(limit, "IN_A_ROW", 3)
    log.state.offerings["o1"] = {"_id": "o1", "capacity": 1, "confirmed": [], "waiting": [], "version": 0}
    bad = [log.add("requested", person_id="refused") for _ in range(4)]
    fold = log.fold(Position(0))
    for one in bad[:2]:
        fold.take(log.reading(one))
    assert not fold.full
    end = fold.moves[TP].after()
    fold = log.fold(end)
    fold.take(log.reading(bad[2]))
    assert fold.full
    assert (fold.moves[TP].stopped, fold.moves[TP].next) == ("3 dead letters in a row", 3)
    fold = log.fold(end)
    fold.take(log.reading(log.add("withdrawn", person_id="p")))
    fold.take(log.reading(bad[3]))
    assert not fold.full


def test_a_batch_ends_when_its_output_is_large(log: Log) -> None:
    log.state.offerings["o1"] = {"_id": "o1", "capacity": 99, "confirmed": [], "waiting": [], "version": 0}
    fold = log.fold(Position(0))
    taken = 0
    while not fold.full:
        assert fold.take(log.reading(log.add("requested", person_id="loud")))
        taken += 1
    assert taken == 42, "42 times 100,000 bytes are the first to pass 4 MiB"


def test_an_event_that_fits_into_no_record_is_a_bug_before_anything_is_written(log: Log) -> None:
    log.state.offerings["o1"] = {"_id": "o1", "capacity": 99, "confirmed": [], "waiting": [], "version": 0}
    with pytest.raises(BugError):
        log.fold(Position(0)).take(log.reading(log.add("requested", person_id="deafening")))


def test_a_dead_letter_of_a_private_topic_carries_no_value_and_holds_no_key(log: Log) -> None:
    log.handler.private = ["in"]
    bad = log.add("requested", person_id="bug")
    fold = log.fold(Position(0), bugs=[bad])
    fold.take(log.reading(bad))
    [letter] = fold.moves[TP].events
    assert (letter.key, letter.value) == (b"o1", None)
    assert fold.moves[TP].after().held == {}
