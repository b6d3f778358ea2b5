"""What is noted of changes."""

from typing import Any

import pytest

from services.enrolment import history
from services.enrolment.consumer import Enrolment
from services.enrolment.state import Entry, State, Tally
from services.enrolment.store import Store, _write_entry
from shared.cloudevents import Event
from shared.handler import Item
from tests.support.enrolment import delegation, lms, scheduled


class Log:
    """Applies events with no database."""

    def __init__(self) -> None:
        self.state = State()
        self.enrolment = Enrolment(Store.__new__(Store))
        self.offset = 0

    def push(self, *events: Event) -> list[Entry]:
        """What is noted of these."""
        self.state.history = {}
        for event in events:
            self.offset += 1
            key = getattr(event.data, "offering_id", "o1")
            self.state.named[key].update(one.organisation_id for one in getattr(event.data, "delegations", None) or [])
            self.enrolment.apply(self.state, Item(event, key, "lms.events", 0, self.offset))
        return [*self.state.history.values()]


@pytest.fixture
def log() -> Log:
    log = Log()
    log.push(scheduled(offering_id="o1", capacity=1), *(requested(f"p{n}") for n in range(3)))
    return log


def requested(person_id: str, **more: Any) -> Event:
    return lms("booking.requested", offering_id="o1", person_id=person_id, **more)


def of_office(event: Event) -> Event:
    return Event(event.id, history.OFFICE, event.type, event.time, event.data)


def test_a_change_says_who_and_what_and_whom_it_moved(log: Log) -> None:
    [entry] = log.push(lms("offering.capacity_changed", offering_id="o1", capacity=3, requested_by="anna"))
    assert (entry.kind, entry.by, entry.details) == ("capacity", "anna", {"capacity": [1, 3]})
    assert entry.moved == {"promoted": 2}
    assert entry.version == log.state.ledgers["o1"].version


def test_delegations_that_differ_are_named(log: Log) -> None:
    event = lms("offering.capacity_changed", offering_id="o1", capacity=1, delegations=[delegation("jena", 1)])
    log.state.ledgers["o1"].tallies["jena"] = Tally("jena")  # as the store counts it
    [entry] = log.push(event)
    assert entry.details == {"delegations": [["jena", None, 1]]}


def test_moved_sessions_are_named(log: Log) -> None:
    [session] = log.state.ledgers["o1"].offering.sessions
    moved = {"session_id": session.session_id, "title": "neu", "format": "online"}
    times = {"starts_at": "2024-12-01T09:00:00+01:00", "ends_at": "2024-12-01T10:00:00+01:00"}
    [entry] = log.push(lms("offering.rescheduled", offering_id="o1", sessions=[{**moved, **times}]))
    assert session.starts_at
    [[title, before, after]] = entry.details["sessions"]
    assert (title, after) == ("neu", times["starts_at"])
    assert before != after


def test_a_plain_request_and_a_repeat_are_not_noted_the_offices_are(log: Log) -> None:
    assert log.push(requested("p9")) == []
    [entry] = log.push(of_office(requested("p10", requested_by="anna")))
    assert (entry.kind, entry.by, entry.person_id, entry.moved) == ("booked", "anna", "p10", {"waitlisted": 1})
    assert log.push(of_office(requested("p10"))) == []


def test_nobodys_own_words_about_a_person_are_kept(log: Log) -> None:
    [entry] = log.push(lms("booking.withdrawn", offering_id="o1", person_id="p1", reason="Frau Meier ist krank"))
    assert (entry.kind, entry.person_id) == ("withdrawn", "p1")
    assert "Meier" not in repr(entry)


def test_the_next_steps_are_added_in_the_database(log: Log) -> None:
    [entry] = log.push(lms("offering.capacity_changed", offering_id="o1", capacity=3))
    write: Any = _write_entry(entry)
    assert write._doc["$inc"] == {"moved.promoted": 2}
    assert "moved" not in write._doc["$setOnInsert"]
