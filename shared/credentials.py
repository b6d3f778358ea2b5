"""Two files that say who may come in: senders' keys (`source: sha256`), office users (`user: argon2`). Pure."""

import base64
import binascii
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

OPERATOR: Final = "*"
"""The source of a key that may send for every source, and see everything: the operator's own."""
ROTATION: Final = 2
"""A source has this many keys at most: the old one and the new one."""
LONGEST: Final = 4_096
"""Bytes of an Authorization header that are looked at."""
NAME: Final = re.compile(r"[^\x00-\x1f\x7f:]{1,200}")
SOURCE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
ARGON2: Final = re.compile(r"\$argon2id\$v=19\$m=\d{1,7},t=\d{1,3},p=\d{1,2}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}")

Keys = Mapping[bytes, str]
"""SHA-256 of a key -> the source it is for."""
Users = Mapping[str, str]
"""Name -> argon2id hash of the password."""


class BadFileError(ValueError):
    """A file of keys or users that cannot be used; the message names the line and never its content."""


class Shown(NamedTuple):
    """What a request shows: a key, or a user and a password. Basic shows both, for its password may be a key."""

    key: bytes
    user: str = ""
    password: str = ""


def parse_keys(text: str) -> Keys:
    """Read `source: sha256 in hex`, a line each. Raises BadFileError."""
    keys: dict[bytes, str] = {}
    seen = Counter[str]()
    for number, line in _lines(text):
        source, _, digest = (part.strip() for part in line.rpartition(":"))
        if not SOURCE.fullmatch(source) or not DIGEST.fullmatch(digest.lower()):
            raise BadFileError(f"line {number} is not `source: sha256 of the key in hex`")
        seen[source] += 1
        if seen[source] > ROTATION:
            raise BadFileError(f"line {number} is the third key of its source: two at most, the old and the new one")
        if bytes.fromhex(digest) in keys:
            raise BadFileError(f"line {number} has a key that an earlier line has: one key is for one source")
        keys[bytes.fromhex(digest)] = source
    _not_empty(keys)
    return keys


def parse_users(text: str) -> Users:
    """Read `user: argon2id hash`, a line each. Raises BadFileError."""
    users: dict[str, str] = {}
    for number, line in _lines(text):
        name, _, hashed = (part.strip() for part in line.partition(":"))
        if not NAME.fullmatch(name) or not ARGON2.fullmatch(hashed):
            raise BadFileError(f"line {number} is not `user: argon2id hash of the password`")
        if name in users:
            raise BadFileError(f"line {number} has a user that an earlier line has")
        users[name] = hashed
    _not_empty(users)
    return users


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """What is neither empty nor a comment, numbered from 1. A `#` within a line is part of it: sources are URIs."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if (content := line.strip()) and not content.startswith("#"):
            yield number, content


def _not_empty(found: Collection[object]) -> None:
    """A file that is just being written may be empty for a moment; nobody means that."""
    if not found:
        raise BadFileError("there is nothing in it")


def source_of(key: bytes, keys: Keys) -> str | None:
    """Whose key this is. Every digest is compared to its end, so that the time tells nothing."""
    shown, found = hashlib.sha256(key).digest(), None
    for digest, source in keys.items():
        if hmac.compare_digest(shown, digest):
            found = source
    return found


def read_header(header: bytes) -> Shown | None:
    """Read `Bearer KEY` or `Basic base64(user:password)`; None where it is neither."""
    scheme, _, rest = header.partition(b" ")
    credentials = rest.strip()
    if not credentials or len(header) > LONGEST:
        return None
    if scheme.lower() == b"bearer":
        return Shown(credentials)
    return _basic(credentials) if scheme.lower() == b"basic" else None


def _basic(credentials: bytes) -> Shown | None:
    """A source may have colons (it is a URI) and so may a password: a key, which has none, is behind the last one."""
    try:
        pair = base64.b64decode(credentials, validate=True)
        text = pair.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return Shown(pair.rpartition(b":")[2], user, password) if colon else None
