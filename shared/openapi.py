"""The description of the HTTP interfaces: our routes answer with bytes, so each says itself what is in them."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NotRequired, TypedDict

from fastapi import FastAPI

from shared.schemas import Schema, schemas

CONTRACT: Final = "1.0.0"
"""The version of the interfaces. A change that breaks somebody's program raises the first number."""
PROBLEM: Final = "application/problem+json"
_MORE: Final = "x-schemas"
"""Where an operation carries the schemas that it refers to, until the document is finished."""
_SHOWN: Final = "x-examples"
"""The same of its examples, as text: FastAPI drops every null."""


class Fault(TypedDict):
    """What is wrong in a request. `index`: which event of a batch."""

    index: NotRequired[int]
    field: str
    reason: str


class Problem(TypedDict):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Fault]]


def says(shape: Any, *problems: int, status: int = 200, media: str = "application/json") -> dict[str, Any]:  # noqa: ANN401 (any type)
    """For a route's `openapi_extra`: what it answers, and with which problems it may."""
    (answer, problem), components = schemas([shape, Problem])
    responses = {str(status): _response(status, media, answer)}
    responses |= {str(one): _response(one, PROBLEM, problem) for one in problems}
    return {"responses": responses, _MORE: components}


def takes(content: Mapping[str, Schema], components: Mapping[str, Schema]) -> dict[str, Any]:
    """For a route's `openapi_extra`: a request's body, by media type."""
    body = {"required": True, "content": {media: {"schema": schema} for media, schema in content.items()}}
    return {"requestBody": body, _MORE: dict(components)}


def shown(examples: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For a route's `openapi_extra`: {media type: {name: example}} of what it answers with 200."""
    return {_SHOWN: json.dumps(examples)}


def both(said: dict[str, Any], taken: dict[str, Any]) -> dict[str, Any]:
    """A route that says and takes."""
    return {**said, **taken, _MORE: {**said[_MORE], **taken[_MORE]}}


class Application(FastAPI):
    """FastAPI with a document that knows our shapes."""

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1 of all routes."""
        return finished(super().openapi())


def finished(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the schemas that its operations carry, and with our kind of refusal instead of FastAPI's."""
    components: dict[str, Any] = {}
    paths = {
        path: {method: _operation(operation, components) for method, operation in operations.items()}
        for path, operations in document["paths"].items()
    }
    rest = {name: value for name, value in document.get("components", {}).items() if name != "schemas"}
    return {**document, "paths": paths, "components": {"schemas": dict(sorted(components.items())), **rest}}


def _operation(operation: Mapping[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    for name, schema in operation.get(_MORE, {}).items():
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"two different shapes are called {name}")
    responses = {status: said for status, said in operation["responses"].items() if status != "422"}
    for media, examples in json.loads(operation.get(_SHOWN, "{}")).items():
        responses["200"]["content"][media]["examples"] = examples
    return {
        **{name: value for name, value in operation.items() if name not in (_MORE, _SHOWN)},
        "responses": responses,
    }


def _response(status: int, media: str, schema: Schema) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {media: {"schema": schema}}}
