"""Passwords against their argon2 hashes: one at a time, in a thread, a right one remembered, wrong ones slowed down."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared.doors import Login

log = structlog.get_logger()
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's least memory for argon2id: 19 MiB, for a container has little."""
REMEMBER_SECONDS: Final = 600
"""So long a password that fitted is not computed again: each time costs some 25 ms."""
TRIES: Final = 5
LOCK_SECONDS: Final = 30
"""After so many wrong passwords in a row a user waits so long before each further try."""
QUEUE: Final = 20
"""So many passwords wait for their turn at most."""
LOCKS: Final = 10_000
"""Users whose failures are remembered."""


class Busy(Exception):
    """Too many wrong passwords, or too many at once: later."""


class Passwords:
    """Compares passwords; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._secret = clock, secrets.token_bytes(32)
        self._known: dict[bytes, float] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._turn, self._waiting = asyncio.Lock(), 0

    async def fits(self, login: Login) -> bool:
        """True if the password is right. Raises Busy."""
        digest = self._digest(login)
        if self._known.get(digest, 0) > self._clock():
            return True
        if self._is_locked(login.user) or self._waiting >= QUEUE:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                if self._is_locked(login.user):  # meanwhile, by those before it
                    raise Busy
                right = await asyncio.to_thread(self._verify, login)
                self._remember(login.user, digest, right=right)
                return right
        finally:
            self._waiting -= 1

    def _digest(self, login: Login) -> bytes:
        """With the hash in it, so that a changed password is asked for at once."""
        return hmac.digest(self._secret, f"{login.user}\0{login.hash}\0{login.password}".encode(), hashlib.sha256)

    def _verify(self, login: Login) -> bool:
        try:
            return HASHER.verify(login.hash, login.password)
        except (Argon2Error, InvalidHashError):
            return False

    def _is_locked(self, user: str) -> bool:
        number, since = self._failures.get(user, (0, 0))
        return number >= TRIES and self._clock() < since + LOCK_SECONDS

    def _remember(self, user: str, digest: bytes, *, right: bool) -> None:
        now = self._clock()
        if right:
            self._failures.pop(user, None)
            self._known = {one: until for one, until in self._known.items() if until > now}
            self._known[digest] = now + REMEMBER_SECONDS
            return
        number, _ = self._failures.pop(user, (0, 0))
        self._failures[user] = number + 1, now
        if number + 1 == TRIES:
            log.warning("a user is locked after wrong passwords", seconds=LOCK_SECONDS)
        if len(self._failures) > LOCKS:
            del self._failures[next(iter(self._failures))]
