"""The small-cell rule, and an attacker who knows the rule.

The attacker knows the whole report and all narrowed ones of a year, the program that makes them, that ids of a certain
few organisations, departments and courses exist, and even which kinds of things happened, each to another person. He
lists every world that gives exactly these reports, down to which rows stand there; a withheld figure is safe while
these worlds disagree about it. Excluded are the two cases in which the contract itself publishes all (see cells.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, combinations_with_replacement, count, product
from math import comb
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats import cells
from services.stats.cells import decide
from services.stats.domain import Fact, LeaveFact
from services.stats.figures import CLOSED_DIMENSIONS, LEARNING, LEAVE, MEASURES
from services.stats.report import Question, council_report
from services.stats.tables import Cell, Tables, tabulate
from shared.events import Organisation
from tests.support.stats_world import BERLIN, LAST_YEAR, SPRING, YEAR, data, fact, leave, offering, present, report, row

OFFERINGS = [offering(f"O{name}", course_id=name) for name in "cd"]
KINDS: dict[str, dict[str, Any]] = {
    "seat": {},
    "cancel": {"status": "cancelled"},
    "present": {"seated_at": LAST_YEAR, "attendance": [present()]},
    "both": {"attendance": [present()]},
    "complete": {"seated_at": LAST_YEAR, "completed_at": SPRING},
    "absent": {"seated_at": LAST_YEAR, "attendance": [present(status="absent")]},
    "wait": {"seated_at": None, "status": "waiting", "waiting_since": SPRING},
}
SIZE = 6
"""More things than this make no new case."""
Reports = dict[str, Any]
"""Organisation ("" for the whole) -> its report."""


class Unit(NamedTuple):
    """Something that happened to one person."""

    kind: str
    organisation: str | None
    department: str
    course: str


class Place(NamedTuple):
    """A withheld figure: whose report ("" for the whole), dimension ("" for the totals), key, measure."""

    organisation: str
    dimension: str
    key: str | None
    measure: str


def happened(unit: Unit, number: int) -> Fact | LeaveFact:
    where: dict[str, Any] = {"organisation_id": unit.organisation, "department": unit.department}
    if unit.kind == "leave":
        return leave(f"p{number}", **where)
    return fact(f"p{number}", **where, offering_id=f"O{unit.course}", course_id=unit.course, **KINDS[unit.kind])


def publish(units: Sequence[Unit], names: str, enough: int) -> tuple[Reports, Tables]:
    cities = [Organisation(organisation_id=name, name=name) for name in names]
    known = data(*(happened(unit, n) for n, unit in enumerate(units)), offerings=OFFERINGS, organisations=cities)
    tables = tabulate(known, YEAR, BERLIN)
    mask = decide(tables, enough)
    told = {name: council_report(Question(YEAR, name or None), known, tables, mask, BERLIN) for name in ("", *names)}
    return told, tables


def withheld(reports: Reports) -> Iterator[Place]:
    for name, found in reports.items():
        rows = ((dimension, one) for dimension, some in found["by"].items() for one in some)
        for dimension, one in chain([("", found["totals"])], rows):
            yield from (Place(name, dimension, one.get("key"), m) for m in MEASURES if one.get(m, 0) is None)


def truth(tables: Tables, place: Place) -> float:
    table = tables.narrowed[place.organisation] if place.organisation else tables.whole
    cell = table.rows[place.dimension].get(place.key, Cell()) if place.dimension else table.totals
    return cell.figure(place.measure)


def contract_tells(reports: Reports, place: Place) -> bool:
    """One row only, or just one booking or leave for each row that must hold one."""
    whole = reports[""]
    dimension = "organisation" if place.organisation else place.dimension
    rows = whole["by"][dimension]
    hidden = {name for one in rows for name in MEASURES if one[name] is None}

    def most(*names: str) -> float:
        return max((whole["totals"][name] for name in names if name in hidden), default=0)

    booked = most("bookings", "cancelled", "participants", "completions", "no_shows") + most("waiting")
    bare = [one["key"] for one in rows if not any(one[name] for name in MEASURES)]
    if dimension == "organisation" and None in bare and booked == 1:  # a leave always has an organisation
        return True
    able = [one for one in rows if one["key"] or dimension != "organisation" or place.measure not in LEAVE]
    return len(able) == 1 or booked + most("leave_persons") <= len(bare)


def told(worlds: Sequence[Tables], reports: Reports) -> list[Place]:
    """The withheld figures about which all worlds that give these reports agree."""
    places = (place for place in withheld(reports) if not contract_tells(reports, place))
    return [place for place in places if len({truth(tables, place) for tables in worlds}) < 2]


class Family(NamedTuple):
    """All worlds of a few things, each of them one that these words can say (`-`: no organisation)."""

    kinds: str
    organisations: str
    departments: str
    courses: str

    def worlds(self, limit: int) -> Iterator[tuple[Unit, ...]]:
        """From one thing on, as many as there are worlds for within the limit."""
        names = [None if name == "-" else name for name in self.organisations]
        all_things = (Unit(*one) for one in product(self.kinds.split(), names, self.departments, self.courses))
        things = [one for one in all_things if one.kind != "leave" or one.organisation]  # a leave always has one
        made = 0
        for size in count(1):
            made += comb(len(things) + size - 1, size)
            if made > limit or size > SIZE:
                return
            yield from combinations_with_replacement(things, size)


def learnt(family: Family, enough: int, limit: int) -> dict[bytes, list[Place]]:
    """Reports, and what the attacker learns from them."""
    worlds: defaultdict[bytes, list[Tables]] = defaultdict(list)
    for units in family.worlds(limit):
        reports, tables = publish(units, family.organisations.replace("-", ""), enough)
        worlds[msgspec.json.encode(reports)].append(tables)
    found = {one: told(known, msgspec.json.decode(one)) for one, known in worlds.items()}
    return {one: places for one, places in found.items() if places}


@pytest.mark.parametrize("enough", [3, 5])
@pytest.mark.parametrize(
    "family",
    [
        Family("seat", "ab", "xy", "cd"),
        Family("seat cancel", "ab", "xy", "c"),
        Family("both seat", "a", "xyz", "c"),
        Family("seat present", "ab", "xy", "c"),
        Family("seat absent cancel", "a", "xy", "c"),
        Family("seat wait", "ab-", "x", "c"),
        Family("both leave", "ab", "xy", "c"),
    ],
    ids=str,
)
def test_the_attacker_who_lists_all_worlds_learns_nothing(family: Family, enough: int) -> None:
    assert learnt(family, enough, 300) == {}


FAMILIES = st.builds(
    Family,
    st.lists(st.sampled_from([*KINDS, "leave"]), min_size=1, max_size=2, unique=True).map(" ".join),
    st.sampled_from(["a", "ab", "abc", "ab-"]),
    st.sampled_from(["x", "xy", "xyz"]),
    st.sampled_from(["c", "cd"]),
)


@settings(max_examples=8, deadline=None)
@given(FAMILIES, st.sampled_from([3, 5]))
def test_nor_does_he_in_any_other_family_of_worlds(family: Family, enough: int) -> None:
    assert learnt(family, enough, 200) == {}


def test_without_the_rule_he_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker is able: if figures of few people alone were withheld, he would compute them."""
    monkeypatch.setattr(cells, "GROUPS", tuple(frozenset({name}) for name in MEASURES))
    monkeypatch.setattr(cells, "BOOKED", frozenset())
    assert learnt(Family("both seat", "a", "xyz", "c"), 3, 300) != {}


UNITS = st.builds(
    Unit,
    st.sampled_from([*KINDS, "leave"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from(["c", "d"]),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(UNITS, max_size=40))
def test_no_figure_of_few_people_is_told(units: list[Unit]) -> None:
    reports, tables = publish(units, "abc", 5)
    for name, found in reports.items():
        table = tables.narrowed[name] if name else tables.whole
        for dimension in found["by"] if name else CLOSED_DIMENSIONS:
            for one in found["by"][dimension]:
                cell = table.rows[dimension].get(one["key"], Cell())
                few = {m for m in MEASURES if m in one and 0 < cell.stands_for(m) < 5 and one[m] is not None}
                assert not few or len(tables.whole.rows[dimension]) == 1
        assert not name or not {m for m in MEASURES if 0 < table.totals.stands_for(m) < 5} & {
            m for m in MEASURES if found["totals"][m] is not None
        }


@settings(max_examples=30, deadline=None)
@given(st.lists(UNITS, max_size=40))
def test_what_is_told_is_true_and_what_is_not_says_why(units: list[Unit]) -> None:
    reports, tables = publish(units, "abc", 5)
    for name, found in reports.items():
        table = tables.narrowed[name] if name else tables.whole
        for dimension, rows in found["by"].items():
            for one in rows:
                measures = MEASURES if dimension in CLOSED_DIMENSIONS else LEARNING
                cell = table.rows[dimension].get(one["key"], Cell())
                assert all(one[m] in (None, cell.figure(m)) for m in measures)
                assert ("withheld" in one) == any(one[m] is None for m in measures)
    public = [
        reports[""]["totals"],
        *(one for name in ("course", "topic") for one in reports[""]["by"][name]),
    ]
    assert not any("withheld" in one for one in public)


def people(department: str, seats: int, **fields: Any) -> list[Fact | LeaveFact]:
    return [fact(organisation_id="a", department=department, **fields) for _ in range(seats)]


def test_five_are_told_and_four_are_not() -> None:
    assert row(report(data(*people("x", 5), *people("y", 5))), "department", "x")["bookings"] == 5
    four = report(data(*people("x", 5), *people("y", 4)))
    assert [(one["bookings"], one["participants"]) for one in four["by"]["department"]] == [(None, 0), (None, 0)]
    assert all("1 bis 4 Personen" in one["withheld"] for one in four["by"]["department"])


def test_ten_bookings_of_four_people_are_not_told() -> None:
    ten = [fact(f"p{n % 4}", organisation_id="a", department="y") for n in range(10)]
    assert row(report(data(*ten, *people("x", 5))), "department", "y")["bookings"] is None


def test_a_few_no_shows_do_not_hide_the_bookings() -> None:
    absent = people("x", 2, attendance=[present(status="absent")])
    found = report(data(*absent, *people("x", 7), *people("y", 6)))
    assert [(one["bookings"], one["no_shows"]) for one in found["by"]["department"]] == [(9, None), (6, None)]


def test_another_organisations_rows_stand_in_a_narrowed_report_as_null() -> None:
    few = [fact(organisation_id="b", offering_id="Oc", course_id="c") for _ in range(3)]
    many = [fact(organisation_id="a", offering_id="Od", course_id="d") for _ in range(20)]
    found = report(data(*few, *many, offerings=OFFERINGS), organisation="b")
    assert [(one["key"], one["bookings"]) for one in found["by"]["course"]] == [("c", None), ("d", None)]
    assert found["totals"]["bookings"] is None
    assert found["totals"]["waiting"] == 0


def test_cohorts_of_few_are_not_told_in_a_narrowed_report() -> None:
    few = [fact(organisation_id="b", assigned={"Azubis": SPRING}, seated_at=LAST_YEAR) for _ in range(3)]
    known = data(*few, *people("x", 6, assigned={"Azubis": SPRING}))
    assert report(known)["cohorts"][0]["assigned"] == 9
    [narrowed] = report(known, organisation="b")["cohorts"]
    assert (narrowed["assigned"], narrowed["fulfilled"], narrowed["open"]) == (None, 0, None)
    assert "withheld" in narrowed
