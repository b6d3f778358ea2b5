"""How many lines stand behind each figure that says something about people, and which figures stand for few. Pure."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import compress
from typing import Final

from services.stats.lines import FAMILIES, Lines

Figure = tuple[int, int]
"""Table and kind."""
FIRST: Final = 100_000
"""Most figures show in so many lines already that many people stand behind them."""


@dataclass(slots=True)
class Census:
    """`counts[table][kind]`: lines, of counted kinds; `small[figure]`: the lines behind a figure of few people."""

    counts: dict[int, dict[int, int]] = field(default_factory=dict)
    small: dict[Figure, list[int]] = field(default_factory=dict)


def count(lines: Lines, enough: int) -> Census:
    """Count all figures; small ones only where there is anything to protect: not what repeats the whole."""
    census = Census()
    most = sum(nlargest(enough - 1, Counter(lines.person).values()))
    for family, about in enumerate(FAMILIES):
        tables = lines.tables(family)
        _count(census, lines, family, tables)
        if any(len(lines.values[attribute]) > 1 for attribute in about):
            _find_small(census, lines, (family, tables), (enough, most))
    return census


def _count(census: Census, lines: Lines, family: int, tables: Sequence[int]) -> None:
    view = [[*(kinds & lines.counted)] for kinds in lines.views[family]]
    for table in set(tables):
        census.counts[table] = defaultdict(int)
    for (table, profile), number in Counter(zip(tables, lines.profile, strict=True)).items():
        row = census.counts[table]
        for kind in view[profile]:
            row[kind] += number


def _find_small(census: Census, lines: Lines, where: tuple[int, Sequence[int]], limits: tuple[int, int]) -> None:
    """`limits`: how many people are enough, and so many lines that there are surely enough people behind them."""
    _, tables = where
    enough, most = limits
    suspects = {
        table: {kind for kind, number in census.counts[table].items() if number <= most}
        | _cohorts(census, lines, table)
        for table in set(tables)
    }
    _acquit(suspects, lines, where, enough)
    behind = _behind(suspects, lines, where)
    for figure in behind:
        for told, some in _told(lines, behind, figure).items():
            if 0 < len({lines.person[line] for line in some}) < enough:
                census.small[told] = some


def _cohorts(census: Census, lines: Lines, table: int) -> set[int]:
    """Always looked at: how many are still open does not follow from counts."""
    return census.counts[table].keys() & lines.aspects.get("cohort", frozenset())


def _acquit(suspects: dict[int, set[int]], lines: Lines, where: tuple[int, Sequence[int]], enough: int) -> None:
    """Drop the figures behind which the first lines show enough people already."""
    family, tables = where
    if len(tables) <= 2 * FIRST:
        return
    view, cohorts = lines.views[family], lines.aspects.get("cohort", frozenset())
    people: defaultdict[Figure, set[int]] = defaultdict(set)
    for table, profile, person in zip(tables[:FIRST], lines.profile, lines.person, strict=False):
        suspected = suspects[table]
        for kind in view[profile] & suspected:
            seen = people[table, kind]
            seen.add(person)
            if len(seen) >= enough and kind not in cohorts:
                suspected.discard(kind)


def _behind(suspects: dict[int, set[int]], lines: Lines, where: tuple[int, Sequence[int]]) -> dict[Figure, list[int]]:
    """The lines of the suspected figures."""
    family, tables = where
    view = lines.views[family]
    wanted = {pair for pair in set(zip(tables, lines.profile, strict=True)) if suspects[pair[0]] & view[pair[1]]}
    found: defaultdict[Figure, list[int]] = defaultdict(list)
    selected = map(wanted.__contains__, zip(tables, lines.profile, strict=True))
    for line in compress(range(len(tables)), selected):
        table = tables[line]
        for kind in suspects[table] & view[lines.profile[line]]:
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
