"""Who books in the generated year: people of 40 organisations, one of which has half of them. Reproducible. Pure."""

from dataclasses import dataclass
from random import Random
from typing import Final

ORGANISATIONS: Final = [f"org-{number}" for number in range(40)]
DEPARTMENTS: Final = [f"Amt {number}" for number in range(1, 61)]
STATUS_GROUPS: Final = [
    "civil_servant", "employee", "trainee", "supervisor", "manager",
    "candidate", "temporary", "apprentice", "intern", "external",
]  # fmt: skip
SKEW: Final = 1.3
"""How uneven bookings are among people: with 1 all book alike, more means that some book much more often."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """What a booking says about a person."""

    person_id: str
    organisation_id: str
    department: str | None
    status_group: str | None


class People:
    """So many people, who stay what they are."""

    def __init__(self, random: Random, count: int) -> None:
        others = [1 / (place + 2) for place in range(len(ORGANISATIONS) - 1)]
        employers = random.choices(ORGANISATIONS, [sum(others), *others], k=count)
        departments = random.choices([*DEPARTMENTS, None], [*(60 / (n + 6) for n in range(60)), 6], k=count)
        groups = random.choices([*STATUS_GROUPS, None], [40, 35, 8, 6, 3, 3, 2, 1.5, 0.8, 0.4, 0.3], k=count)
        self._all = [
            Somebody(f"person-{number}", *whose)
            for number, whose in enumerate(zip(employers, departments, groups, strict=True))
        ]
        self._random = random

    def somebody(self) -> Somebody:
        """The next one who books: the same person comes again, some often."""
        return self._all[int(len(self._all) * self._random.random() ** SKEW)]
