"""Which figures are withheld because few people stand behind them (design section 4, "Small cells"). Pure.

Public whatever it stands for: the figures of the whole (owner None), and which values of `department`, `status_group`
and `organisation` occur. Protected: the figures of these values, in the rows of the whole report, its cross tables and
the narrowed reports. Small are those that stand for 1 to k - 1 different people; they are withheld.

Every withheld figure has a certificate: another world that gives the same reports, in which the figure is another one.
In that world the lines are the same but for one that has another department, status group or organisation, or for two
that have exchanged theirs. Nothing of the whole can change by that, every rule by which figures bound each other holds
as it holds in any year, and all figures that do change are withheld, by which the certificate is one for each of them.
So for each small figure the exchange is chosen that adds the least to what is withheld.

What the contract publishes anyway: a dimension with a single value repeats the whole, and nothing is withheld in it.
And if there is nothing to exchange, such as one booking for each row, or a leave where only one organisation has a name
(a leave always has one), then a reader who thinks of it computes the figure; it is withheld all the same, with another
one, so that it takes more than a subtraction.

What it does not protect against: reports of other years, or of this one at another time; knowledge from elsewhere; a
reader who knows this program and runs it on every world that he can think of.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice, product
from typing import Final

from services.stats.census import Figure, count
from services.stats.columns import Cell, Columns, Mask, Owner
from services.stats.exchange import NOTHING, Changed, Exchange, Worlds
from services.stats.lines import FAMILIES, Kinds, Lines
from services.stats.partners import Move, Partners

TOTAL: Final = 3
"""What it costs to withhold a figure of a row of department, status group or organisation; any other: 1."""
NEW: Final = 10
"""A cell that is all 0 would have to be shown as withheld."""
EMPTIED: Final = 20
"""A cell that is not all 0 would be: a reader may take it for granted that it is not."""
UNLAWFUL: Final = 1_000_000
"""No possible world."""
FINALISTS: Final = 6
"""So many of the exchanges that seem cheap are compared exactly."""
TRIES: Final = (12, 400)
"""At least and at most so many exchanges are tried for a figure, ..."""
EFFORT: Final = 400_000
"""... by default so many for all of them."""
MANY: Final = 3_000
"""With more small figures than that what is cheap is good enough, ..."""
CHEAP: Final = 8
"""... that is, costs no more than this."""
_TOUCHED: Final = {
    differs: [n for n, about in enumerate(FAMILIES) if any(differs[one] for one in about)]
    for differs in product((False, True), repeat=3)
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """Another world, and the figures that differ in it; `lawful`: it is a possible one."""

    exchange: Exchange
    changed: Changed
    lawful: bool

    def figures(self) -> set[Figure]:
        """The figures that differ."""
        return {(table, kind) for table, kinds in self.changed.items() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Protection:
    """The small figures, and why they and what is withheld with them can't be computed."""

    lines: Lines
    small: frozenset[Figure]
    certificates: Sequence[Certificate]

    def withheld(self) -> frozenset[Figure]:
        """All figures that are withheld."""
        return self.small.union(*(one.figures() for one in self.certificates))


def decide(columns: Columns, k: int) -> Mask:
    """What is withheld of a year; a figure is small from 1 to k - 1 people."""
    protection = protect(columns, k)
    mask: defaultdict[tuple[Owner, Cell], set[str]] = defaultdict(set)
    for table, kind in protection.withheld():
        owner, cell, measure = protection.lines.figure(table, kind)
        mask[owner, cell].add(measure)
    return {key: frozenset(measures) for key, measures in mask.items()}


def protect(columns: Columns, k: int) -> Protection:
    """The decision with its reasons."""
    lines = Lines(columns)
    census = count(lines, k)
    search = _Search(lines, Worlds(lines, census), census.small)
    return Protection(lines, frozenset(census.small), needed(search.run(), frozenset(census.small)))


def needed(certificates: Sequence[Certificate], small: frozenset[Figure]) -> list[Certificate]:
    """Those without which a small figure had none; one that withholds much is dropped first."""
    figures = [one.figures() for one in certificates]
    proofs = Counter(figure for some in figures for figure in some)
    dropped = set()
    for number in sorted(range(len(figures)), key=lambda number: -len(figures[number] - small)):
        if all(proofs[figure] > 1 for figure in figures[number] & small):
            proofs.subtract(figures[number])
            dropped.add(number)
    return [one for number, one in enumerate(certificates) if number not in dropped]


class _Search:
    """Finds a certificate for each small figure."""

    def __init__(self, lines: Lines, worlds: Worlds, small: dict[Figure, list[int]]) -> None:
        self._lines, self._worlds, self._small = lines, worlds, small
        self._partners = Partners(lines)
        self._withheld: defaultdict[int, Kinds] = defaultdict(frozenset)
        self._tries = max(TRIES[0], min(TRIES[1], EFFORT // max(1, len(small))))
        self._enough = CHEAP if len(small) > MANY else -1
        for table, kind in small:
            self._withheld[table] |= {kind}
        self._uncertain = self._withheld.copy()

    def run(self) -> list[Certificate]:
        """Totals first: what is exchanged for their sake changes rows, too."""
        found: list[Certificate] = []
        for figure in sorted(self._small, key=lambda figure: (figure[1] not in self._lines.all, figure)):
            if figure[1] in self._uncertain[figure[0]] and (best := self._best(figure)):
                found.append(best)
                for table, kinds in best.changed.items():
                    self._withheld[table] |= kinds
                    self._uncertain[table] -= kinds
        return found

    def _best(self, figure: Figure) -> Certificate | None:
        """The cheapest exchange that changes the figure, or the first that is cheap enough."""
        tried = islice(self._partners.exchanges(figure, self._small[figure]), self._tries)
        ranked = []
        for number, moves in enumerate(tried):
            rough = self._rough(figure, moves)
            if rough[0] <= self._enough and (found := self._compared(figure, moves)) and found[0] <= self._enough:
                return found[2]
            ranked.append((rough, number, moves))
        finalists = [self._compared(figure, moves) for _, _, moves in nsmallest(FINALISTS, ranked)]
        able = [one for one in finalists if one]
        if not any(one[2].lawful for one in able):
            for exchange in self._partners.together(figure, self._small[figure]):
                found = self._judged(figure, exchange, self._worlds.changed_together(exchange))
                able += [found] if found else []
        return min(able, key=lambda one: one[:2])[2] if able else None

    def _compared(self, figure: Figure, moves: tuple[Move, ...]) -> tuple[int, int, Certificate] | None:
        """An exchange with its price; None: it does not change the figure."""
        exchange = tuple((self._lines.group(profile)[before], after) for profile, before, after in moves)
        return self._judged(figure, exchange, self._worlds.changed(exchange))

    def _judged(self, figure: Figure, exchange: Exchange, changed: Changed) -> tuple[int, int, Certificate] | None:
        if figure[1] not in changed.get(figure[0], NOTHING):
            return None
        shown = self._worlds.shown(exchange)
        extra = NEW * len(shown.new) + EMPTIED * len(shown.emptied) + UNLAWFUL * (not shown.lawful)
        price, gain = self._price(changed)
        return price + extra, gain, Certificate(exchange, changed, shown.lawful)

    def _price(self, changed: Changed) -> tuple[int, int]:
        """What is withheld besides; at the same price, what makes more figures certain."""
        price = gain = 0
        for table, kinds in changed.items():
            fresh = kinds - self._withheld[table]
            price += len(fresh) + (TOTAL - 1) * len(fresh & self._lines.all)
            gain += len(kinds & self._uncertain[table])
        return price, -gain

    def _rough(self, figure: Figure, moves: tuple[Move, ...]) -> tuple[int, int]:
        """What an exchange costs as long as everybody has but one line."""
        lines, alone, found = self._lines, 0, dict[int, Kinds]()
        for profile, before, after in moves:
            alone += lines.is_alone(lines.group(profile)[before])
            for family in _TOUCHED[before[0] != after[0], before[1] != after[1], before[2] != after[2]]:
                kinds = lines.views[family][profile]
                for table in (lines.table(family, before), lines.table(family, after)):
                    found[table] = found[table] ^ kinds if table in found else kinds
        missed = figure[1] not in found.get(figure[0], NOTHING)
        price, gain = self._price(found)
        return price + len(moves) - alone + UNLAWFUL * missed, gain
