"""What comes in over HTTP: read all of a request, fill in what is missing of people, place it on the log. Pure."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from services.enrolment.events import DOOR, BookingRequested, CohortAssigned, GroupRequested, LeaveGranted
from services.enrolment.records import attributes_of
from services.enrolment.state import Attributes
from shared.cloudevents import BATCH, STRUCTURED, Event, context_of, encode, parse, parse_binary
from shared.credentials import OPERATOR
from shared.errors import Invalid
from shared.events import LMS_EVENTS, LMS_PEOPLE, Person, PersonErased
from shared.keys import key_of, partition_of
from shared.publisher import Out
from shared.schemas import REF, Schema, event_schemas

MAX_BYTES: Final = 1024 * 1024
FILLED: Final = ("organisation_id", "department", "status_group")


class RefusedError(Exception):
    """Events of a request that are invalid: [{index, field, reason}]."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} invalid events")
        self.errors = errors


def read_request(content_type: str, headers: Mapping[str, str], body: bytes) -> list[Event] | None:
    """All events of a request, or None where its form is not one of CloudEvents' three. Raises RefusedError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == BATCH:
        return _read_all(_split(body))
    if kind == STRUCTURED:
        return _read_all([msgspec.Raw(body)])
    if "ce-specversion" in headers and kind == "application/json":
        context = {name: unquote(value) for name, value in context_of(headers, "ce-").items()}
        return _collected([lambda: parse_binary(body, context, DOOR)])
    return None


def described() -> tuple[dict[str, Schema], dict[str, Schema]]:
    """What may be sent, by media type, and the schemas that this refers to."""
    components = event_schemas(DOOR)
    events = {"oneOf": [{"$ref": REF.format(name=name)} for name in DOOR], "discriminator": {"propertyName": "type"}}
    attributes = "The data alone; the headers ce-specversion, ce-id, ce-source, ce-type and ce-time say the rest."
    binary = {"type": "object", "description": attributes}
    return {STRUCTURED: events, BATCH: {"type": "array", "items": events}, "application/json": binary}, components


def _split(body: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError([{"index": 0, "field": "", "reason": f"the batch is no JSON list: {error}"}]) from error


def _read_all(values: Iterable[msgspec.Raw]) -> list[Event]:
    return _collected([lambda value=value: parse(value, DOOR) for value in values])


def _collected(readers: Iterable[Any]) -> list[Event]:
    """Read every event, so that the sender learns of all faults at once."""
    events, errors = [], []
    for index, reader in enumerate(readers):
        try:
            events.append(reader())
        except Invalid as fault:
            errors.append({"index": index, "field": fault.field, "reason": fault.detail or fault.reason})
    if errors:
        raise RefusedError(errors)
    return events


def of_others(events: Iterable[Event], source: str) -> list[dict[str, Any]]:
    """Events that a key for `source` must not send: [{index, field, reason}]."""
    return [
        {"index": index, "field": "source", "reason": f"this key is for the source {source}"}
        for index, event in enumerate(events)
        if source not in (OPERATOR, event.source)
    ]


def incomplete(events: Iterable[Event]) -> set[str]:
    """The people of whom something is missing in these events."""
    return {one.person_id for event in events for one in _people(event.data) if None in _attributes(one)}


def _people(data: object) -> list[Any]:
    if isinstance(data, CohortAssigned):
        return [*data.people]
    if isinstance(data, GroupRequested):
        return data.candidates
    return [data] if isinstance(data, (BookingRequested, LeaveGranted)) else []


def _attributes(one: object) -> list[str | None]:
    return [getattr(one, name) for name in FILLED]


def fill(events: Iterable[Event], known: MutableMapping[str, Attributes]) -> list[Event]:
    """Complete people from their latest record: one earlier in the same request, else the one `known` (changed)."""
    return [_fill_one(event, known) for event in events]


def _fill_one(event: Event, known: MutableMapping[str, Attributes]) -> Event:
    data = event.data
    if isinstance(data, (Person, PersonErased)):
        known[data.person_id] = attributes_of(data, 0)
    elif isinstance(data, CohortAssigned):
        return replace(event, data=replace(data, people=[_completed(one, known) for one in data.people]))
    elif isinstance(data, GroupRequested):
        return replace(event, data=replace(data, people=[_completed(one, known) for one in data.candidates]))
    elif _people(data):
        return replace(event, data=_completed(data, known))
    return event


def _completed(one: Any, known: Mapping[str, Attributes]) -> Any:  # noqa: ANN401 (candidate, request or leave)
    record = known.get(one.person_id)
    if record is None or None not in _attributes(one):
        return one
    return replace(one, **{name: getattr(record, name) for name in FILLED if getattr(one, name) is None})


def place(event: Event, partitions: int) -> Out:
    """The record for an event: a person's on `lms.people` (an erasure as a tombstone), any other on `lms.events`."""
    key = (key_of(event.data) or "").encode()
    partition = partition_of(key, partitions)
    if isinstance(event.data, PersonErased):
        context = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
        context["time"] = event.time.isoformat()
        return Out(LMS_PEOPLE, partition, key, None, [(f"ce_{name}", text.encode()) for name, text in context.items()])
    topic = LMS_PEOPLE if isinstance(event.data, Person) else LMS_EVENTS
    return Out(topic, partition, key, encode(event))
