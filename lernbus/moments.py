"""Times and spans as people write them on the command line."""

import re
from datetime import datetime, timedelta

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def moment(text: str) -> datetime:
    """A time with an offset (RFC 3339)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time; write 2024-11-14T09:00:00+01:00") from error
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write {text}+01:00 or {text}Z")
    return found


def span(text: str) -> timedelta:
    """A span such as 3d, 12h or 30m."""
    found = re.fullmatch(r"(\d+)([dhms])", text)
    if found is None:
        raise ValueError(f"{text!r} is no span; write 3d, 12h, 30m or 45s")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
