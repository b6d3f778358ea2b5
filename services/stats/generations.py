"""Figures that are built anew beside those that are shown (design section 3, mechanism 12). Pure.

A generation is a set of stats' collections: 0 has the plain names, n the same names with `_n`. On each partition the
begin mark of a restatement begins its generation: from there on what happens is folded into the generation that is read
and into this one, and what is said again into this one alone. Once all partitions have read their end mark, it is the
one that is read, for everybody at once, because everything follows from one document:

generations {_id: "stats", begun: {partition: [n]}, ended: {partition: [n]}}

The fields of a partition are written by its one writer, in the transaction of its batch. A batch that was loaded before
the last end mark folds into the old generation as well, and never misses the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from pymongo import UpdateOne

ID: Final = "stats"
Marks = dict[int, list[int]]


@dataclass(slots=True)
class Generations:
    """What each of `partitions` partitions has begun and ended, of what still matters.

    `reading`: the newest generation that every partition had ended when this was read; figures are told from it.
    """

    partitions: int
    begun: Marks = field(default_factory=dict)
    ended: Marks = field(default_factory=dict)
    reading: int = 0
    changed: set[int] = field(default_factory=set)
    """Partitions whose marks have been read since."""

    @classmethod
    def of(cls, document: Mapping[str, Any] | None, partitions: int) -> Self:
        """As they stand in the database."""
        found = document or {"begun": {}, "ended": {}}
        begun, ended = ({int(one): [*some] for one, some in found[name].items()} for name in ("begun", "ended"))
        by_all = set.intersection(*({*ended.get(one, ())} for one in range(partitions)))
        return cls(partitions, begun, ended, max(by_all, default=0))

    @property
    def building(self) -> int | None:
        """The newest generation that some partition has begun, unless it is the one that is read."""
        newest = max((one for some in self.begun.values() for one in some), default=0)
        return newest if newest > self.reading else None

    @property
    def through(self) -> int:
        """How many partitions have ended the one that is being built."""
        return sum(self.building in some for some in self.ended.values())

    def beside(self, partition: int) -> list[int]:
        """What a partition folds into besides the generation that is read."""
        return [one for one in self.begun.get(partition, ()) if one > self.reading]

    def begin(self, partition: int, generation: int) -> bool:
        """A begin mark; False if it was known."""
        if generation <= self.reading or generation in self.begun.get(partition, ()):
            return False
        self.begun[partition] = [*self.beside(partition), generation]
        self.changed.add(partition)
        return True

    def end(self, partition: int, generation: int) -> bool:
        """An end mark; False if it was known, or its beginning is not."""
        ended = self.ended.get(partition, [])
        if generation not in self.beside(partition) or generation in ended:
            return False
        self.ended[partition] = [*(one for one in ended if one >= self.reading), generation]
        self.changed.add(partition)
        return True

    @property
    def fields(self) -> dict[str, list[int]]:
        """What of the document has changed."""
        return {
            f"{name}.{one}": some.get(one, [])
            for name, some in (("begun", self.begun), ("ended", self.ended))
            for one in self.changed
        }

    def write(self) -> UpdateOne:
        """What the partitions of a batch have read."""
        return UpdateOne({"_id": ID}, {"$set": self.fields}, upsert=True)
