"""Another world: the same lines, but one has other attributes, or two have exchanged theirs. Pure.

Nothing that is told of the whole can tell these worlds apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from services.stats.census import Census
from services.stats.columns import ALL
from services.stats.lines import FAMILIES, ORGANISATION, Attributes, Kinds, Lines

Exchange = tuple[tuple[int, Attributes], ...]
"""The lines that differ, and their attributes in the other world."""
Changed = Mapping[int, Kinds]
"""By table: the kinds whose figures differ between the worlds."""
NOTHING: Final[Kinds] = frozenset()
OWNERS: Final = 3
"""So many families are rows of the whole report."""


class Shown(NamedTuple):
    """Cells (table, aspect and value) that are all 0 in this world only, in the other only; owners without anything."""

    new: set[tuple[int, str]]
    emptied: set[tuple[int, str]]
    lawful: bool


class Worlds:
    """Compares other worlds with this one."""

    def __init__(self, lines: Lines, census: Census) -> None:
        self.lines = lines
        self.cells = [f"{aspect} {value!r}" for _, (aspect, value) in lines.kinds]
        self.sizes = [Counter(column) for column in lines.columns]
        self.filled: dict[int, Counter[str]] = {}
        for table, row in census.counts.items():
            sums = self.filled[table] = Counter[str]()
            for kind, number in row.items():
                sums[self.cells[kind]] += number

    def changed(self, exchange: Exchange) -> dict[int, Kinds]:
        """The figures that differ, exactly."""
        lines, result = self.lines, dict[int, Kinds]()
        for line, after in exchange:
            before, profile = lines.attributes(line), lines.profile[line]
            for family in range(len(FAMILIES)):
                left, entered = lines.table(family, before), lines.table(family, after)
                if left != entered:
                    kinds = lines.views[family][profile]
                    result[left] = result.get(left, NOTHING) ^ kinds
                    result[entered] = result.get(entered, NOTHING) ^ kinds
        if not all(lines.is_alone(line) for line, _ in exchange):
            self._recount_people(exchange, result)
        return {table: self._whole_days(kinds) for table, kinds in result.items() if kinds}

    def changed_together(self, exchange: Exchange) -> dict[int, Kinds]:
        """The same for any number of lines, some of which may be alike: counted, and slower."""
        lines, net = self.lines, Counter[tuple[int, int]]()
        touched = set[int]()
        for line, after in exchange:
            before, profile = lines.attributes(line), lines.profile[line]
            for family in range(len(FAMILIES)):
                left, entered = lines.table(family, before), lines.table(family, after)
                if left != entered:
                    touched |= {left, entered}
                    net.subtract((left, kind) for kind in lines.views[family][profile])
                    net.update((entered, kind) for kind in lines.views[family][profile])
        result = {table: frozenset(kind for (at, kind), by in net.items() if by and at == table) for table in touched}
        self._recount_people(exchange, result)
        return {table: self._whole_days(kinds) for table, kinds in result.items() if kinds}

    def _recount_people(self, exchange: Exchange, result: dict[int, Kinds]) -> None:
        """Correct the kinds that count people: somebody with more lines may still be there, or be there already."""
        other = dict(exchange)
        net: Counter[tuple[int, int]] = Counter()
        for own in self._lines_of_people(other):
            net.update(self._presence([(line, other.get(line) or self.lines.attributes(line)) for line in own], result))
            net.subtract(self._presence([(line, self.lines.attributes(line)) for line in own], result))
        for table in result:
            result[table] -= self.lines.people
        for (table, kind), by in net.items():
            if by:
                result[table] |= {kind}

    def _lines_of_people(self, other: Iterable[int]) -> list[list[int]]:
        """The lines of everyone whose line differs."""
        lines = self.lines
        people = {lines.person[line]: line for line in other if lines.counts_people[lines.profile[line]]}
        return [lines.of_person.get(person, [line]) for person, line in people.items()]

    def _presence(self, own: Exchange | list[tuple[int, Attributes]], where: Changed) -> set[tuple[int, int]]:
        """The kinds that count a person, by table, if these are the person's lines."""
        lines, present = self.lines, set[tuple[int, int]]()
        for line, attributes in own:
            for family in range(len(FAMILIES)):
                table = lines.table(family, attributes)
                if table in where:
                    present.update((table, kind) for kind in lines.views[family][lines.profile[line]] & lines.people)
        return {(table, kind) for table, kind in present if (table, lines.ends.get(kind, -1)) not in present}

    def _whole_days(self, kinds: Kinds) -> Kinds:
        """Days of two leaves that differ make one figure differ."""
        if not kinds & self.lines.days:
            return kinds
        return (kinds - self.lines.days) | self.lines.measures["leave_days"]

    def shown(self, exchange: Exchange) -> Shown:
        """Which cells are there in one of the worlds only."""
        net = self._net(exchange)
        before = {place: self.filled[place[0]][place[1]] if place[0] in self.filled else 0 for place in net}
        new = {place for place, by in net.items() if by > 0 and not before[place]}
        emptied = {place for place, by in net.items() if by < 0 and before[place] + by == 0}
        return Shown(new, emptied, self._is_lawful(exchange, {*new, *emptied}))

    def _net(self, exchange: Exchange) -> Counter[tuple[int, str]]:
        """How many more counts each cell has."""
        lines, net = self.lines, Counter[tuple[int, str]]()
        for line, after in exchange:
            before, profile = lines.attributes(line), lines.profile[line]
            for family in range(len(FAMILIES)):
                left, entered = lines.table(family, before), lines.table(family, after)
                if left != entered:
                    for kind in lines.views[family][profile] & lines.counted:
                        cell = self.cells[kind]
                        net[left, cell] -= 1
                        net[entered, cell] += 1
        return net

    def _leaves_nobody(self, exchange: Exchange) -> bool:
        """Whether a value of an attribute has no line any more: its row would be gone, whatever it counts."""
        net: Counter[tuple[int, int]] = Counter()
        for line, after in exchange:
            before = self.lines.attributes(line)
            net.subtract(enumerate(before))
            net.update(enumerate(after))
        return any(by < 0 and self.sizes[attribute][value] + by == 0 for (attribute, value), by in net.items())

    def _is_lawful(self, exchange: Exchange, places: set[tuple[int, str]]) -> bool:
        """A row of the whole report that stands there is not empty; a leave has an organisation."""
        lines = self.lines
        if any(cell == _TOTALS and lines.family(table) < OWNERS for table, cell in places):
            return False
        if self._leaves_nobody(exchange):
            return False
        none = lines.values[ORGANISATION][0] is None
        leave = lines.measures.get("leave_persons", NOTHING)
        return not none or not any(
            after[ORGANISATION] == 0 and lines.profiles[lines.profile[line]] & leave for line, after in exchange
        )


_TOTALS: Final = f"{ALL[0]} {ALL[1]!r}"
