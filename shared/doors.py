"""Who may come in where, decided from the path and what the request shows. Pure.

Senders come to their own paths with a key that is bound to a source; everything else is for the training office and the
operator; a few paths are open to all.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from shared.credentials import NAME, OPERATOR, Keys, Shown, Users, read_header, source_of

SERVICES: Final = ("enrolment", "notifications", "stats")
OPEN: Final = (
    "/static/",
    *(f"/{service}/health/" for service in SERVICES),
    *(f"/{service}/metrics" for service in SERVICES),  # no names in them; the gateway lets nobody in from outside
    "/notifications/calendar/",  # a signed token is the only way to anything below these
    "/notifications/unsubscribe/",
    "/notifications/approvals/",
    "/notifications/certificates/",  # says of a code whether it is valid, and no more
)
"""Prefixes that ask nobody. A path for recipients of mails (calendar, approvals) is added here, and nowhere else."""
SENDING: Final = ("/enrolment/lms/", "/enrolment/xapi/")
"""Prefixes for senders."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$tO0QUmSl0SzScnm+Gp/7Ww$" + "A" * 43
"""What an unknown user's password is compared with: it takes as long as a known one's, and nothing fits it."""


class Pass(NamedTuple):
    """May come in. `source`: what its events may name as theirs; `*` is any. `user`: who has logged in, if anybody."""

    source: str = OPERATOR
    user: str | None = None


class Refusal(NamedTuple):
    """May not. 401: shows nothing that is known here; 403: is known, and this is not its door."""

    status: int
    why: str


class Login(NamedTuple):
    """May come in if the password fits the hash, which takes its time."""

    user: str
    password: str
    hash: str


NO_KEY: Final = Refusal(401, "show a sender's key as Authorization: Bearer KEY, or as the password of Basic")
NO_LOGIN: Final = Refusal(401, "log in with user name and password, or show the operator's key")
WRONG: Final = Refusal(401, "user name or password is wrong, or this key is not known")
ONLY_SENDING: Final = Refusal(403, "this key is for sending events; here a login or the operator's key is needed")


def is_open(path: str) -> bool:
    """True for what is open to all."""
    return path.startswith(OPEN)


def decide(path: str, headers: Sequence[bytes], keys: Keys, users: Users) -> Pass | Refusal | Login:
    """May a request with these Authorization headers go to this path?"""
    if is_open(path):
        return Pass()
    sending = path.startswith(SENDING)
    if not headers:
        return NO_KEY if sending else NO_LOGIN
    shown = read_header(headers[0]) if len(headers) == 1 else None
    if shown is None:
        return WRONG
    source = source_of(shown.key, keys)
    if source is None:
        return WRONG if sending else _login(shown, users)
    return Pass(source) if sending or source == OPERATOR else ONLY_SENDING


def _login(shown: Shown, users: Users) -> Refusal | Login:
    if not NAME.fullmatch(shown.user):
        return WRONG
    return Login(shown.user, shown.password, users.get(shown.user, NOBODY))


def is_foreign(method: str, host: str, site: str | None, origin: str | None) -> bool:
    """True where a browser sends something in the name of another site's page, with a login that it adds by itself.

    `site` and `origin` are the headers Sec-Fetch-Site and Origin, which no script can change; programs send neither.
    """
    if method in SAFE:
        return False
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and (not host or _place(origin) != host.lower())


def _place(origin: str) -> str:
    """Host and port of an origin; empty for `null` and what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
