"""The figures of a year, told as the mask allows: counted along the columns, not line by line. Pure.

Lines are gathered by profile, and a profile is taken apart into its parts (what it says about courses, about months and
so on), of which there are far fewer than profiles; only these are counted for each value of a personal dimension.
Different people are counted as different pairs of person and value.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.stats.columns import ALL, PERSONAL, Cell, Columns, Mask, Owner, Profile, Value
from services.stats.figures import COHORT, MILLION, Figure

Told = Mapping[Owner, Mapping[Cell, Mapping[str, Figure | None]]]
"""Figures by owner, cell and measure. None: withheld; what is missing is 0."""
Kind = tuple[str, Cell]
Identity = tuple[int, ...]
"""A person with the values of all personal dimensions, as numbers."""
Place = tuple[Owner, Cell]
PARTS: Final = (("all",), ("format",), ("course", "competency"), ("topic",), ("month",), ("cohort",))
"""Aspects of cells that are counted together."""
_PEOPLE: Final[Mapping[str, str]] = {
    "participants": "persons",
    "leave_days": "leave_persons",
    "assigned": "assigned",
    "fulfilled": "fulfilled",
}
"""Whoever adds to the first counts once in the second."""


def tabulate(columns: Columns, mask: Mask) -> Told:
    """Count all lines, whole and by each value of the personal dimensions."""
    figures = _Figures(columns)
    lines, identities = _gathered(columns)
    looks = [*_looks(columns, identities)]
    for part in _parts(columns.profiles, lines):
        for look in looks:
            if part.aspects & look.aspects:
                figures.add_amounts(part, look)
                figures.add_people(part, look)
    return figures.told(mask)


def _parts(profiles: Sequence[Profile], lines: Sequence[Sequence[int]]) -> Iterator["_Part"]:
    parts = [_Part(aspects) for aspects in PARTS]
    part_of = {aspect: number for number, aspects in enumerate(PARTS) for aspect in aspects}
    for profile, identities in zip(profiles, lines, strict=True):
        said: list[list[tuple[Kind, int]]] = [[] for _ in parts]
        for kind in profile.counts:
            said[part_of[kind[1][0]]].append((kind, 1))
        if profile.leave_days is not None:
            said[part_of[ALL[0]]].append((("leave_days", ALL), round(profile.leave_days * MILLION)))
        for part, some in zip(parts, said, strict=True):
            if some:
                part.add(some, identities)
    for part in parts:
        part.close()
        yield part


class _Part:
    """What profiles say about some aspects, alike ones together.

    kinds[group]: its (number of the kind, amount); lines[group]: the identities of its lines; all_kinds[number].
    behind[kind]: the identities behind a kind that counts people.
    """

    def __init__(self, aspects: Sequence[str]) -> None:
        self.aspects = frozenset(aspects)
        self._groups: dict[tuple[tuple[Kind, int], ...], list[int]] = {}

    def add(self, said: Iterable[tuple[Kind, int]], identities: Sequence[int]) -> None:
        """The lines of a profile, and what it says here."""
        self._groups.setdefault(tuple(said), []).extend(identities)

    def close(self) -> None:
        """All profiles have been added."""
        numbers: dict[Kind, int] = {}
        self.lines = [*self._groups.values()]
        self.kinds = [[(numbers.setdefault(kind, len(numbers)), by) for kind, by in said] for said in self._groups]
        self.all_kinds = [*numbers]
        self.behind = self._behind()

    def _behind(self) -> dict[Kind, set[int]]:
        groups: defaultdict[int, list[Sequence[int]]] = defaultdict(list)
        for said, some in zip(self.kinds, self.lines, strict=True):
            for number, _ in said:
                groups[number].append(some)
        people = ((number, kind) for number, kind in enumerate(self.all_kinds) if kind[0] in _PEOPLE)
        return {kind: set[int]().union(*groups[number]) for number, kind in people}


@dataclass(slots=True)
class _Look:
    """One way to tell lines apart: `value[identity]`, of which `place` says whose figure about which cell it is.

    `pair[identity]` is person and value, `value_of[pair]` its value. Only parts with one of `aspects` are looked at so.
    """

    aspects: frozenset[str]
    value: list[int]
    pair: list[int]
    value_of: list[int]
    place: Callable[[int, Cell], Place]

    def pairs(self, identities: Iterable[int]) -> set[int]:
        """The different pairs of person and value."""
        return set(map(self.pair.__getitem__, identities))

    def by_value(self, identities: Iterable[int]) -> Counter[int]:
        """How many different people, by value."""
        if len(self.pair) == len(self.value_of):  # nobody has two values
            return Counter(map(self.value.__getitem__, identities))
        return Counter(map(self.value_of.__getitem__, self.pairs(identities)))


def _gathered(columns: Columns) -> tuple[list[list[int]], list[Identity]]:
    """The lines' identities by profile; the identities."""
    rows = zip(columns.person, *(columns.columns[name] for name in PERSONAL), strict=True)
    numbers: dict[Identity, int] = {}
    lines: list[list[int]] = [[] for _ in columns.profiles]
    for profile, row in zip(columns.profile, rows, strict=True):
        lines[profile].append(numbers.setdefault(row, len(numbers)))
    return lines, [*numbers]


def _looks(columns: Columns, identities: Sequence[Identity]) -> Iterator[_Look]:
    """Cohorts are told of the whole and of organisations, and an organisation's totals of its departments too."""
    everything = frozenset(aspect for aspects in PARTS for aspect in aspects)
    values, number = columns.values, {name: n for n, name in enumerate(PERSONAL, 1)}
    yield _look(everything, identities, [0] * len(identities), lambda _, cell: (None, cell))
    for name, n in number.items():
        aspects = everything if name == "organisation" else everything - {"cohort"}
        yield _look(aspects, identities, [one[n] for one in identities], _of(name, values[name]))
    organisation = number["organisation"]
    for name in PERSONAL[:2]:
        size, n = len(values[name]), number[name]
        both = [one[organisation] * size + one[n] for one in identities]
        yield _look(frozenset({ALL[0]}), identities, both, _within(name, values))


def _look(
    aspects: frozenset[str], identities: Sequence[Identity], value: list[int], place: Callable[[int, Cell], Place]
) -> _Look:
    pairs: dict[tuple[int, int], int] = {}
    persons = (one[0] for one in identities)
    pair = [pairs.setdefault(both, len(pairs)) for both in zip(persons, value, strict=True)]
    return _Look(aspects, value, pair, [number for _, number in pairs], place)


def _of(name: str, values: Sequence[Value]) -> Callable[[int, Cell], Place]:
    return lambda value, cell: ((name, values[value]), cell)


def _within(name: str, values: Mapping[str, Sequence[Value]]) -> Callable[[int, Cell], Place]:
    size = len(values[name])
    return lambda value, _: (
        ("organisation", values["organisation"][value // size]),
        (name, values[name][value % size]),
    )


class _Figures:
    """Figures by owner, cell and measure, as they are found."""

    def __init__(self, columns: Columns) -> None:
        owners: list[Owner] = [(name, value) for name in PERSONAL for value in columns.values[name]]
        self._told: dict[Owner, dict[Cell, dict[str, Figure | None]]] = {owner: {} for owner in (None, *owners)}

    def add_amounts(self, part: _Part, look: _Look) -> None:
        """What counts bookings and days."""
        amounts: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for said, lines in zip(part.kinds, part.lines, strict=True):
            for value, number in Counter(map(look.value.__getitem__, lines)).items():
                row = amounts[value]
                for kind, by in said:
                    row[kind] += number * by
        for value, row in amounts.items():
            for kind, amount in row.items():
                measure, cell = part.all_kinds[kind]
                if measure not in COHORT:
                    self._set(look.place(value, cell), measure, _days(amount) if measure == "leave_days" else amount)

    def add_people(self, part: _Part, look: _Look) -> None:
        """What counts people."""
        for (measure, cell), identities in part.behind.items():
            for value, number in look.by_value(identities).items():
                self._set(look.place(value, cell), _PEOPLE[measure], number)
            if measure == "assigned":
                done = look.pairs(part.behind.get(("fulfilled", cell), ()))
                left = look.pairs(identities) - done
                for value, number in Counter(map(look.value_of.__getitem__, left)).items():
                    self._set(look.place(value, cell), "open", number)

    def told(self, mask: Mask) -> Told:
        """All of them, but what the mask withholds."""
        for (owner, cell), measures in mask.items():
            self._told[owner].setdefault(cell, {}).update(dict.fromkeys(measures))
        return self._told

    def _set(self, place: Place, measure: str, figure: Figure) -> None:
        owner, cell = place
        if figure:
            self._told[owner].setdefault(cell, {})[measure] = figure


def _days(millionths: int) -> Figure:
    days, rest = divmod(millionths, MILLION)
    return millionths / MILLION if rest else days
