"""The staff of Düsseldorf: departments and status groups are given for most, missing for a few."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lernbus.stories.names import person, person_id
from lernbus.stories.telling import Story

CITY: Final = "duesseldorf"
NOT_GIVEN: Final = 9
"""The last digit in a department of those whose status group is not given."""


@dataclass(frozen=True)
class Member:
    """Somebody who works for the city."""

    number: int
    department: str | None
    status_group: str | None
    supervisor: int | None = None

    @property
    def person_id(self) -> str:
        """The pseudonym."""
        return person_id(self.number)


@dataclass(frozen=True)
class Department:
    """A department: its first `learners` people take the web-based training, its last `leaves` people go on leave."""

    name: str | None
    learners: int
    leaves: int
    first: int

    @property
    def people(self) -> list[Member]:
        """Half of those on leave are none of the learners; the first one leads."""
        return [self._member(place) for place in range(self.learners + self.leaves // 2)]

    def _member(self, place: int) -> Member:
        group = "Beamtinnen und Beamte" if place % 5 in (1, 2) else "Tarifbeschäftigte"
        supervisor = self.first if place and self.name else None
        return Member(self.first + place, self.name, None if place % 10 == NOT_GIVEN else group, supervisor)


DEPARTMENTS: Final = (
    Department("Amt für Soziales und Jugend", 38, 9, 101),
    Department("Amt für Migration und Integration", 29, 7, 151),
    Department("Amt für Einwohnerwesen", 27, 6, 201),
    Department("Ordnungsamt", 24, 5, 251),
    Department("Gesundheitsamt", 19, 6, 301),
    Department("Feuerwehr und Rettungsdienst", 18, 5, 351),
    Department("Stadtbüchereien", 13, 6, 401),
    Department(None, 11, 5, 451),
)
STAFF: Final = [member for department in DEPARTMENTS for member in department.people]


def trainees(first: int, number: int) -> list[Member]:
    """A year's administrative trainees."""
    return [Member(first + place, "Personalamt, Ausbildung", "Nachwuchskräfte") for place in range(number)]


TRAINEES_2022: Final = trainees(601, 28)
TRAINEES_2023: Final = trainees(701, 31)


def introduce(story: Story, when: str, people: Iterable[Member]) -> None:
    """Tell who they are."""
    for one in people:
        supervisor = None if one.supervisor is None else person_id(one.supervisor)
        more = {"department": one.department, "status_group": one.status_group, "supervisor_id": supervisor}
        story.tell("person.changed", when, **person(one.number, CITY, **more))
