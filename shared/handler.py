"""What a service gives to the consumer kernel: how to load, how to decide, what to write."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from shared.cloudevents import Catalogue, Event

WriteOne = InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
Writes = Mapping[str, Sequence[WriteOne]]
"""Collection name -> what to write there, in order."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One checked record. `step` counts the transactions that this record has already taken."""

    event: Event
    key: str
    topic: str
    partition: int
    offset: int
    step: int = 0


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of an item. `more`: its effect is not complete, apply it again with the next step.

    `held`: it cannot be applied before another event of its key has arrived; the state is unchanged.
    """

    outcome: Literal["applied", "repeated", "held"] = "applied"
    events: Sequence[Event] = ()
    more: bool = False


S = TypeVar("S")


class Handler(Protocol[S]):
    """A service as the kernel sees it."""

    group: str
    """Consumer group and name of the service: `<group>.dead-letters` takes what it cannot process."""
    topics: Mapping[str, Catalogue]
    """The topics to read, each with the types that may stand there."""
    private: Collection[str]
    """Topics with names and addresses that must not be kept here: a dead letter carries no value, no key is held."""
    output: str | None
    """The topic that takes the events which `apply` returns, keyed and partitioned as the item."""

    async def load(self, items: Sequence[Item]) -> S:
        """Read all that these items touch: one query per collection. May run again after a failure."""
        ...

    def apply(self, state: S, item: Item) -> Result:
        """Decide and change the state in memory. Pure. Raises Invalid before it has changed anything."""
        ...

    def writes(self, state: S) -> Writes:
        """All that has changed since `load`, for one transaction."""
        ...
