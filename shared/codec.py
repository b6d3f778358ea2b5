"""From a Kafka record to a checked item, or to the reason why it is none. Nothing here can fail a neighbour."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

import msgspec
from aiokafka.structs import TopicPartition

from shared.cloudevents import Catalogue, Event, Instant, context_of, parse, parse_binary
from shared.errors import Invalid
from shared.events import CONTROL, PersonErased
from shared.handler import Item
from shared.keys import key_of, partition_of


class Record(Protocol):
    """What we use of a Kafka record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


TOMBSTONE = "lms.person.erased.v1"


_place = lru_cache(maxsize=4_096)(TopicPartition)


def partition_and_topic(record: Record) -> TopicPartition:
    """Where a record stands. Asked several times for every record."""
    return _place(record.topic, record.partition)


def read(record: Record, catalogue: Catalogue, partitions: int, step: int = 0) -> Item:
    """Check one record. Raises Invalid with a fixed reason and the place of the fault."""
    item = read_again(record, catalogue, step)
    if item.event.type not in CONTROL:
        _check_key(record.key or b"", item.event, record.partition, partitions)
    return item


def read_again(record: Record, catalogue: Catalogue, step: int) -> Item:
    """Read a record whose key and partition were checked when it was held."""
    event = _event(record, catalogue)
    return Item(
        event, (record.key or b"").decode(errors="replace"), record.topic, record.partition, record.offset, step
    )


def _event(record: Record, catalogue: Catalogue) -> Event:
    if not record.headers and record.value is not None:  # nearly all of them
        return parse(record.value, catalogue)
    context = context_of(_text_headers(record), "ce_")
    if record.value is None:
        return _tombstone(record, context, catalogue)
    if "specversion" in context:
        return parse_binary(record.value, context, catalogue)
    return parse(record.value, catalogue)


def _text_headers(record: Record) -> Mapping[str, str]:
    """Headers that can be read as text; others belong to somebody else's tools."""
    return {name: value.decode(errors="replace") for name, value in record.headers if value is not None}


def _tombstone(record: Record, context: Mapping[str, str], catalogue: Catalogue) -> Event:
    """A null value ends a person's record; our own carry the event in their headers, an LMS's need not."""
    if TOMBSTONE not in catalogue or not record.key:
        raise Invalid("not_json", "", "the record has no value")
    try:
        person = msgspec.convert({"person_id": record.key.decode()}, PersonErased)
        time = msgspec.convert(context["time"], Instant) if "time" in context else _written(record)
    except (ValueError, msgspec.ValidationError) as error:
        raise Invalid("invalid", "key", str(error)) from error
    identity = context.get("id", f"{record.topic}/{record.partition}/{record.offset}")
    return Event(identity, context.get("source", "kafka"), TOMBSTONE, time, person)


def _written(record: Record) -> datetime:
    try:
        return datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC)
    except (OverflowError, OSError) as error:  # producers may stamp what they like
        raise ValueError(f"timestamp {record.timestamp}") from error


def _check_key(key: bytes, event: Event, partition: int, partitions: int) -> None:
    """An entity's events must all stand in its own partition, else two owners would decide about it.

    What enrolment publishes is keyed as its cause was, so only the partition can be checked there.
    """
    expected = key_of(event.data)
    if not event.type.startswith("enrolment.") and expected is not None and key != expected.encode():
        raise Invalid("wrong_key", "key", f"the key must be {expected!r}")
    if partition_of(key, partitions) != partition:
        raise Invalid("wrong_key", "partition", f"Kafka's default partitioner puts {key!r} elsewhere")


def dead_letter_headers(record: Record, fault: Invalid, *, private: bool = False) -> list[tuple[str, bytes]]:
    """Why a record could not be processed and where it stood; its own headers stay, unless they may hold a name."""
    said: dict[str, str | int] = {
        "lernbus-reason": fault.reason,
        "lernbus-field": fault.field,
        "lernbus-detail": "" if private else fault.detail,
        "lernbus-topic": record.topic,
        "lernbus-partition": record.partition,
        "lernbus-offset": record.offset,
        "lernbus-timestamp": record.timestamp,
    }
    own = [(name, value or b"") for name, value in record.headers if not private]
    return own + [(name, str(value)[:1_000].encode(errors="replace")) for name, value in said.items()]
