"""What in a new OpenAPI or AsyncAPI document breaks programs that were written for the old one. Pure.

Over HTTP a request may ask for less and an answer may say more. On a topic neither: old records are read by new
programs and, while services are replaced one by one, new records by old ones. New words in an enumeration are no break.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Document = Mapping[str, Any]
Schema = Mapping[str, Any]
Direction = Literal["in", "out"]
LIMITS: Final[Mapping[str, int]] = {
    "maxLength": -1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxItems": -1,
    "minLength": 1,
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minItems": 1,
}
"""In which direction a limit becomes narrower."""


def breaking(old: Document, new: Document) -> list[str]:
    """Every break: the place in the document, and what it is."""
    found = _openapi(old, new) if "openapi" in old else _asyncapi(old, new)
    return [*dict.fromkeys(found)]


def allowed(old: Document, new: Document) -> bool:
    """True where the first number of the version says that something breaks."""
    before, after = (int(one["info"]["version"].partition(".")[0]) for one in (old, new))
    return after > before


def _openapi(old: Document, new: Document) -> Iterator[str]:
    compare = _Comparison(old, new)
    for path, operations in old["paths"].items():
        for method, before in operations.items():
            place, after = f"{method.upper()} {path}", new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{place}: is gone"
                continue
            yield from _parameters(compare, place, before.get("parameters", []), after.get("parameters", []))
            bodies = [one.get("requestBody", {}).get("content", {}) for one in (before, after)]
            yield from _contents(compare, f"{place} request", "in", *bodies)
            for status, answer in before["responses"].items():
                if status not in after["responses"]:
                    yield f"{place} {status}: is gone"
                    continue
                contents = answer.get("content", {}), after["responses"][status].get("content", {})
                yield from _contents(compare, f"{place} {status}", "out", *contents)


def _parameters(compare: "_Comparison", place: str, old: list[Schema], new: list[Schema]) -> Iterator[str]:
    before, after = ({(one["in"], one["name"]): one for one in some} for some in (old, new))
    for key, parameter in before.items():
        if key not in after:
            yield f"{place} parameter {key[1]}: is gone"
        else:
            yield from compare.schemas(f"{place} parameter {key[1]}", "in", parameter["schema"], after[key]["schema"])
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{place} parameter {key[1]}: is required now"


def _contents(compare: "_Comparison", place: str, way: Direction, old: Schema, new: Schema) -> Iterator[str]:
    for media, content in old.items():
        if media not in new:
            yield f"{place} {media}: is gone"
        else:
            yield from compare.schemas(place, way, content.get("schema", {}), new[media].get("schema", {}))


def _asyncapi(old: Document, new: Document) -> Iterator[str]:
    compare = _Comparison(old, new)
    for name, operation in old["operations"].items():
        if new["operations"].get(name, {}).get("action") != operation["action"]:
            yield f"operation {name}: is gone"
    for topic, channel in old["channels"].items():
        after = new["channels"].get(topic)
        if after is None or after["address"] != channel["address"]:
            yield f"{topic}: is gone"
            continue
        for name, message in channel["messages"].items():
            if name not in after["messages"]:
                yield f"{topic} {name}: is gone"
                continue
            said = compare.old(message), compare.new(after["messages"][name])
            for part in ("payload", "headers"):
                schemas = said[0].get(part, {}), said[1].get(part, {})
                yield from compare.schemas(f"{topic} {name}", "in", *schemas)
                yield from compare.schemas(f"{topic} {name}", "out", *schemas)


@dataclass
class _Comparison:
    """Two documents side by side. `seen`: pairs of their parts that were compared, for shapes may hold themselves."""

    before: Document
    after: Document
    seen: set[tuple[str, int, int]] = field(default_factory=set)

    def old(self, part: Schema) -> Schema:
        return _resolved(self.before, part)

    def new(self, part: Schema) -> Schema:
        return _resolved(self.after, part)

    def schemas(self, place: str, way: Direction, old: Schema, new: Schema) -> Iterator[str]:
        """The breaks within a schema that is sent to us (`in`) or by us (`out`)."""
        pair = way, id(self.old(old)), id(self.new(new))
        if pair in self.seen:
            return
        self.seen.add(pair)
        before, after = _alternatives(self.before, old), _alternatives(self.after, new)
        lost, gained = before.keys() - after.keys(), after.keys() - before.keys()
        for kind in sorted(lost if way == "in" else gained):
            yield f"{place}: {'may no longer be' if way == 'in' else 'may now be'} {kind}"
        for kind in sorted(before.keys() & after.keys()):
            yield from self._one(place, way, before[kind], after[kind])

    def _one(self, place: str, way: Direction, old: Schema, new: Schema) -> Iterator[str]:
        yield from (f"{place}: {word} is no value any more" for word in _words(old, new))
        if way == "in":
            yield from (f"{place}: {limit} is narrower" for limit in _narrower(old, new))
        needed, was = set(new.get("required", ())), set(old.get("required", ()))
        for name in sorted(needed - was if way == "in" else was - needed):
            yield f"{place}.{name}: {'is required now' if way == 'in' else 'is no longer always there'}"
        fields = new.get("properties", {})
        for name, schema in old.get("properties", {}).items():
            if name in fields:
                yield from self.schemas(f"{place}.{name}", way, schema, fields[name])
            else:
                yield f"{place}.{name}: is gone"
        for nested in ("items", "additionalProperties"):
            if isinstance(old.get(nested), dict) and isinstance(new.get(nested), dict):
                yield from self.schemas(f"{place}[]", way, old[nested], new[nested])


def _resolved(document: Document, part: Schema) -> Schema:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _alternatives(document: Document, schema: Schema) -> dict[str, Schema]:
    """The shapes that a schema allows, by their types; of several objects by their titles."""
    part = _resolved(document, schema)
    several = [_resolved(document, one) for one in part.get("anyOf", part.get("oneOf", [part]))]
    whole = [_merged(document, one["allOf"], one) if "allOf" in one else one for one in several]
    return {_kind(one, one.get("title", "") if len(whole) > 1 else ""): one for one in whole}


def _kind(schema: Schema, title: str) -> str:
    kind = "string" if "enum" in schema or "const" in schema else str(schema.get("type", "anything"))
    return f"{kind} {title}" if kind == "object" and title else kind


def _merged(document: Document, parts: Sequence[Schema], whole: Schema) -> Schema:
    """One schema that asks for all of them."""
    found = [_resolved(document, part) for part in parts]
    fields = {name: schema for part in found for name, schema in part.get("properties", {}).items()}
    required = [name for part in found for name in part.get("required", ())]
    return {"title": whole.get("title", ""), "type": "object", "properties": fields, "required": required}


def _words(old: Schema, new: Schema) -> list[str]:
    """Values of an enumeration that are gone."""
    before, after = ({*one.get("enum", ()), *([one["const"]] if "const" in one else ())} for one in (old, new))
    return sorted(map(str, before - after)) if after else []


def _narrower(old: Schema, new: Schema) -> list[str]:
    changed = [name for name in ("pattern", "format") if name in new and new[name] != old.get(name)]
    changed += [name for name in ("enum", "const") if name in new and "enum" not in old and "const" not in old]
    limits = [
        name
        for name, sign in LIMITS.items()
        if name in new and (name not in old or sign * new[name] > sign * old[name])
    ]
    return changed + limits
