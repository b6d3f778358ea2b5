"""The figures of a year, told as the mask allows: counted along the columns, not line by line. Pure.

A profile is taken apart into what it says about courses, about months and so on: parts, of which there are far fewer
than profiles, and only they are counted for each value of a personal dimension. Different people are counted as
different pairs of person and value.
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
Said = tuple[tuple[Kind, int], ...]
Identity = tuple[int, ...]
"""A person with the values of all personal dimensions, as numbers."""
Place = tuple[Owner, Cell]
Counts = Mapping[int, int]
"""So many lines by the number of what they have."""
JOINT: Final = (("all",), ("format", "course", "competency"), ("topic",), ("month",), ("cohort",))
"""Parts by the aspect of their cells; those that go together are counted together first."""
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
    identities, lines = _identities(columns)
    parts = _parts(columns.profiles)
    for part in parts.values():
        part.gather(lines)
    joints = [_Joint([parts[aspect] for aspect in aspects]) for aspects in JOINT]
    for look in _looks(columns, identities):
        for value, profiles in look.lines(columns.profile).items():
            for joint in joints:
                if some := [part for part in joint.parts if part.aspect in look.aspects]:
                    figures.add_amounts(look, value, joint.counted(profiles, some))
        for part in parts.values():
            if part.aspect in look.aspects:
                figures.add_people(look, part)
    return figures.told(mask)


class _Part:
    """What profiles say about one aspect, alike ones together.

    of[profile]: the group; kinds[group]: what it says; behind[kind]: the identities behind a kind that counts people;
    numbers[kind], and numbered[group] as kinds.
    """

    def __init__(self, aspect: str) -> None:
        self.aspect = aspect
        self._groups: dict[Said, int] = {}
        self.of: list[int] = []

    def add(self, said: Said) -> None:
        """What the next profile says."""
        self.of.append(self._groups.setdefault(said, len(self._groups)))

    def gather(self, lines: Sequence[Sequence[int]]) -> None:
        """All profiles have been added; `lines`: the identities of their lines."""
        self.kinds: list[Said] = [*self._groups]
        self.numbers: dict[Kind, int] = {}
        self.numbered = [
            [(self.numbers.setdefault(kind, len(self.numbers)), by) for kind, by in said] for said in self.kinds
        ]
        counts_people = [any(kind[0] in _PEOPLE for kind, _ in said) for said in self.kinds]
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for group, identities in zip(self.of, lines, strict=True):
            if counts_people[group]:
                groups[group] += identities
        behind: defaultdict[Kind, list[list[int]]] = defaultdict(list)
        for group, identities in groups.items():
            for kind, _ in self.kinds[group]:
                if kind[0] in _PEOPLE:
                    behind[kind].append(identities)
        self.behind = {kind: set[int]().union(*some) for kind, some in behind.items()}


class _Joint:
    """Parts whose groups are counted together: `of[profile]` numbers their combinations."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.parts = parts
        combinations: dict[tuple[int, ...], int] = {}
        together = zip(*(part.of for part in parts), strict=True)
        self.of = [combinations.setdefault(one, len(combinations)) for one in together]
        columns = zip(*combinations, strict=True) if combinations else ([] for _ in parts)
        self._groups = {part.aspect: column for part, column in zip(parts, columns, strict=True)}

    def counted(self, profiles: Sequence[int], parts: Sequence[_Part]) -> Mapping[Kind, int]:
        """What lines with these profiles add to, as far as these parts say."""
        amounts: dict[Kind, int] = {}
        found = Counter(map(self.of.__getitem__, profiles))
        for part in parts:
            group_of = self._groups[part.aspect]
            groups: defaultdict[int, int] = defaultdict(int)
            for combination, number in found.items():
                groups[group_of[combination]] += number
            row = [0] * len(part.numbers)
            for group, number in groups.items():
                for kind, by in part.numbered[group]:
                    row[kind] += number * by
            amounts.update(zip(part.numbers, row, strict=True))
        return amounts


def _parts(profiles: Sequence[Profile]) -> Mapping[str, _Part]:
    parts = {aspect: _Part(aspect) for aspects in JOINT for aspect in aspects}
    for profile in profiles:
        said: dict[str, list[tuple[Kind, int]]] = {aspect: [] for aspect in parts}
        for kind in profile.counts:
            said[kind[1][0]].append((kind, 1))
        if profile.leave_days is not None:
            said[ALL[0]].append((("leave_days", ALL), round(profile.leave_days * MILLION)))
        for aspect, part in parts.items():
            part.add(tuple(said[aspect]))
    return parts


@dataclass(slots=True)
class _Look:
    """One way to tell lines apart: `value[identity]`, of which `place` says whose figure about which cell it is.

    `pair[identity]` is person and value, `value_of[pair]` its value; `column`: the values of the lines. Only parts
    about one of `aspects` are looked at so.
    """

    aspects: frozenset[str]
    value: list[int]
    pair: list[int]
    value_of: list[int]
    place: Callable[[int, Cell], Place]
    column: Sequence[int]

    def lines(self, profile: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """The lines' profiles, by value."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for value, one in zip(self.column, profile, strict=True):
            found[value].append(one)
        return found

    def pairs(self, identities: Iterable[int]) -> set[int]:
        """The different pairs of person and value."""
        return set(map(self.pair.__getitem__, identities))

    def by_value(self, identities: Iterable[int]) -> Counter[int]:
        """How many different people, by value."""
        if len(self.pair) == len(self.value_of):  # nobody has two values
            return Counter(map(self.value.__getitem__, identities))
        return Counter(map(self.value_of.__getitem__, self.pairs(identities)))


def _identities(columns: Columns) -> tuple[list[Identity], list[list[int]]]:
    """All identities; those of each profile's lines."""
    rows = zip(columns.person, *(columns.columns[name] for name in PERSONAL), strict=True)
    numbers: dict[Identity, int] = {}
    lines: list[list[int]] = [[] for _ in columns.profiles]
    for profile, row in zip(columns.profile, rows, strict=True):
        lines[profile].append(numbers.setdefault(row, len(numbers)))
    return [*numbers], lines


def _looks(columns: Columns, identities: Sequence[Identity]) -> Iterator[_Look]:
    """Cohorts are told of the whole and of organisations, and an organisation's totals of its departments too."""
    everything = frozenset(aspect for aspects in JOINT for aspect in aspects)
    values, number = columns.values, {name: n for n, name in enumerate(PERSONAL, 1)}
    nobody = [0] * len(columns.profile)
    yield _look((everything, nobody), identities, [0] * len(identities), lambda _, cell: (None, cell))
    for name, n in number.items():
        aspects = everything if name == "organisation" else everything - {"cohort"}
        told = aspects, columns.columns[name]
        yield _look(told, identities, [one[n] for one in identities], _of(name, values[name]))
    organisation = number["organisation"]
    for name in PERSONAL[:2]:
        size, n = len(values[name]), number[name]
        both = [one[organisation] * size + one[n] for one in identities]
        rows = zip(columns.columns["organisation"], columns.columns[name], strict=True)
        told = frozenset({ALL[0]}), [one * size + other for one, other in rows]
        yield _look(told, identities, both, _within(name, values))


def _look(
    told: tuple[frozenset[str], Sequence[int]],
    identities: Sequence[Identity],
    value: list[int],
    place: Callable[[int, Cell], Place],
) -> _Look:
    aspects, column = told
    pairs: dict[tuple[int, int], int] = {}
    persons = (one[0] for one in identities)
    pair = [pairs.setdefault(both, len(pairs)) for both in zip(persons, value, strict=True)]
    return _Look(aspects, value, pair, [number for _, number in pairs], place, column)


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

    def add_amounts(self, look: _Look, value: int, amounts: Mapping[Kind, int]) -> None:
        """What counts bookings and days, of a value."""
        for (measure, cell), amount in amounts.items():
            if measure not in COHORT:
                self._set(look.place(value, cell), measure, _days(amount) if measure == "leave_days" else amount)

    def add_people(self, look: _Look, part: _Part) -> None:
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
