"""CloudEvents 1.0 in JSON (structured mode) and in headers (binary mode): read, check, write. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from shared.errors import Invalid

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_CONTEXT: Final = ("specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject")

MOST: Final = 200
"""Characters of an id or a name."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]
"""An id or a name: 1 to 200 characters, none of them a control character or a line separator."""
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment, RFC 3339 with offset."""

Catalogue = Mapping[str, type[msgspec.Struct]]
"""Event type -> the shape of its data."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """A checked event: `data` is an instance of its type's shape, `time` is when the person acted."""

    id: str
    source: str
    type: str
    time: datetime
    data: Any
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class _Envelope(msgspec.Struct, gc=False):
    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Text
    time: Instant
    data: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(_Envelope)
_encode = msgspec.json.Encoder().encode


@cache
def _decoder(shape: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def parse(value: bytes | msgspec.Raw, catalogue: Catalogue) -> Event:
    """Read one event in structured mode. Raises Invalid with the place of the fault."""
    try:
        head = _envelope.decode(value)
    except msgspec.ValidationError as error:
        raise _invalid(error, "") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("not_json", "", str(error)) from error
    return _with_data(head, catalogue)


def parse_binary(value: bytes, context: Mapping[str, str], catalogue: Catalogue) -> Event:
    """Read one event in binary mode: `context` holds the attributes without their prefix, `value` is the data."""
    try:
        head = msgspec.convert({**context, "data": msgspec.Raw(value)}, _Envelope)
    except msgspec.ValidationError as error:
        raise _invalid(error, "") from error
    return _with_data(head, catalogue)


def context_of(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Pick the context attributes out of headers that begin with `prefix` (`ce-` in HTTP, `ce_` in Kafka)."""
    found = {name: headers.get(prefix + name) for name in _CONTEXT}
    return {name: value for name, value in found.items() if value is not None}


def fitting(identity: str) -> str:
    """An event id of our own, made of an entity's id and more: a digest of it where it is too long for one."""
    return identity if len(identity) <= MOST else sha256(identity.encode()).hexdigest()


def encode(event: Event) -> bytes:
    """Write an event in structured mode."""
    return _encode(event)


def check_years(struct: msgspec.Struct) -> None:
    """Refuse a moment outside of 1900 to 2200. For `__post_init__`: msgspec adds the place."""
    for name in struct.__struct_fields__:
        moment = getattr(struct, name)
        if isinstance(moment, datetime) and not EARLIEST <= moment < LATEST:
            raise ValueError(f"{name}: must lie between 1900 and 2200")


def _with_data(head: _Envelope, catalogue: Catalogue) -> Event:
    shape = catalogue.get(head.type)
    if shape is None:
        raise Invalid("unknown_type", "type", f"no event of type {head.type} is known here")
    if not EARLIEST <= head.time < LATEST:
        raise Invalid("invalid", "time", "must lie between 1900 and 2200")
    if not head.data:
        raise Invalid("invalid", "data", "is missing")
    try:
        data = _decoder(shape).decode(head.data)
    except msgspec.ValidationError as error:
        raise _invalid(error, "data") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("not_json", "data", str(error)) from error
    return Event(head.id, head.source, head.type, head.time, data)


def _invalid(error: msgspec.ValidationError, root: str) -> Invalid:
    """Turn "Expected `int`, got `str` - at `$.sessions[0].x`" into a field and a sentence."""
    sentence, _, place = str(error).partition(" - at `$")
    if "matching regex" in sentence:
        sentence = "has characters or a form that are not allowed here"
    path = re.sub(r"^\.", "", place.rstrip("`"))
    named = re.search(r"missing required field `(\w+)`", sentence) or re.match(r"([\w.\[\]]+): ", sentence)
    steps = [part for part in (root, path, named.group(1) if named else "") if part]
    return Invalid("invalid", ".".join(steps).replace(".[", "["), sentence)
