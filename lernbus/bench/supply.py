"""What is taught in the generated year: courses, their topics and competencies, their offerings. Reproducible. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from lernbus.bench.people import ORGANISATIONS
from shared.events import Course, Delegation, Format, Offering, Organisation, Session, SessionFormat

TOPICS: Final = [f"Thema {number}" for number in range(1, 31)]
COMPETENCIES: Final = [f"Kompetenz {number}" for number in range(1, 13)]
FORMATS: Final[dict[Format, int]] = {"in_person": 45, "online": 30, "web_based": 15, "blended": 10}
COURSES: Final = 200


def organisations() -> Iterator[Organisation]:
    """All employers."""
    for number, organisation_id in enumerate(ORGANISATIONS):
        yield Organisation(organisation_id=organisation_id, name=f"Stadt {number}", version=1)


def courses(random: Random) -> Iterator[Course]:
    """The catalogue: one to three topics and competencies each."""
    for number in range(COURSES):
        topics, competencies = (sorted(random.sample(some, random.randint(1, 3))) for some in (TOPICS, COMPETENCIES))
        title = f"Fortbildung {number}"
        yield Course(course_id=f"course-{number}", title=title, topics=topics, competencies=competencies, version=1)


def offerings(random: Random, year: int, count: int) -> Iterator[Offering]:
    """Runs of the courses, spread over the year; one to four modules, some with a topic of their own."""
    for number in range(count):
        kind: Format = random.choices([*FORMATS], [*FORMATS.values()])[0]
        yield Offering(
            offering_id=f"run-{year}-{number}",
            course_id=f"course-{int(COURSES * random.random() ** 1.5)}",
            title=f"Fortbildung, Lauf {number}",
            host_organisation_id=ORGANISATIONS[0],
            format=kind,
            capacity=random.choice([20, 60, 400, 1_000]),
            waiting_list=True,
            delegations=[Delegation(organisation_id=one, seats=10) for one in random.sample(ORGANISATIONS, 2)],
            sessions=[*_sessions(random, f"run-{year}-{number}", kind, year)],
            version=1,
        )


def _sessions(random: Random, offering_id: str, kind: Format, year: int) -> Iterator[Session]:
    begins = datetime(year, 1, 8, 8, tzinfo=UTC) + timedelta(days=random.randrange(340))
    for number in range(random.choices([1, 2, 3, 4], [60, 20, 12, 8])[0]):
        starts_at = begins + timedelta(days=number)
        form: SessionFormat = random.choice(["in_person", "web_based"]) if kind == "blended" else kind
        untimed = form == "web_based"
        yield Session(
            session_id=f"{offering_id}/{number}",
            title=f"Modul {number}",
            format=form,
            starts_at=None if untimed else starts_at,
            ends_at=None if untimed else starts_at + timedelta(hours=6),
            topics=[random.choice(TOPICS)] if random.random() < 0.2 else [],  # noqa: PLR2004 - every fifth
        )
