"""Every kind of break is seen where it hurts, and what hurts nobody is let through."""

import copy
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from lernbus.docs.breaking import allowed, breaking

SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 200},
        "kind": {"enum": ["a", "b"]},
        "next": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "many": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    },
}
BODY = {"application/json": {"schema": {"$ref": "#/components/schemas/Shape"}}}
OTHER = {"application/json": {"schema": {"$ref": "#/components/schemas/Other"}}}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"version": "1.2.0"},
    "paths": {
        "/things": {
            "post": {
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer"}}],
                "requestBody": {"content": BODY},
                "responses": {"200": {"content": OTHER}, "404": {}},
            }
        }
    },
    "components": {"schemas": {"Shape": SHAPE, "Other": copy.deepcopy(SHAPE)}},
}
ASYNCAPI: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {"version": "1.2.0"},
    "channels": {"t": {"address": "t", "messages": {"m": {"$ref": "#/components/messages/m"}}}},
    "operations": {"o": {"action": "send"}},
    "components": {
        "messages": {"m": {"payload": {"$ref": "#/components/schemas/Event"}}},
        "schemas": {
            "Event": {
                "title": "m",
                "allOf": [{"$ref": "#/components/schemas/Shape"}, {"properties": {"type": {"const": "m"}}}],
            },
            "Shape": SHAPE,
        },
    },
}
Change = Callable[[dict[str, Any]], object]


def after(document: dict[str, Any], change: Change) -> list[str]:
    new = copy.deepcopy(document)
    change(new)
    return breaking(document, new)


def post(new: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    return new["paths"]["/things"]["post"]


def taken(new: dict[str, Any]) -> Any:  # noqa: ANN401
    return new["components"]["schemas"]["Shape"]


def told(new: dict[str, Any]) -> Any:  # noqa: ANN401
    return new["components"]["schemas"]["Other"]


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_the_same_breaks_nothing(document: dict[str, Any]) -> None:
    assert breaking(document, document) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["paths"].clear(), "POST /things: is gone"),
        (lambda new: new["paths"]["/things"].pop("post"), "POST /things: is gone"),
        (lambda new: post(new)["parameters"].clear(), "POST /things parameter limit: is gone"),
        (lambda new: post(new)["parameters"][0].update(required=True), "POST /things parameter limit: is required now"),
        (
            lambda new: post(new)["parameters"].append({"in": "query", "name": "n", "schema": {}, "required": True}),
            "POST /things parameter n: is required now",
        ),
        (lambda new: post(new).pop("requestBody"), "POST /things request application/json: is gone"),
        (lambda new: post(new)["responses"].pop("404"), "POST /things 404: is gone"),
        (lambda new: taken(new)["properties"].pop("kind"), "POST /things request.kind: is gone"),
        (lambda new: taken(new)["required"].append("kind"), "POST /things request.kind: is required now"),
        (
            lambda new: taken(new)["properties"]["kind"]["enum"].remove("b"),
            "POST /things request.kind: b is no value any more",
        ),
        (
            lambda new: taken(new)["properties"]["id"].update(maxLength=100),
            "POST /things request.id: maxLength is narrower",
        ),
        (
            lambda new: taken(new)["properties"]["id"].update(pattern="^a"),
            "POST /things request.id: pattern is narrower",
        ),
        (lambda new: taken(new)["properties"]["id"].update(enum=["x"]), "POST /things request.id: enum is narrower"),
        (
            lambda new: taken(new)["properties"]["id"].update(type="integer"),
            "POST /things request.id: may no longer be string",
        ),
        (
            lambda new: taken(new)["properties"]["next"]["anyOf"].pop(),
            "POST /things request.next: may no longer be null",
        ),
        (
            lambda new: taken(new)["properties"]["many"]["items"].update(minimum=1),
            "POST /things request.many[]: minimum is narrower",
        ),
        (lambda new: told(new)["properties"].pop("kind"), "POST /things 200.kind: is gone"),
        (lambda new: told(new)["required"].clear(), "POST /things 200.id: is no longer always there"),
        (
            lambda new: told(new)["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "POST /things 200.id: may now be null",
        ),
    ],
    ids=count(),
)
def test_a_break_over_http(change: Change, said: str) -> None:
    assert after(OPENAPI, change) == [said]


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["paths"].update({"/more": {}}),
        lambda new: post(new)["parameters"].append({"in": "query", "name": "n", "schema": {}}),
        lambda new: taken(new)["properties"].update(more={"type": "string"}),
        lambda new: taken(new)["required"].clear(),
        lambda new: taken(new)["properties"]["id"].update(maxLength=300),
        lambda new: taken(new)["properties"]["kind"]["enum"].append("c"),
        lambda new: told(new)["required"].append("kind"),
        lambda new: told(new)["properties"]["next"]["anyOf"].pop(),
        lambda new: told(new).update(description="other words"),
    ],
    ids=count(),
)
def test_no_break_over_http(change: Change) -> None:
    assert after(OPENAPI, change) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["channels"].clear(), "t: is gone"),
        (lambda new: new["channels"]["t"].update(address="other"), "t: is gone"),
        (lambda new: new["channels"]["t"]["messages"].clear(), "t m: is gone"),
        (lambda new: new["operations"].clear(), "operation o: is gone"),
        (lambda new: new["operations"]["o"].update(action="receive"), "operation o: is gone"),
        (lambda new: taken(new)["required"].append("kind"), "t m.kind: is required now"),
        (lambda new: taken(new)["required"].clear(), "t m.id: is no longer always there"),
        (lambda new: taken(new)["properties"].pop("kind"), "t m.kind: is gone"),
        (
            lambda new: new["components"]["schemas"]["Event"]["allOf"][1]["properties"]["type"].update(const="n"),
            "t m.type: m is no value any more",
        ),
    ],
    ids=count(),
)
def test_a_break_on_a_topic(change: Change, said: str) -> None:
    assert after(ASYNCAPI, change) == [said]


def test_a_shape_that_holds_itself_is_compared_once() -> None:
    old = copy.deepcopy(OPENAPI)
    taken(old)["properties"]["next"] = {"anyOf": [{"$ref": "#/components/schemas/Shape"}, {"type": "null"}]}
    assert breaking(old, old) == []
    assert "POST /things request.id: maxLength is narrower" in after(
        old, lambda new: taken(new)["properties"]["id"].update(maxLength=1)
    )


def test_only_a_higher_first_number_allows_a_break() -> None:
    one, two = ({"info": {"version": version}} for version in ("1.9.0", "2.0.0"))
    assert allowed(one, two)
    assert not allowed(one, one)
    assert not allowed(two, one)
