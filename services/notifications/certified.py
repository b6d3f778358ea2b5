"""A certificate as it is kept: what it says, without the name. Pure. docs/decisions/0020."""

from collections.abc import Sequence
from datetime import datetime

import msgspec


class Module(msgspec.Struct, frozen=True):
    """A session as the certificate lists it; `hours` is None where it has no time."""

    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    hours: float | None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it changes but `valid`. `title`: the offering's; `course`: the course's, if known."""

    booking_id: str
    code: str
    person_id: str
    offering_id: str
    title: str
    course: str | None
    modules: Sequence[Module]
    competencies: Sequence[str]
    issued_at: datetime
    valid: bool = True

    @property
    def hours(self) -> float:
        """Of all modules that have a time."""
        return sum(module.hours or 0 for module in self.modules)
