"""How many lines stand behind each figure that says something about people, and which figures stand for few. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import compress
from math import inf

from services.stats.lines import FAMILIES, Kinds, Lines

Figure = tuple[int, int]
"""Table and kind."""


@dataclass(slots=True)
class Census:
    """`counts[table][kind]`: lines, of counted kinds; `small[figure]`: the lines behind a figure of few people."""

    counts: dict[int, dict[int, int]] = field(default_factory=dict)
    small: dict[Figure, list[int]] = field(default_factory=dict)


def count(lines: Lines, enough: int) -> Census:
    """Count all figures; small ones only where there is anything to protect: not what repeats the whole."""
    census, limits = Census(), _limits(lines, enough)
    for family, about in enumerate(FAMILIES):
        rows = _Rows(lines, family)
        census.counts |= rows.counts()
        if any(len(lines.values[attribute]) > 1 for attribute in about):
            behind = rows.behind(census.counts, limits)
            for figure in behind:
                for told, some in _told(lines, behind, figure).items():
                    if 0 < len({lines.person[line] for line in some}) < enough:
                        census.small[told] = some
    return census


def _limits(lines: Lines, enough: int) -> list[float]:
    """By kind: behind more lines than these there are surely enough people. Cohorts are always looked at."""
    limits: list[float] = [_most(lines.person, enough)] * len(lines.kinds)
    courses = [[*{lines.kinds[kind][1] for kind in kinds & _about(lines, "course")}] for kinds in lines.profiles]
    if all(len(some) <= 1 for some in courses):
        number = {cell: n for n, cell in enumerate(dict.fromkeys(cell for some in courses for cell in some))}
        course = [number[some[0]] if some else -1 for some in courses]
        within = [person * (len(number) + 1) + course[p] for person, p in zip(lines.person, lines.profile, strict=True)]
        fewer = _most(compress(within, [course[p] >= 0 for p in lines.profile]), enough)
        for kind in _about(lines, "course"):
            limits[kind] = fewer
    for kind in _about(lines, "cohort"):
        limits[kind] = inf
    return limits


def _most(people: Iterable[int], enough: int) -> int:
    """So many lines at most are those of too few people."""
    return sum(nlargest(enough - 1, Counter(people).values()))


def _about(lines: Lines, aspect: str) -> Kinds:
    return lines.aspects.get(aspect, frozenset())


class _Rows:
    """The lines of all tables of a family; lines whose kinds there are the same have one shape."""

    def __init__(self, lines: Lines, family: int) -> None:
        shapes: dict[Kinds, int] = {}
        shape = [shapes.setdefault(kinds, len(shapes)) for kinds in lines.views[family]]
        self._kinds = [kinds & lines.counted for kinds in shapes]
        self._tables, self._shapes = lines.tables(family), [*map(shape.__getitem__, lines.profile)]
        self._pairs = Counter(zip(self._tables, self._shapes, strict=True))

    def counts(self) -> dict[int, dict[int, int]]:
        """Lines by table and counted kind."""
        found: defaultdict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for (table, shape), number in self._pairs.items():
            row = found[table]
            for kind in self._kinds[shape]:
                row[kind] += number
        return dict(found)

    def behind(self, counts: dict[int, dict[int, int]], limits: list[float]) -> dict[Figure, list[int]]:
        """The lines of the figures that may be small."""
        suspects = {
            table: {kind for kind, number in counts[table].items() if number <= limits[kind]}
            for table in {table for table, _ in self._pairs}
        }
        wanted = {pair: some for pair in self._pairs if (some := suspects[pair[0]] & self._kinds[pair[1]])}
        found: defaultdict[Figure, list[int]] = defaultdict(list)
        selected = map(wanted.__contains__, zip(self._tables, self._shapes, strict=True))
        for line in compress(range(len(self._tables)), selected):
            table = self._tables[line]
            for kind in wanted[table, self._shapes[line]]:
                found[table, kind].append(line)
        return found


def _told(lines: Lines, behind: dict[Figure, list[int]], figure: Figure) -> dict[Figure, list[int]]:
    """The figures that its lines make: what they add to, and what is told of the same people."""
    table, kind = figure
    told = {figure: behind[figure]}
    for other in lines.derived.get(kind, ()):
        fulfilled = behind.get((table, lines.ends.get(other, -1)), ())
        gone = {lines.person[line] for line in fulfilled}
        told[table, other] = [line for line in behind[figure] if lines.person[line] not in gone]
    return told
