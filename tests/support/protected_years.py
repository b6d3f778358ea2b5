"""Years with few lines, as columns: random ones, and ones to draw by hand."""

from collections.abc import Sequence
from random import Random
from typing import Any

from services.stats.columns import ALL, PERSONAL, Cell, Columns, Profile, Value

OUTCOMES = {
    "seat": ("bookings",),
    "cancelled": ("bookings", "cancelled"),
    "present": ("bookings", "participants"),
    "complete": ("bookings", "participants", "completions"),
    "absent": ("bookings", "no_shows"),
    "waiting": ("waiting",),
}
Line = tuple[Profile, int, tuple[Value, Value, Value]]
"""What a line counts as, its person, and its department, status group and organisation."""


def year(lines: Sequence[Line]) -> Columns:
    """Numbers are given in the order of the lines."""
    columns = Columns()
    for profile, person, whose in lines:
        columns.profile.append(_number(columns.profiles, profile))
        columns.person.append(person)
        for name, value in zip(PERSONAL, whose, strict=True):
            columns.columns[name].append(_number(columns.values.setdefault(name, []), value))
    return columns


def _number(known: list[Any], one: object) -> int:
    if one not in known:
        known.append(one)
    return known.index(one)


def booking(
    outcome: str, course: int = 0, month: int | None = None, *, cohort: bool = False, plain: bool = False
) -> Profile:
    """A booking of a course; courses share formats, topics and competencies. `plain`: without these and months."""
    about: list[Cell] = [ALL, ("course", f"c{course}")]
    if not plain:
        about += [("format", ("in_person", "web_based")[course % 2]), ("topic", f"t{course % 3}")]
        about += [("topic", "both")] if course % 4 == 0 else []
        about += [("competency", f"k{course % 5}")]
    counts = [(measure, cell) for measure in OUTCOMES[outcome] for cell in about]
    if month and outcome != "waiting":
        counts += [(measure, ("month", f"2023-{month:02}")) for measure in OUTCOMES[outcome]]
    if cohort:
        group: Cell = ("cohort", ("Azubis", f"O{course}"))
        counts += [("assigned", group), *([("fulfilled", group)] if "participants" in OUTCOMES[outcome] else [])]
    return Profile(counts=tuple(counts))


def random_lines(random: Random, count: int, courses: int = 3) -> list[Line]:
    """Uneven departments and organisations, some without a name; people with several bookings; leaves; cohorts."""
    departments: list[Value] = ["d0", "d1", random.choice(["d2", None])]
    organisations: list[Value] = [random.choice(["o0", None]), "o1", "o2"]
    del organisations[random.choice([1, 2, 3, 3]) :]
    groups: list[Value] = ["s0", "s1"]
    del groups[random.choice([1, 2, 2]) :]
    lines: list[Line] = []
    for number in range(count):
        person = lines[-1][1] if lines and random.random() < 0.3 else number
        whose = (
            random.choices(departments, [5, 3, 1])[0],
            random.choice(groups),
            random.choices(organisations, [5, 3, 2][: len(organisations)])[0],
        )
        lines.append((_random_profile(random, courses, whose[2]), person, whose))
    return lines


def _random_profile(random: Random, courses: int, organisation: Value) -> Profile:
    if organisation is not None and random.random() < 0.1:
        return Profile(leave_days=float(random.choice([1, 5])))
    outcome = random.choices([*OUTCOMES], [4, 2, 8, 8, 1, 1])[0]
    return booking(outcome, random.randrange(courses), random.randint(1, 2), cohort=random.random() < 0.1)


def plain_lines(random: Random, count: int) -> list[Line]:
    """Tables so small that the fewest figures to withhold can be found: bookings alone, by course."""
    return [
        (
            booking("seat", random.choices([0, 1, 2], [4, 3, 2])[0], plain=True),
            number,
            (random.choices(["d0", "d1", "d2"], [6, 4, 1])[0], "s", random.choices(["o0", "o1"], [3, 1])[0]),
        )
        for number in range(count)
    ]
