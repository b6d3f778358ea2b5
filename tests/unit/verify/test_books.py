"""Invariant 4: position documents, held records and dead letters that do not add up."""

from typing import Any

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord

from shared.audit import Books, audit_books
from shared.erasures import TWO_DAYS_MS, Erasures

LANE = ("lms.events", 0)


def position(**changes: Any) -> dict[str, Any]:
    return {
        "_id": "g/lms.events/0",
        "start": 0,
        "next": 10,
        "tally": {"applied": 7, "held": 1, "dead_lettered": 2},
        **changes,
    }


def books(**changes: Any) -> Books:
    held = [{"topic": "lms.events", "partition": 0, "offset": 4, "key": "o"}]
    keys = [{"position": "g/lms.events/0", "key": "o", "why": "unknown"}]
    whole: dict[str, Any] = {
        "positions": {LANE: position()},
        "held": held,
        "held_keys": keys,
        "letters": [letter(5), letter(6)],
        "reported": {LANE: {5, 6}},
    }
    return Books("g", [LANE], **(whole | changes))


def letter(offset: int, status: str = "open", *, key: str = "k", blocks: bool = False) -> dict[str, Any]:
    place = {"topic": "lms.events", "partition": 0, "offset": offset}
    return {**place, "key": key, "status": status, "blocks": blocks, "edited": None}


def said(found: Books) -> list[str]:
    assert all(one.invariant == 4 for one in audit_books(found).broken)
    return [f"{one.entity}: {one.detail}" for one in audit_books(found).broken]


def test_books_that_add_up_are_clean() -> None:
    report = audit_books(books())
    assert (report.broken, report.unchecked) == ([], [])
    assert report.checked == {"records": 10, "dead letters": 2, "held": 1}


def test_letters_that_were_settled_add_up_and_what_was_not_replayed_has_had_no_effect() -> None:
    tally = {"applied": 7, "held": 1, "dead_lettered": 1, "dropped": 1}
    some = [letter(5, "replayed"), letter(6, "dropped"), letter(7, blocks=True)]
    keys = [{"position": "g/lms.events/0", "key": key, "why": why} for key, why in (("o", "unknown"), ("k", "bug"))]
    whole = {"letters": some, "reported": {LANE: {5, 6, 7}}, "held_keys": keys}
    found = books(positions={LANE: position(tally=tally)}, **whole)
    assert said(found) == []
    assert found.parked("lms.events") == {(0, 4), (0, 6), (0, 7)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"positions": {}}, "has no position document"),
        ({"positions": {LANE: position(next=11)}}, "11 records were read, and 10 have an outcome"),
        ({"positions": {LANE: position(tally={"applied": 11, "held": 1, "dead_lettered": -2})}}, "below zero"),
        ({"held": []}, "1 records are counted as held, and 0 are kept"),
        ({"held": []}, "waits for its entity, and no record is held"),
        ({"held_keys": []}, "1 held records, and nothing says what they wait for"),
        ({"letters": [letter(5)]}, "2 records are counted as dead_lettered, and 1 letters are open"),
        ({"letters": [letter(5)]}, "the dead letters of the offsets [6] stand on the topic only"),
        ({"reported": {LANE: {5}}}, "the dead letters of the offsets [6] do not stand on the topic"),
        ({"letters": [letter(5), letter(6, "dropped")]}, "0 records are counted as dropped, and 1 letters are dropped"),
        ({"letters": [letter(5), letter(6, blocks=True)]}, "g/lms.events/0 k: is held behind a dead letter"),
        ({"held_keys": [{"position": "g/lms.events/0", "key": "o", "why": "bug"}]}, "o: is held behind a dead letter"),
        ({"unreadable": ["0/7"]}, "has no reason or origin"),
    ],
)
def test_what_does_not_add_up_is_named(changes: dict[str, Any], words: str) -> None:
    assert [one for one in said(books(**changes)) if words in one]


def test_what_cannot_be_checked_is_said() -> None:
    cut = books(positions={LANE: position(start=3, tally={"applied": 5, "absent": 2})}, held=[], held_keys=[])
    cut.letters, cut.reported, cut.letters_cut = [], {}, {0}
    report = audit_books(cut)
    assert report.broken == []
    assert [words for words in report.unchecked if "before offset 3" in words]
    assert [words for words in report.unchecked if "2 offsets of lms.events hold no record" in words]
    assert [words for words in report.unchecked if "dead letters of partition 0" in words]


def person(offset: int, value: bytes | None, timestamp: int = 0) -> ConsumerRecord:
    return ConsumerRecord("lms.people", 0, offset, timestamp, 0, b"p", value, None, 1, 0, ())


CHANGED = msgspec.json.encode(
    {
        "specversion": "1.0",
        "id": "e",
        "source": "s",
        "type": "lms.person.changed.v1",
        "time": "2024-01-01T00:00:00Z",
        "data": {
            "person_id": "p",
            "email": "p@example.org",
            "display_name": "P",
            "language": "de",
            "organisation_id": "jena",
        },
    }
)


def test_erased_is_whose_last_record_says_so() -> None:
    erasures = Erasures({0: 10})
    erasures.take(person(1, CHANGED))
    erasures.take(person(2, None))
    assert erasures.erased == {"p": 2}
    erasures.take(person(3, CHANGED))
    assert erasures.erased == {}


def test_what_the_service_has_not_read_yet_erases_nobody() -> None:
    erasures = Erasures({0: 2})
    erasures.take(person(2, None))
    assert erasures.erased == {}


def test_a_name_that_lingers_for_more_than_two_days_is_found() -> None:
    erasures = Erasures({0: 10})
    erasures.take(person(1, CHANGED))
    erasures.take(person(2, None, timestamp=1_000))
    erasures.take(person(3, None, timestamp=TWO_DAYS_MS))
    assert erasures.lingering(1_000 + TWO_DAYS_MS) == []
    assert erasures.lingering(1_001 + TWO_DAYS_MS) == ["p"]
    compacted = Erasures({0: 10})
    compacted.take(person(2, None))
    assert compacted.lingering(10 * TWO_DAYS_MS) == []
