"""Every error of the HTTP interfaces is a problem, those of ours too."""

import httpx2
import pytest
from fastapi import FastAPI
from pymongo.errors import ServerSelectionTimeoutError

from shared import web


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [(ServerSelectionTimeoutError("db1:27017: secret"), 503, "5"), (KeyError("secret"), 500, None)],
)
async def test_a_failure_is_a_problem_and_tells_nothing_of_the_inside(
    error: Exception, status: int, retry: str | None
) -> None:
    app = FastAPI()
    web.install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
