"""How fast each domain is mailed: a few connections at first, more as mails are taken, fewer when not. Pure."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from services.notifications.smtp import Reply

CLOSING: Final = "421"
"""A server that ends the connection: too much, or too busy."""
ENOUGH: Final = 5
"""So many 421 in a row, and the domain is left alone for a while."""
BREAK: Final = timedelta(minutes=1)


class Pace:
    """`first`: connections that may carry mail to one domain at the same time; `most`: that there are."""

    def __init__(self, first: int, most: int) -> None:
        self._first, self._most = float(min(first, most)), float(most)
        self._limits: dict[str, float] = {}
        self._busy: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()
        self._until: dict[str, datetime] = {}

    def may_begin(self, domain: str) -> bool:
        """Whether one more connection may carry mail to this domain."""
        return self._busy[domain] < int(self._limits.get(domain, self._first))

    def begin(self, domain: str) -> None:
        """A connection takes mail for this domain."""
        self._busy[domain] += 1

    def end(self, domain: str) -> None:
        """It does not any more."""
        self._busy[domain] -= 1

    def told(self, domain: str, reply: Reply, now: datetime) -> None:
        """What the server said to a mail for this domain."""
        limit = self._limits.get(domain, self._first)
        if reply.what in ("later", "broken"):
            self._limits[domain] = max(limit / 2, 1.0)
            self._closing(domain, now, refused=(reply.reason or "").startswith(CLOSING))
        elif reply.what in ("sent", "failed"):
            self._limits[domain] = min(limit + 1 / limit, self._most)
            self._closed[domain] = 0

    def left_alone(self, domain: str, now: datetime) -> datetime | None:
        """Until when nothing is tried for this domain; None: it may be."""
        until = self._until.get(domain)
        return until if until is not None and now < until else None

    def _closing(self, domain: str, now: datetime, *, refused: bool) -> None:
        self._closed[domain] += refused
        if self._closed[domain] >= ENOUGH:
            self._closed[domain] = ENOUGH - 1  # after the break one mail is enough to tell
            self._until[domain] = now + BREAK
