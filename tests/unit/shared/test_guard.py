"""The layer before an application that tells who was let in; without a server."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request

from shared import guard
from shared.credentials import BadFileError
from shared.doors import NOBODY
from shared.guard import Guard, open_doors, sender_of
from shared.passwords import HASHER, TRIES
from shared.settings import Settings
from tests.unit.shared.test_credentials import basic, line

Files = Callable[[str | None, str | None], Settings]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Settings with these contents of keys and users."""

    def made(keys: str | None, users: str | None, **more: Any) -> Settings:
        paths = {"keys": tmp_path / "keys", "users": tmp_path / "users"}
        for path, content in zip(paths.values(), (keys, users), strict=True):
            if content is not None:
                path.write_text(content)
        there: dict[str, Any] = {name: path for name, path in paths.items() if path.exists()}
        return Settings(**there, **more)

    return made


@pytest.fixture
def ask(files: Files) -> Callable[..., Awaitable[httpx2.Response]]:
    """Ask a guarded application that answers with the source it was told."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(request: Request) -> str:
        return sender_of(request)

    keys = "\n".join([line("lms", "lms-key"), line("*", "op-key")])
    doors = open_doors(files(keys, f"bo: {HASHER.hash('password')}"))
    transport = httpx2.ASGITransport(app=Guard(app, doors))

    async def asked(path: str, authorization: bytes | None = None, method: str = "GET", **more: str) -> httpx2.Response:
        headers: dict[str, Any] = {"authorization": authorization} if authorization else {}
        async with httpx2.AsyncClient(transport=transport, base_url="http://lernbus.example") as client:
            return await client.request(method, path, headers={**headers, **more})

    return asked


Ask = Callable[..., Awaitable[httpx2.Response]]


async def test_the_source_that_was_proven_reaches_the_application(ask: Ask) -> None:
    path = "/enrolment/lms/events"
    assert (await ask(path, b"Bearer lms-key", "POST")).json() == "lms"
    assert (await ask(path, basic("lms:lms-key"), "POST")).json() == "lms"
    assert (await ask(path, b"Bearer op-key", "POST")).json() == "*"


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [("/enrolment/lms/events", None, 401), ("/stats/", None, 401), ("/stats/", b"Bearer lms-key", 403)],
)
async def test_a_refusal_is_a_problem(ask: Ask, path: str, authorization: bytes | None, status: int) -> None:
    answer = await ask(path, authorization)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert answer.headers.get("www-authenticate", "").startswith("Basic realm=" if status == 401 else "")
    assert ("www-authenticate" in answer.headers) is (status == 401)


async def test_the_office_logs_in_and_five_wrong_passwords_are_enough(ask: Ask) -> None:
    assert (await ask("/stats/", basic("bo:password"))).json() == "*"
    assert (await ask("/enrolment/lms/events", basic("bo:password"), "POST")).status_code == 401
    statuses = [(await ask("/stats/", basic("bo:wrong"))).status_code for _ in range(TRIES + 1)]
    assert statuses == [401] * TRIES + [429]
    assert (await ask("/stats/", basic("nobody:password"))).status_code == 401


async def test_another_sites_page_is_refused_with_a_login_and_without_doors(ask: Ask) -> None:
    login = basic("bo:password")
    assert (await ask("/stats/", login, "POST", origin="http://evil.example")).status_code == 403
    assert (await ask("/stats/", login, "POST", origin="http://lernbus.example")).status_code == 200
    transport = httpx2.ASGITransport(app=Guard(FastAPI(), None))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        answers = [await client.put("/clock", headers={"sec-fetch-site": site}) for site in ("cross-site", "none")]
    assert [one.status_code for one in answers] == [403, 404]


def test_on_loopback_without_keys_and_users_nobody_is_asked(files: Files) -> None:
    assert open_doors(files(None, None)) is None
    assert open_doors(files(line("*", "k"), None)) is not None


@pytest.mark.parametrize(
    ("keys", "users", "words"),
    [
        (None, None, "^LERNBUS_KEYS and LERNBUS_USERS must be set"),
        (line("*", "k"), None, "^LERNBUS_USERS must be set"),
        (None, f"bo: {NOBODY}", "^LERNBUS_KEYS must be set"),
        ("nonsense", f"bo: {NOBODY}", "^LERNBUS_KEYS: .*/keys: line 1 is not"),
        (line("*", "k"), "nonsense", "^LERNBUS_USERS: .*/users: line 1 is not"),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.1.2.3", "lernbus.stadt.example"])  # noqa: S104
def test_beyond_loopback_nothing_starts_without_both(
    files: Callable[..., Settings], host: str, keys: str | None, users: str | None, words: str
) -> None:
    with pytest.raises(BadFileError, match=words):
        open_doors(files(keys, users, host=host))


def test_the_challenge_is_ascii() -> None:
    assert all(value.isascii() for headers in guard.HEADERS.values() for value in headers.values())
