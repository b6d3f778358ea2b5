"""Makes what is missing of passwords and keys and gives everybody their own: safe to repeat, and to be killed half-way.

/secrets/vault holds the originals, for root alone; each other folder in /secrets is a volume that one container reads.
Without arguments it does only that. `key SOURCE` adds a sender's key, `user NAME` an office user (its password comes
from standard input), `show NAME` prints an original (`operator-key`, `office-password`, `mongo-root`).
"""

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lernbus.keys import PREFIX
from shared.credentials import BadFileError, parse_keys, parse_users
from shared.passwords import HASHER

ROOT: Final = Path("/secrets")
MONGO, NGINX, LERNBUS = 999, 101, 10_001
"""User ids in the containers."""
SERVICES: Final = ("enrolment", "notifications", "stats")
DOOR_FILES: Final = {"keys": parse_keys, "users": parse_users}


def write(path: Path, content: str, owner: int, mode: int) -> None:
    """Replace a file at once and as a whole; nothing happens where it is so already."""
    if path.exists() and os.access(path, os.R_OK) and path.read_text() == content:
        return
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fchown(file.fileno(), owner, 0)
        os.fsync(file.fileno())
    new.replace(path)


def original(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """A secret out of the vault, made if it is not there yet."""
    path = ROOT / "vault" / name
    if not path.exists():
        write(path, make(), 0, 0o400)
    return path.read_text()


def distribute() -> None:
    """Every container's own files."""
    keyfile = original("mongo-keyfile", lambda: base64.b64encode(secrets.token_bytes(96)).decode())
    write(ROOT / "mongo" / "keyfile", keyfile, MONGO, 0o400)  # mongod refuses one that a group may read
    write(ROOT / "mongo-setup" / "root", original("mongo-root"), MONGO, 0o440)
    for service in SERVICES:
        password = original(f"mongo-{service}")
        write(ROOT / "mongo-setup" / service, password, MONGO, 0o440)
        place = f"mongo:27017/lernbus_{service}?replicaSet=rs0"
        write(ROOT / service / "lernbus_mongo", f"mongodb://{service}:{password}@{place}", LERNBUS, 0o440)
    write(ROOT / "notifications" / "lernbus_links_key", original("links-key"), LERNBUS, 0o440)
    key = original("operator-key", lambda: PREFIX + secrets.token_urlsafe(32))
    write(ROOT / "gateway" / "operator.conf", f'map "" $operator {{ default "Bearer {key}"; }}\n', NGINX, 0o440)
    add("keys", "*", hashlib.sha256(key.encode()).hexdigest())
    if "office:" not in lines("users"):
        add("users", "office", HASHER.hash(original("office-password")))


def lines(file: str) -> str:
    """What stands in a file of the doors."""
    path = ROOT / "doors" / file
    return path.read_text() if path.exists() else ""


def add(file: str, name: str, proof: str) -> None:
    """Put a line into a file of the doors, if it is not there yet. Raises BadFileError where that would spoil it."""
    before = lines(file)
    if f"{name}: {proof}" in before.splitlines():
        return
    content = f"{before}{name}: {proof}\n"
    DOOR_FILES[file](content)
    write(ROOT / "doors" / file, content, LERNBUS, 0o440)


def main(arguments: list[str]) -> None:
    """Run as told."""
    distribute()
    match arguments:
        case []:
            print("every container has its secrets")
        case ["key", source]:
            key = PREFIX + secrets.token_urlsafe(32)
            add("keys", source, hashlib.sha256(key.encode()).hexdigest())
            print(f"the key of {source}, shown this once: {key}")
        case ["user", name]:
            password = sys.stdin.readline().rstrip("\r\n")
            add("users", name, HASHER.hash(password))
            print(f"{name} may log in")
        case ["show", name] if (ROOT / "vault" / name).is_file():
            print(original(name))
        case _:
            sys.exit("say nothing, `key SOURCE`, `user NAME` (the password on standard input) or `show NAME`")


try:
    main(sys.argv[1:])
except BadFileError as error:
    sys.exit(str(error))
