"""Control events in the fold: what is replayed or dropped, what follows, and what changes nothing."""

import json
from typing import Any

import pytest

from shared.codec import read_again
from shared.errors import Invalid
from shared.events import LETTER_DROPPED, LETTER_REPLAYED
from shared.folding import Fold
from shared.held import Waiting
from shared.letters import Document, Pending, letter_of, record_of, sender_of
from shared.positions import LettingGo, Position
from shared.reading import Reading, place, read_record
from tests.support.seats import State
from tests.unit.shared.test_folding import TP, Log, Record


class Office(Log):
    """A log whose letters can be replayed and dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.state.offerings["o1"] = {
            "_id": "o1",
            "capacity": 9,
            "confirmed": [],
            "waiting": [],
            "version": 0,
            "trouble": "",
        }

    def letter(self, record: Record, reason: str = "bug", *, private: bool = False) -> Document:
        return letter_of(record, Invalid(reason), private=private, blocks=reason == "bug")

    def say(self, kind: str, letter: Document, service: str = "g") -> Reading:
        data: dict[str, Any] = {name: letter[name] for name in ("topic", "partition", "offset")}
        event = {"specversion": "1.0", "id": "c", "source": "lernbus", "type": kind, "time": "2024-11-04T09:30:00Z"}
        record = Record(len(self.records), json.dumps({**event, "data": {**data, "service": service}}).encode())
        self.records.append(record)
        return Reading(record, read_again(record, self.handler.topics["in"], 0))

    def fold_with(
        self, position: Position, letter: Document, *replays: Reading, value: bytes | None = None
    ) -> Fold[State]:
        record = record_of(letter, value)
        reading = read_record(record, self.handler.topics["in"], 1, 0, ())
        pending = Pending({letter["_id"]: letter}, {place(one.record): reading for one in replays})
        return Fold(self.handler, self.state, {TP: position}, {}, frozenset(), pending=pending)


@pytest.fixture
def office() -> Office:
    return Office()


def blocked(office: Office, person: str = "p") -> tuple[Position, Document]:
    """The key o1 is held behind the letter of the first record."""
    letter = office.letter(office.add("requested", person_id=person))
    return Position(1, held={"o1": "bug"}), letter


def test_a_replay_applies_the_record_and_then_lets_go_what_waits(office: Office) -> None:
    position, letter = blocked(office)
    control = office.say(LETTER_REPLAYED, letter)
    fold = office.fold_with(position, letter, control)
    assert not fold.take(control), "the held records have transactions of their own"
    assert office.state.offerings["o1"]["confirmed"] == ["p"]
    assert fold.moves[TP].tally == {"dead_lettered": -1, "applied": 1}
    assert (letter["status"], letter["last"], letter["blocks"]) == (
        "replayed",
        {"control": 1, "outcome": "applied"},
        False,
    )
    after = fold.moves[TP].after()
    assert (after.next, after.step, after.letting_go) == (1, 1, LettingGo("o1", "applied"))
    fold = Fold(office.handler, office.state, {TP: after}, {TP: Waiting()}, frozenset())
    assert fold.take(control)
    assert fold.moves[TP].after().held == {}
    assert fold.moves[TP].tally == {"applied": 1}, "the control event itself"


def test_a_dropped_letter_lets_go_what_waits_and_changes_nothing_else(office: Office) -> None:
    position, letter = blocked(office)
    control = office.say(LETTER_DROPPED, letter)
    fold = office.fold_with(position, letter)
    assert not fold.take(control)
    assert office.state.offerings["o1"]["confirmed"] == []
    assert fold.moves[TP].tally == {"dead_lettered": -1, "dropped": 1}
    assert letter["status"] == "dropped"


def test_repeats_and_other_services_events_change_nothing(office: Office) -> None:
    letter = office.letter(office.add("requested", person_id="p"), "refused")
    control, again = office.say(LETTER_REPLAYED, letter), office.say(LETTER_REPLAYED, letter)
    others = office.say(LETTER_REPLAYED, letter, service="other")
    fold = office.fold_with(Position(1), letter, control, again)
    for one in (control, again, others):
        assert fold.take(one)
    assert office.state.offerings["o1"]["confirmed"] == ["p"]
    assert fold.moves[TP].tally == {"dead_lettered": -1, "applied": 4}
    assert letter["replays"] == 1


def test_a_record_that_fails_again_is_again_an_open_letter_and_goes_on_blocking(office: Office) -> None:
    position, letter = blocked(office, "refused")
    control = office.say(LETTER_REPLAYED, letter)
    fold = office.fold_with(position, letter, control)
    assert fold.take(control)
    assert (letter["status"], letter["reason"], letter["blocks"]) == ("open", "refused", True)
    assert letter["last"] == {"control": 1, "outcome": "dead_lettered"}
    assert fold.moves[TP].after().held == {"o1": "bug"}
    assert +fold.moves[TP].tally == {"applied": 1}
    assert fold.moves[TP].after().window == Position(0).window, "what an operator tries does not count for the limit"


def test_an_edited_value_passes_the_same_checks_and_the_original_stays(office: Office) -> None:
    position, letter = blocked(office)
    original = letter["value"]
    wrong = original.replace(b'"o1"', b'"o2"')
    control = office.say(LETTER_REPLAYED, letter)
    fold = office.fold_with(position, letter, control, value=wrong)
    fold.take(control)
    assert (letter["reason"], letter["value"]) == ("wrong_key", original)
    [out] = fold.moves[TP].events
    assert out.value == original
    good = original.replace(b'"p"', b'"q"')
    control = office.say(LETTER_REPLAYED, letter)
    office.fold_with(position, letter, control, value=good).take(control)
    assert office.state.offerings["o1"]["confirmed"] == ["q"]


def test_another_letter_of_a_blocked_key_waits_behind_the_bug(office: Office) -> None:
    letter = office.letter(office.add("requested", person_id="p"), "refused")
    control = office.say(LETTER_REPLAYED, letter)
    fold = office.fold_with(Position(1, held={"o1": "bug"}), letter, control)
    assert fold.take(control)
    assert fold.moves[TP].tally == {"dead_lettered": -1, "held": 1, "applied": 1}
    assert office.state.offerings["o1"]["confirmed"] == []


def test_a_letter_without_its_content_is_never_applied(office: Office) -> None:
    """A record without a value would be read as an erasure on lms.people."""
    letter = office.letter(office.add("requested", person_id="p"), "invalid", private=True)
    assert (letter["value"], letter["detail"], letter["withheld"]) == (None, "", True)
    control = office.say(LETTER_REPLAYED, letter)
    fold = office.fold_with(Position(1), letter)
    assert fold.take(control)
    assert fold.moves[TP].tally == {"applied": 1}
    assert letter["status"] == "open"


def test_who_sent_a_record_is_told_as_far_as_it_can_be_read() -> None:
    nobody = {"source": None, "event_id": None, "type": None}
    assert sender_of(Record(0, b"{not json")) == nobody
    assert sender_of(Record(0, b"[1]")) == nobody
    assert sender_of(Record(0, None)) == nobody
    assert sender_of(Record(0, b'{"id": 7, "source": "x", "type": "t"}')) == {**nobody, "source": "x", "type": "t"}
    binary = Record(0, b"{}", headers=[("ce_id", b"1"), ("ce_source", b"\xff"), ("ce_type", None)])
    assert sender_of(binary) == {"source": "\ufffd", "event_id": "1", "type": None}


def test_what_was_held_behind_a_dropped_beginning_waits_for_another_one(office: Office) -> None:
    """The dropped record would have made the entity."""
    early = Record(0, office.add("requested", person_id="p").value)
    office.state.offerings.clear()
    position = Position(1, step=1, letting_go=LettingGo("o1", "applied"), held={"o1": "bug"})
    letter = office.letter(early)
    control = office.say(LETTER_DROPPED, letter)
    fold = Fold(office.handler, office.state, {TP: position}, {TP: Waiting([(early, 0)])}, frozenset())
    assert fold.take(control)
    assert fold.moves[TP].after().held == {"o1": "unknown"}
