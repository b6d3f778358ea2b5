"""The lines of a year as numbers that follow from what the lines say, not from their order. Pure.

A kind is a measure about a cell, such as ("bookings", ("course", "c1")); a line adds to the kinds of its profile. A
table holds the figures of one owner, or those of an organisation about one department or status group; which tables a
line stands in follows from its attributes: (department, status group, organisation), as numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import compress
from typing import Final

from services.stats.columns import ALL, PERSONAL, Cell, Columns, Owner, Profile, Value

DEPARTMENT, STATUS_GROUP, ORGANISATION = range(3)
FAMILIES: Final[tuple[tuple[int, ...], ...]] = (
    (DEPARTMENT,),
    (STATUS_GROUP,),
    (ORGANISATION,),
    (ORGANISATION, DEPARTMENT),
    (ORGANISATION, STATUS_GROUP),
)
"""Tables by the attributes they are about."""
PEOPLE: Final = frozenset({"persons", "leave_persons", "assigned", "fulfilled", "open"})
"""Measures that count people."""
_DAYS: Final = "days of "
_BASE: Final = {"persons": "participants", "leave_days": "leave_persons", "open": "assigned"}
"""Measures that only lines of another measure add to."""

Kind = tuple[str, Cell]
Attributes = tuple[int, int, int]
Kinds = frozenset[int]


def kinds_of(profile: Profile) -> set[Kind]:
    """What a line adds to if nobody else's line does: those who count people, too, and its days of leave, if any."""
    kinds = set(profile.counts)
    kinds |= {("persons", cell) for measure, cell in profile.counts if measure == "participants"}
    fulfilled = {cell for measure, cell in profile.counts if measure == "fulfilled"}
    kinds |= {("open", cell) for measure, cell in profile.counts if measure == "assigned" and cell not in fulfilled}
    if profile.leave_days is not None:
        kinds.add(("leave_persons", ALL))
    if profile.leave_days:
        kinds |= {("leave_days", ALL), (f"{_DAYS}{profile.leave_days}", ALL)}
    return kinds


class Lines:
    """The columns by numbers; equal profiles are one.

    kinds[number]            measure and cell, sorted
    profiles[number]         the kinds of a profile, sorted; views[family][number] those of them that a table shows
    profile[line], person[line], columns[attribute][line]
    """

    def __init__(self, columns: Columns) -> None:
        said = [kinds_of(profile) for profile in columns.profiles]
        self.kinds: list[Kind] = sorted(set().union(*said), key=repr)
        number = {kind: n for n, kind in enumerate(self.kinds)}
        as_numbers = [tuple(sorted(number[kind] for kind in kinds)) for kinds in said]
        ranks = {kinds: n for n, kinds in enumerate(sorted(set(as_numbers)))}
        self.profiles: list[Kinds] = [frozenset(kinds) for kinds in ranks]
        self.profile = [*map([ranks[kinds] for kinds in as_numbers].__getitem__, columns.profile)]
        self.person = columns.person
        self.values: list[list[Value]] = []
        self.columns: list[list[int]] = []
        for name in PERSONAL:
            values, column = _ranked(columns.values[name], columns.columns[name])
            self.values.append(values)
            self.columns.append(column)
        self._sorts()
        self._groups: dict[int, dict[Attributes, int]] = {}
        self._bases = [0]
        for family in FAMILIES:
            self._bases.append(self._bases[-1] + self._size(family))

    def _sorts(self) -> None:
        """Kinds by what they are about."""
        measures: defaultdict[str, set[int]] = defaultdict(set)
        aspects: defaultdict[str, set[int]] = defaultdict(set)
        for n, (measure, (aspect, _)) in enumerate(self.kinds):
            measures["days" if measure.startswith(_DAYS) else measure].add(n)
            aspects[aspect].add(n)
        self.measures = {name: frozenset(some) for name, some in measures.items()}
        self.aspects = {name: frozenset(some) for name, some in aspects.items()}
        self.people: Kinds = frozenset().union(*(self.measures.get(name, ()) for name in PEOPLE))
        self.days: Kinds = self.measures.get("days", frozenset())
        self.all: Kinds = self.aspects.get(ALL[0], frozenset())
        personal = [kinds - self.aspects.get("cohort", frozenset()) for kinds in self.profiles]
        totals = [kinds & self.all for kinds in self.profiles]
        self.views = [personal, personal, self.profiles, totals, totals]
        number = {kind: n for n, kind in enumerate(self.kinds)}
        self.base: dict[int, int] = {}
        self.derived: defaultdict[int, list[int]] = defaultdict(list)
        self.ends: dict[int, int] = {}
        for n, (measure, cell) in enumerate(self.kinds):
            if measure in _BASE:
                self.base[n] = number[_BASE[measure], cell]
                self.derived[self.base[n]].append(n)
            if measure == "open" and ("fulfilled", cell) in number:
                self.ends[n] = number["fulfilled", cell]
        counted = (n for n, (measure, _) in enumerate(self.kinds) if measure not in _BASE)
        self.counted: Kinds = frozenset(counted) - self.days

    def _size(self, family: Sequence[int]) -> int:
        size = 1
        for attribute in family:
            size *= len(self.values[attribute])
        return size

    def attributes(self, line: int) -> Attributes:
        """Department, status group and organisation of a line."""
        department, status_group, organisation = self.columns
        return department[line], status_group[line], organisation[line]

    def table(self, family: int, attributes: Attributes) -> int:
        """The number of the table of this family in which a line with these attributes stands."""
        first, *second = FAMILIES[family]
        if not second:
            return self._bases[family] + attributes[first]
        return self._bases[family] + attributes[first] * len(self.values[second[0]]) + attributes[second[0]]

    def tables(self, family: int) -> list[int]:
        """The same of every line."""
        base, columns = self._bases[family], [self.columns[attribute] for attribute in FAMILIES[family]]
        if len(columns) == 1:
            return [base + one for one in columns[0]]
        width = len(self.values[FAMILIES[family][1]])
        return [base + one * width + other for one, other in zip(*columns, strict=True)]

    def family(self, table: int) -> int:
        """The family of a table."""
        return next(n for n in range(len(FAMILIES)) if table < self._bases[n + 1])

    def place(self, table: int) -> tuple[int, ...]:
        """The values that a table is about, as the family names them."""
        family = self.family(table)
        number = table - self._bases[family]
        return (number,) if len(FAMILIES[family]) == 1 else divmod(number, len(self.values[FAMILIES[family][1]]))

    def figure(self, table: int, kind: int) -> tuple[Owner, Cell, str]:
        """Owner, cell and measure of a figure."""
        (first, *second), (value, *other) = FAMILIES[self.family(table)], self.place(table)
        measure, cell = self.kinds[kind]
        owner = (PERSONAL[first], self.values[first][value])
        return owner, (PERSONAL[second[0]], self.values[second[0]][other[0]]) if second else cell, measure

    @cached_property
    def by_profile(self) -> list[list[int]]:
        """The lines of each profile."""
        found: list[list[int]] = [[] for _ in self.profiles]
        for line, profile in enumerate(self.profile):
            found[profile].append(line)
        return found

    @cached_property
    def counts_people(self) -> list[bool]:
        """Whether the lines of a profile are part of a figure that counts people."""
        return [bool(kinds & self.people) for kinds in self.profiles]

    @cached_property
    def crowded(self) -> frozenset[int]:
        """People with more than one line in figures that count people: there such a line is not just one more."""
        lines = Counter(compress(self.person, map(self.counts_people.__getitem__, self.profile)))
        return frozenset(person for person, count in lines.items() if count > 1)

    @cached_property
    def of_person(self) -> dict[int, list[int]]:
        """The lines of the crowded that are part of figures that count people."""
        found: dict[int, list[int]] = {person: [] for person in self.crowded}
        for line in compress(range(len(self.person)), map(self.crowded.__contains__, self.person)):
            if self.counts_people[self.profile[line]]:
                found[self.person[line]].append(line)
        return found

    def is_alone(self, line: int) -> bool:
        """Whether moving the line changes figures that count people by one, like all others."""
        return not self.counts_people[self.profile[line]] or self.person[line] not in self.crowded

    def group(self, profile: int) -> dict[Attributes, int]:
        """For all attributes that lines of the profile have, in order, one such line: if possible one that is alone."""
        if profile not in self._groups:
            found: defaultdict[Attributes, list[int]] = defaultdict(list)
            for line in self.by_profile[profile]:
                found[self.attributes(line)].append(line)
            self._groups[profile] = {attributes: self._first(found[attributes]) for attributes in sorted(found)}
        return self._groups[profile]

    def _first(self, lines: Sequence[int]) -> int:
        return next(filter(self.is_alone, lines), None) or min(lines, key=self._company)

    def _company(self, line: int) -> list[tuple[int, Attributes]]:
        """What tells a line from others that say the same: the other lines of its person."""
        if self.is_alone(line):
            return []
        return sorted((self.profile[other], self.attributes(other)) for other in self.of_person[self.person[line]])


def _ranked(values: Sequence[Value], column: Sequence[int]) -> tuple[list[Value], list[int]]:
    """The values that occur, sorted, and the column by their ranks."""
    said = {values[number] for number in set(column)}
    known = sorted(said, key=lambda value: (value is not None, value or ""))
    ranks = {value: n for n, value in enumerate(known)}
    return known, [*map([ranks.get(value, -1) for value in values].__getitem__, column)]
