"""What a batch writes, in which order."""

from itertools import groupby
from unittest.mock import create_autospec

from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment.state import State
from services.enrolment.store import Store


def test_new_and_known_people_are_two_runs_of_writes_however_they_are_mixed() -> None:
    state = State()
    for number in range(100):
        claimant = state.claimant("o", f"p{number}")
        state.changed_claimants.add(claimant.id)
        if number % 2:
            state.stored.add(claimant.id)
    writes = Store(create_autospec(AsyncDatabase)).writes(state)["claimants"]
    assert len(writes) == 100
    assert [kind.__name__ for kind, _ in groupby(writes, type)] == ["InsertOne", "ReplaceOne"]
