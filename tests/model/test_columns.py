"""A year by columns gives the figures that walking through all bookings gives, exactly."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stats.columns import ALL, PERSONAL, Cell, Columns, Owner, Profile
from services.stats.told import tabulate

MEASURES = ["bookings", "cancelled", "waiting", "no_shows", "completions", "participants"]
CELLS: list[Cell] = [
    ALL,
    *product(["course", "format", "topic", "competency", "month"], ["a", None]),
    ("cohort", ("A", "O1")),
    ("cohort", ("A", "O2")),
]
VALUES = [None, "x", "y"]


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    if draw(st.integers(0, 4)) == 0:
        return Profile(leave_days=draw(st.sampled_from([0.5, 5.0, 0.1, 0.0])))
    counts: set[tuple[str, Cell]] = set()
    for cell in draw(st.lists(st.sampled_from(CELLS), unique=True)):
        if cell[0] == "cohort":
            counts |= {("assigned", cell), *([("fulfilled", cell)] if draw(st.booleans()) else [])}
        else:
            counts |= {(measure, cell) for measure in draw(st.sets(st.sampled_from(MEASURES)))}
    return Profile(counts=tuple(sorted(counts, key=repr)))


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    made = Columns(profiles=draw(st.lists(profiles(), max_size=6)))
    made.values = {name: draw(st.permutations(VALUES)) for name in PERSONAL}
    indexes = st.integers(0, len(VALUES) - 1)
    for _ in range(draw(st.integers(0, 12)) if made.profiles else 0):
        made.profile.append(draw(st.integers(0, len(made.profiles) - 1)))
        made.person.append(draw(st.integers(0, 3)))
        for name in PERSONAL:
            made.columns[name].append(draw(indexes))
    return made


def naive(columns: Columns) -> dict[tuple[Owner, Cell], dict[str, float]]:
    """Line by line, with all people in sets."""
    amounts: dict[tuple[Owner, Cell], dict[str, Any]] = {}

    def row(owner: Owner, cell: Cell) -> dict[str, Any]:
        return amounts.setdefault((owner, cell), {})

    for line, number in enumerate(columns.profile):
        profile, person = columns.profiles[number], columns.person[line]
        value = {name: columns.values[name][columns.columns[name][line]] for name in PERSONAL}
        own: Owner = ("organisation", value["organisation"])
        counts = [*profile.counts, *([("leave_days", ALL)] if profile.leave_days is not None else [])]
        for measure, cell in counts:
            if cell[0] == "cohort":
                places: list[tuple[Owner, Cell]] = [(None, cell), (own, cell)]
            else:
                places = [(None, cell), *(((name, value[name]), cell) for name in PERSONAL)]
            if cell == ALL:
                places += [(own, (name, value[name])) for name in ("department", "status_group")]
            for place in places:
                found = row(*place)
                found.setdefault(f"people of {measure}", set()).add(person)
                found[measure] = found.get(measure, 0) + (profile.leave_days if measure == "leave_days" else 1)
    return {place: {k: v for k, v in _counted(found).items() if v} for place, found in amounts.items()}


def _counted(found: Mapping[str, Any]) -> dict[str, float]:
    people = {name: found.get(f"people of {name}", set()) for name in ("participants", "leave_days", "assigned")}
    done = found.get("people of fulfilled", set())
    told = {name: value for name, value in found.items() if not name.startswith("people of ")}
    return {
        **told,
        "leave_days": round(told.get("leave_days", 0), 6),
        "persons": len(people["participants"]),
        "leave_persons": len(people["leave_days"]),
        "assigned": len(people["assigned"]),
        "fulfilled": len(done),
        "open": len(people["assigned"] - done),
    }


@given(columns())
def test_columns_are_counted_as_lines_are(made: Columns) -> None:
    told = tabulate(made, {})
    found = {(owner, cell): dict(row) for owner, cells in told.items() for cell, row in cells.items()}
    assert found == {place: row for place, row in naive(made).items() if row}
    assert set(told) == {None, *((name, value) for name in PERSONAL for value in VALUES)}


@given(columns(), st.data())
def test_what_is_withheld_is_not_told(made: Columns, data: st.DataObject) -> None:
    told = tabulate(made, {})
    places = [(owner, cell) for owner, cells in told.items() for cell in cells]
    hidden: Sequence[tuple[Owner, Cell]] = data.draw(st.lists(st.sampled_from(places or [(None, ALL)]), unique=True))
    mask = {place: frozenset({"bookings", "persons"}) for place in hidden}
    for owner, cells in tabulate(made, mask).items():
        for cell, row in cells.items():
            withheld = {name for name, figure in row.items() if figure is None}
            assert withheld == mask.get((owner, cell), frozenset())
            assert {**row, **told[owner].get(cell, {})} == {**told[owner].get(cell, {}), **row} or withheld


@pytest.mark.parametrize(("days", "told"), [([0.1] * 3, 0.3), ([2.5, 2.5], 5)])
def test_days_add_up_exactly(days: list[float], told: float) -> None:
    made = Columns(profiles=[Profile(leave_days=one) for one in days])
    made.values = {name: [None] for name in PERSONAL}
    for number in range(len(days)):
        made.profile.append(number)
        made.person.append(0)
        for name in PERSONAL:
            made.columns[name].append(0)
    assert tabulate(made, {})[None][ALL] == {"leave_days": told, "leave_persons": 1}
