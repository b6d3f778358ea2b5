"""Stands before everything else that answers HTTP, and asks whoever comes."""

from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.credentials import OPERATOR, BadFileError, Keys, Users, parse_keys, parse_users
from shared.doors import WRONG, Login, Pass, Refusal, decide, is_foreign
from shared.passwords import LOCK_SECONDS, Busy, Passwords
from shared.safety import is_loopback
from shared.settings import Settings
from shared.watched import Watched
from shared.web import problem

SOURCE: Final = "lernbus.source"
"""Where in the request's scope stands what its events may name as their source."""
USER: Final = "lernbus.user"
"""Where in it stands who acts: a login name, or `office` where nobody logs in."""
OFFICE: Final = "office"
FOREIGN: Final = Refusal(403, "a page of another site has sent this")
LATER: Final = Refusal(429, "too many wrong passwords: wait half a minute")
HEADERS: Final = {
    401: {"WWW-Authenticate": 'Basic realm="Lernbus", charset="UTF-8", Bearer realm="Lernbus"'},
    429: {"Retry-After": str(LOCK_SECONDS)},
}


@dataclass(frozen=True)
class Doors:
    """The keys and users in force."""

    keys: Watched[Keys] | None = None
    users: Watched[Users] | None = None
    passwords: Passwords = field(default_factory=Passwords)

    async def ask(self, path: str, headers: list[bytes]) -> Pass | Refusal:
        """May a request with these Authorization headers go to this path?"""
        keys = self.keys.content() if self.keys else {}
        users = self.users.content() if self.users else {}
        verdict = decide(path, headers, keys, users)
        if not isinstance(verdict, Login):
            return verdict
        try:
            return Pass(user=verdict.user) if await self.passwords.fits(verdict) else WRONG
        except Busy:
            return LATER


def open_doors(settings: Settings) -> Doors | None:
    """The doors of a service; None asks nobody, which is for loopback alone. Raises BadFileError: it must not start."""
    given = {"LERNBUS_KEYS": settings.keys, "LERNBUS_USERS": settings.users}
    missing = [name for name, path in given.items() if path is None]
    if missing and not is_loopback(settings.host):
        raise BadFileError(f"{' and '.join(missing)} must be set, for LERNBUS_HOST is not the loopback address")
    try:
        keys = None if settings.keys is None else Watched(settings.keys, parse_keys)
    except BadFileError as error:
        raise BadFileError(f"LERNBUS_KEYS: {settings.keys}: {error}") from error
    try:
        users = None if settings.users is None else Watched(settings.users, parse_users)
    except BadFileError as error:
        raise BadFileError(f"LERNBUS_USERS: {settings.users}: {error}") from error
    return Doors(keys, users) if keys or users else None


def sender_of(request: Request) -> str:
    """The source that the events of this request may name; `*` is any."""
    source: str = request.scope.get(SOURCE, OPERATOR)
    return source


def user_of(request: Request) -> str:
    """Who acts, by login name."""
    user: str = request.scope.get(USER, OFFICE)
    return user


class Guard:
    """The ASGI layer. Without doors it only turns away what pages of other sites send."""

    def __init__(self, app: ASGIApp, doors: Doors | None) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal; hand on everything else, with the source that was proven."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        verdict = await self._verdict(scope)
        if isinstance(verdict, Refusal):
            await problem(verdict.status, verdict.why, HEADERS.get(verdict.status))(scope, receive, send)
            return
        await self._app({**scope, SOURCE: verdict.source, USER: verdict.user or OFFICE}, receive, send)

    async def _verdict(self, scope: Scope) -> Pass | Refusal:
        headers = Headers(scope=scope)
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if is_foreign(scope["method"], headers.get("host", ""), site, origin):
            return FOREIGN
        if self._doors is None:
            return Pass()
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return await self._doors.ask(scope["path"], shown)
