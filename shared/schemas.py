"""JSON schemas of what goes over HTTP and Kafka, from the types that check it. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shared.cloudevents import Catalogue, Instant, Text

Schema = dict[str, Any]
REF: Final = "#/components/schemas/{name}"


class CloudEvent(msgspec.Struct):
    """The envelope of every event (CloudEvents 1.0, structured). `time`: when the person acted."""

    specversion: str
    id: Text
    source: Text
    type: Text
    time: Instant
    datacontenttype: str = "application/json"


def schemas(shapes: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each of these types, and the components that they refer to."""
    found, components = msgspec.json.schema_components([*shapes], ref_template=REF)
    return [_portable(one) for one in found], {name: _portable(one) for name, one in components.items()}


def event_schemas(catalogue: Catalogue) -> dict[str, Schema]:
    """By event type the schema of the whole event, and the components that these refer to."""
    (envelope, *data), components = schemas([CloudEvent, *catalogue.values()])
    components["CloudEvent"]["properties"]["specversion"] = {"const": "1.0"}
    events = {
        name: {
            "title": name,
            "allOf": [envelope, {"properties": {"type": {"const": name}, "data": shape}, "required": ["data"]}],
        }
        for name, shape in zip(catalogue, data, strict=True)
    }
    return components | events


def _portable(schema: Any) -> Any:  # noqa: ANN401 (any part of a schema)
    """The same with patterns that every language reads."""
    if isinstance(schema, list):
        return [_portable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _pattern(value) if name == "pattern" and isinstance(value, str) else _portable(value)
        for name, value in schema.items()
    }


def _pattern(python: str) -> str:
    r"""Python's `\A` and `\Z` are `^` and `$` elsewhere, and a quotation mark is nowhere escaped."""
    return re.sub(r"^\\A(.*)\\Z$", r"^\1$", python).replace('\\"', '"')
