"""Dead letters: records that could not be processed, and the control events that replay or drop them. Pure.

A letter is a document of the service's own database, `_id` "topic/partition/offset" of the record: {topic, partition,
offset, timestamp, raw_key, key (as text), value, size, headers, reason, field, detail, source, event_id, type, status,
withheld, blocks, replays, last: {control, outcome} or null, edited}. `withheld`: the content is not kept, as it may
hold a name; `blocks`: later records of its key are held behind it; `last`: the last control event that was about it
(its offset) and what came of that, `edited` the value that the last replay brought instead of the record's own.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka.structs import ConsumerRecord

from shared.codec import Record
from shared.errors import Invalid
from shared.events import LETTER_DROPPED, LETTER_REPLAYED, DeadLetter
from shared.reading import Place, Reading

Document = dict[str, Any]
CONTENT: Final[Document] = {"value": None, "headers": [], "detail": "", "size": 0, "edited": None, "withheld": True}
"""What a letter keeps of a record that may hold a name: nothing."""


class _Sender(msgspec.Struct):
    id: Any = None
    source: Any = None
    type: Any = None


def place_id(topic: str, partition: int, offset: int) -> str:
    """The _id of a letter and of a held record."""
    return f"{topic}/{partition}/{offset}"


def letter_id(record: Record) -> str:
    """The _id of a record's letter."""
    return place_id(record.topic, record.partition, record.offset)


def letter_of(record: Record, fault: Invalid, *, private: bool, blocks: bool) -> Document:
    """The letter of a record that has failed for the first time."""
    content = CONTENT if private else {"value": record.value, "size": len(record.value or b"")}
    key = None if record.key is None else record.key.decode(errors="replace")
    return {
        "_id": letter_id(record),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "raw_key": record.key,
        "key": key,
        "headers": [[name, value] for name, value in record.headers],
        "edited": None,
        "withheld": False,
        **sender_of(record),
        **said(fault, blocks=blocks),
        **content,
        "status": "open",
        "replays": 0,
        "last": None,
    }


def said(fault: Invalid, *, blocks: bool) -> Document:
    """Why a record failed, as its letter keeps it."""
    return {"reason": fault.reason, "field": fault.field, "detail": fault.detail[:1_000], "blocks": blocks}


def sender_of(record: Record) -> Document:
    """Who sent it, as far as that can be read: {source, event_id, type}, each a text or null."""
    head = _Sender()
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        head = msgspec.json.decode(record.value or b"null", type=_Sender)
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    found = {"source": head.source, "event_id": head.id, "type": head.type}
    names = {"source": "ce_source", "event_id": "ce_id", "type": "ce_type"}
    either = {field: value if isinstance(value, str) else headers.get(names[field]) for field, value in found.items()}
    return {field: None if value is None else value[:200] for field, value in either.items()}


def record_of(letter: Mapping[str, Any], value: bytes | None = None) -> Record:
    """The record as Kafka had given it, or with an edited value."""
    headers = tuple((name, content) for name, content in letter["headers"])
    where = letter["topic"], letter["partition"], letter["offset"], letter["timestamp"]
    content = letter["value"] if value is None else value
    return ConsumerRecord(*where, 0, letter["raw_key"], content, None, 0, 0, headers)  # type: ignore[no-any-return]


class Pending(NamedTuple):
    """The letters that a batch's control events are about.

    `documents`: _id -> open letter, changed by the fold; `replays`: place of a control event -> the letter's reading.
    """

    documents: dict[str, Document]
    replays: Mapping[Place, Reading]


NO_LETTERS: Final = Pending({}, {})


def wanted(service: str, reading: Reading) -> str | None:
    """The letter that a record is a control event about, if it is one of ours and of this very partition."""
    item = reading.item
    if item is None or item.event.type not in (LETTER_REPLAYED, LETTER_DROPPED):
        return None
    data: DeadLetter = item.event.data
    ours = data.service == service and (data.topic, data.partition) == (item.topic, item.partition)
    return place_id(data.topic, data.partition, data.offset) if ours else None


def first_within(sizes: Sequence[int], limit: int) -> int:
    """How many of these fit into a batch, at least one."""
    total = 0
    for index, size in enumerate(sizes):
        total += size
        if total > limit and index:
            return index
    return len(sizes)
