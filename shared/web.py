"""What the three HTTP interfaces have in common: problems (RFC 9457) and health."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException


class Json(Response):
    """A JSON answer; structs and dates are written as they are in events."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode with msgspec."""
        return msgspec.json.encode(content)


class ProblemError(Exception):
    """An answer of `application/problem+json`; `more` are further members."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers, more


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Build the answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of an application a problem."""

    @app.exception_handler(ProblemError)
    async def _problem(_: Request, error: ProblemError) -> Response:
        return problem(error.status, error.detail, error.headers, **error.more)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        errors = [{"field": str(one["loc"][-1]), "reason": one["msg"]} for one in error.errors()]
        return problem(400, "; ".join(f"{one['field']}: {one['reason']}" for one in errors), errors=errors)

    @app.exception_handler(PyMongoError)
    async def _cut_off(_: Request, __: PyMongoError) -> Response:
        return problem(503, "the database cannot be reached now", {"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def _bug(_: Request, __: Exception) -> Response:  # the server's log has the rest
        return problem(500, "the service has failed on this request")
