"""A small service for tests of the kernel: seats and a waiting list per offering, versions 1..n, promotions in steps.

Deliberately not idempotent: a record that is applied twice shows in the version and in the lists. Some people are
trouble: `bug` fails in apply, `refused` is invalid, `huge` makes a document that MongoDB refuses, `unloadable` and
`unwritable` fail in load and writes, `loud` publishes 100,000 bytes and `deafening` more than a record may have,
`moody` fails in apply until the service is `cured`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase

from shared.cloudevents import Catalogue, Event, Text
from shared.errors import Invalid
from shared.events import CONTROL
from shared.handler import Item, Result, Writes

STEP = 10


class Scheduled(msgspec.Struct, frozen=True):
    offering_id: Text
    capacity: int


class Requested(msgspec.Struct, frozen=True):
    offering_id: Text
    person_id: Text


class Withdrawn(msgspec.Struct, frozen=True):
    offering_id: Text
    person_id: Text


class Raised(msgspec.Struct, frozen=True):
    offering_id: Text
    capacity: int


class Changed(msgspec.Struct, frozen=True):
    offering_id: str
    person_id: str
    status: str
    version: int
    cause: str
    ballast: str = ""


SCHEDULED, REQUESTED, WITHDRAWN, RAISED = (
    f"test.{what}.v1" for what in ("scheduled", "requested", "withdrawn", "raised")
)
CHANGED = "test.changed.v1"
CATALOGUE: Catalogue = {
    SCHEDULED: Scheduled,
    REQUESTED: Requested,
    WITHDRAWN: Withdrawn,
    RAISED: Raised,
    **CONTROL,
}

Documents = dict[str, dict[str, Any]]


class State:
    def __init__(self, offerings: Documents) -> None:
        self.offerings = offerings
        self.dirty: set[str] = set()


class Seats:
    def __init__(self, database: AsyncDatabase[dict[str, Any]], group: str, topic: str, output: str) -> None:
        self.database = database
        self.group = group
        self.topics: Mapping[str, Catalogue] = {topic: CATALOGUE}
        self.private: Collection[str] = ()
        self.output: str | None = output
        self.cured = False
        """Until then `moody` people fail as `bug` does."""

    async def load(self, items: Sequence[Item]) -> State:
        keys = {"$in": [*{item.key for item in items}]}
        state = State({found["_id"]: found async for found in self.database["offerings"].find({"_id": keys})})
        if any(person_of(item) == "unloadable" and item.key in state.offerings for item in items):
            raise ArithmeticError("a secret name")
        return state

    def apply(self, state: State, item: Item) -> Result:
        data, cause = item.event.data, item.event
        offering = state.offerings.get(data.offering_id)
        if isinstance(data, Scheduled):
            if offering is not None:
                return Result("repeated")
            state.offerings[data.offering_id] = new_offering(data)
            state.dirty.add(data.offering_id)
            return Result()
        if offering is None:
            return Result("held")
        if person_of(item) == "moody" and not self.cured:
            raise ZeroDivisionError("a secret name")
        if person_of(item) == "refused":
            raise Invalid("refused", "person_id", "is refused")
        state.dirty.add(data.offering_id)
        if isinstance(data, Requested):
            return Result(events=request(offering, data, cause))
        if isinstance(data, Withdrawn):
            return Result(events=withdraw(offering, data, cause))
        return raise_capacity(offering, data, cause, item.step)

    def writes(self, state: State) -> Writes:
        for name in state.dirty:
            if state.offerings[name]["trouble"] == "unwritable":
                raise ArithmeticError("a secret name")
        found = [ReplaceOne({"_id": name}, state.offerings[name], upsert=True) for name in sorted(state.dirty)]
        return {"offerings": found}


def person_of(item: Item) -> str:
    return getattr(item.event.data, "person_id", "")


def new_offering(data: Scheduled) -> dict[str, Any]:
    return {
        "_id": data.offering_id,
        "capacity": data.capacity,
        "confirmed": [],
        "waiting": [],
        "version": 0,
        "trouble": "",
    }


def request(offering: dict[str, Any], data: Requested, cause: Event) -> list[Event]:
    if data.person_id == "bug":
        offering["confirmed"].append("half done")  # what a bug has begun must not be kept
        raise ZeroDivisionError("a secret name")
    if data.person_id == "huge":
        offering["trouble"] = "x" * 17_000_000
    if data.person_id == "unwritable":
        offering["trouble"] = data.person_id
    free = len(offering["confirmed"]) < offering["capacity"]
    offering["confirmed" if free else "waiting"].append(data.person_id)
    return [say(offering, data.person_id, "confirmed" if free else "waiting", cause)]


def withdraw(offering: dict[str, Any], data: Withdrawn, cause: Event) -> list[Event]:
    for queue in (offering["confirmed"], offering["waiting"]):
        if data.person_id in queue:
            queue.remove(data.person_id)
    return [say(offering, data.person_id, "withdrawn", cause), *promote(offering, STEP, cause)]


def raise_capacity(offering: dict[str, Any], data: Raised, cause: Event, step: int) -> Result:
    events: list[Event] = []
    if step == 0:
        offering["capacity"] = data.capacity
        events.append(say(offering, "", "raised", cause))
    events += promote(offering, STEP, cause)
    more = bool(offering["waiting"]) and len(offering["confirmed"]) < offering["capacity"]
    return Result(events=events, more=more)


def promote(offering: dict[str, Any], limit: int, cause: Event) -> list[Event]:
    events: list[Event] = []
    while offering["waiting"] and len(offering["confirmed"]) < offering["capacity"] and len(events) < limit:
        person = offering["waiting"].pop(0)
        offering["confirmed"].append(person)
        events.append(say(offering, person, "promoted", cause))
    return events


def say(offering: dict[str, Any], person: str, status: str, cause: Event) -> Event:
    offering["version"] += 1
    version, size = offering["version"], {"loud": 100_000, "deafening": 5_000_000}.get(person, 0)
    data = Changed(offering["_id"], person, status, version, cause.id, "x" * size)
    return Event(f"{offering['_id']}.{version}", "test/seats", CHANGED, cause.time, data)
