"""Asks the service of this machine how it is. A container does so often: nothing of Lernbus is imported here."""

import http.client
import os
import sys
from typing import Final

SERVICES: Final = ("enrolment", "notifications", "stats")
SECONDS: Final = 4
OK: Final = 200


def check(*, ready: bool = False) -> int:
    """Exit code 0 if one of the services answers here and is live (or ready), 1 if not; why goes to standard error."""
    asked = "ready" if ready else "live"
    try:
        answers = [_ask(f"/{service}/health/{asked}") for service in SERVICES]
    except (OSError, http.client.HTTPException) as error:
        print(f"no service answers: {error}", file=sys.stderr)  # noqa: T201 - what a container's health log shows
        return 1
    if any(status == OK for status, _ in answers):
        return 0
    why = [said for status, said in answers if status != http.client.NOT_FOUND]
    print(f"not {asked}: {' '.join(why)}", file=sys.stderr)  # noqa: T201 - the same
    return 1


def _ask(path: str) -> tuple[int, str]:
    """Status and text of an answer."""
    host = os.environ.get("LERNBUS_HOST", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - all addresses: the loopback one is among them
    connection = http.client.HTTPConnection(host, int(os.environ.get("LERNBUS_PORT", "8000")), timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
