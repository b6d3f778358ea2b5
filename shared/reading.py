"""A record as the kernel has read it: the item that it is, or the fault why it is none."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.cloudevents import Catalogue
from shared.codec import Record, read
from shared.errors import Invalid
from shared.handler import Item

Place = tuple[str, int, int]


class BugError(Exception):
    """A record that our own code failed on."""

    def __init__(self, record: Record) -> None:
        super().__init__(place(record))
        self.record = record


def place(record: Record) -> Place:
    """Where a record stands, for a set."""
    return record.topic, record.partition, record.offset


@dataclass(slots=True)
class Reading:
    """A record, and the item that it is or the fault why it is none."""

    record: Record
    item: Item | None
    fault: Invalid | None = None


def read_record(record: Record, catalogue: Catalogue, partitions: int, step: int, bugs: Collection[Place]) -> Reading:
    """Read one record; raises BugError where our code fails on one that is not among the known `bugs`."""
    try:
        return Reading(record, read(record, catalogue, partitions, step))
    except Invalid as fault:
        return Reading(record, None, fault)
    except Exception as error:
        if place(record) in bugs:
            return Reading(record, None, Invalid("bug", "", "the service failed on this record"))
        raise BugError(record) from error
