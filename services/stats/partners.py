"""Which other worlds are tried for a figure: few, and those first that differ from this one in little else. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain, islice, zip_longest
from typing import Final

from services.stats.census import Figure
from services.stats.columns import ALL, OPEN
from services.stats.exchange import Exchange
from services.stats.lines import DEPARTMENT, FAMILIES, STATUS_GROUP, Attributes, Kinds, Lines

INSIDE: Final = 3
"""So many lines of the figure are tried, ..."""
PROFILES: Final = 12
"""... with so many profiles of lines to exchange with, ..."""
PARTNERS: Final = 3
"""... so many lines of each, ..."""
MOVES: Final = 60
"""... and so many ways to move a line without another one coming back."""
LOOKED_AT: Final = 60
"""The most similar ones are looked for among so many."""
_OUTCOMES: Final = ("participants", "persons", "completions", "no_shows", "cancelled")

Move = tuple[int, Attributes, Attributes]
"""A line with this profile and these attributes has those attributes in the other world."""
Inside = list[tuple[int, Attributes]]


class Partners:
    """Finds exchanges."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._near: dict[Kinds, dict[Kinds, list[int]]] = {}
        self._found: dict[tuple[int, int], list[int]] = {}
        self._levels: dict[tuple[str, str], list[Kinds]] = {}

    def exchanges(self, figure: Figure, behind: list[int]) -> Iterator[tuple[Move, ...]]:
        """Exchanges that may change the figure; `behind`: its lines. The order depends on what the lines say only."""
        lines, (table, kind) = self._lines, figure
        base = lines.base.get(kind, kind)
        inside = sorted({(lines.profile[line], lines.attributes(line)) for line in behind})[:INSIDE]
        for attribute, value in zip(FAMILIES[lines.family(table)], lines.place(table), strict=True):
            if len(lines.values[attribute]) > 1:
                moves = chain(self._enter(inside, attribute, value), self._leave(inside, attribute, value))
                some = zip_longest(self._swaps(inside, base, attribute, value), islice(moves, MOVES))
                yield from (one for pair in some for one in pair if one)

    def together(self, figure: Figure, behind: list[int]) -> Iterator[Exchange]:
        """Of somebody with several lines about the figure's cell all leave; else the person would still be counted."""
        lines, (table, kind) = self._lines, figure
        cell = frozenset(one for one, (_, about) in enumerate(lines.kinds) if about == lines.kinds[kind][1])
        for person in sorted({lines.person[line] for line in behind} & lines.crowded, key=self._said(behind)):
            own = [line for line in lines.of_person[person] if lines.profiles[lines.profile[line]] & cell]
            for attribute, value in zip(FAMILIES[lines.family(table)], lines.place(table), strict=True):
                here = [line for line in own if lines.attributes(line)[attribute] == value]
                for other in range(len(lines.values[attribute])) if here else ():
                    if other != value:
                        yield tuple((line, _with(lines.attributes(line), attribute, other)) for line in here)

    def _said(self, behind: list[int]) -> Callable[[int], list[tuple[int, Attributes]]]:
        """What tells people apart, whatever their numbers."""
        lines = self._lines
        return lambda person: sorted(
            (lines.profile[line], lines.attributes(line)) for line in behind if lines.person[line] == person
        )

    def _leave(self, inside: Inside, attribute: int, value: int) -> Iterator[tuple[Move, ...]]:
        for profile, attributes in inside:
            for other in range(len(self._lines.values[attribute])):
                if other != value:
                    yield ((profile, attributes, _with(attributes, attribute, other)),)

    def _enter(self, inside: Inside, attribute: int, value: int) -> Iterator[tuple[Move, ...]]:
        for profile, attributes in inside:
            for theirs in self._outside(profile, attribute, attributes):
                yield ((profile, theirs, _with(theirs, attribute, value)),)
                if _distance(theirs, attributes) > 1:
                    yield ((profile, theirs, attributes),)

    def _swaps(self, inside: Inside, base: int, attribute: int, value: int) -> Iterator[tuple[Move, ...]]:
        """A line with the kind goes and one without comes, or the other way round."""
        for profile in dict.fromkeys(profile for profile, _ in inside):
            for other in self._similar(profile, base):
                out = [attributes for known, attributes in inside if known == profile]
                yield from self._pairs(profile, out, other, attribute)
                staying = [one for one in islice(self._lines.group(other), LOOKED_AT) if one[attribute] == value]
                staying.sort(key=lambda one: _distance(one, inside[0][1]))
                yield from self._pairs(other, staying[:PARTNERS], profile, attribute)

    def _pairs(self, profile: int, leaving: list[Attributes], other: int, attribute: int) -> Iterator[tuple[Move, ...]]:
        """Lines that leave the value, each with lines of another profile that come from elsewhere."""
        for mine in leaving:
            for theirs in self._outside(other, attribute, mine):
                there, here = _with(mine, attribute, theirs[attribute]), _with(theirs, attribute, mine[attribute])
                yield (profile, mine, there), (other, theirs, here)
                if there != theirs:
                    yield (profile, mine, theirs), (other, theirs, mine)

    def _outside(self, profile: int, attribute: int, attributes: Attributes) -> list[Attributes]:
        """A few lines of the profile with another value, those first that else have the same attributes."""
        group, value = self._lines.group(profile), attributes[attribute]
        others = (_with(attributes, attribute, other) for other in range(len(self._lines.values[attribute])))
        exact = [*islice((one for one in others if one in group and one != attributes), PARTNERS)]
        if len(exact) < PARTNERS:
            rest = [one for one in islice(group, LOOKED_AT) if one[attribute] != value and one not in exact]
            rest.sort(key=lambda one: _distance(one, attributes))
            exact += rest[: PARTNERS - len(exact)]
        return exact

    def _similar(self, profile: int, base: int) -> list[int]:
        """Profiles without the kind that are like this one, the most similar ones first."""
        if (profile, base) not in self._found:
            self._found[profile, base] = self._search(profile, base)
        return self._found[profile, base]

    def _search(self, profile: int, base: int) -> list[int]:
        profiles, found = self._lines.profiles, dict[int, None]()
        kinds = profiles[profile]
        for ignored in self._ignored_for(base):
            near = self._bucket(ignored).get(kinds - ignored, [])
            some = [*islice((one for one in near if base not in profiles[one] and one not in found), LOOKED_AT)]
            some.sort(key=lambda one: (len(profiles[one] ^ kinds), one))
            found.update(dict.fromkeys(some[: PROFILES - len(found)]))
            if len(found) >= PROFILES:
                break
        return [*found]

    def _ignored_for(self, base: int) -> list[Kinds]:
        measure, (aspect, _) = self._lines.kinds[base]
        if (measure, aspect) not in self._levels:
            self._levels[measure, aspect] = [*self._ignored(measure, aspect)]
        return self._levels[measure, aspect]

    def _ignored(self, measure: str, aspect: str) -> Iterator[Kinds]:
        """What a similar profile may differ in, from little to all."""
        outcomes = self._of_measures(*_OUTCOMES)
        own = self._of_measures(measure, "persons") if measure == "participants" else self._of_measures(measure)
        month, themes = self._of_aspects("month"), self._of_aspects("topic", "competency")
        if aspect != ALL[0]:
            about = self._of_aspects(aspect)
            yield from (about, about | month, about | themes, about | themes | month)
        yield from (own, outcomes)
        yield self._of_aspects(*OPEN)
        yield frozenset(range(len(self._lines.kinds)))

    def _of_measures(self, *names: str) -> Kinds:
        return frozenset().union(*(self._lines.measures.get(name, ()) for name in names))

    def _of_aspects(self, *names: str) -> Kinds:
        return frozenset().union(*(self._lines.aspects.get(name, ()) for name in names))

    def _bucket(self, ignored: Kinds) -> dict[Kinds, list[int]]:
        """Profiles that are equal apart from some kinds."""
        if ignored not in self._near:
            found: defaultdict[Kinds, list[int]] = defaultdict(list)
            for number, kinds in enumerate(self._lines.profiles):
                found[kinds - ignored].append(number)
            self._near[ignored] = dict(found)
        return self._near[ignored]


def _with(attributes: Attributes, attribute: int, value: int) -> Attributes:
    department, status_group, organisation = attributes
    if attribute == DEPARTMENT:
        return value, status_group, organisation
    return (department, value, organisation) if attribute == STATUS_GROUP else (department, status_group, value)


def _distance(one: Attributes, other: Attributes) -> int:
    """How many attributes differ."""
    return (one[0] != other[0]) + (one[1] != other[1]) + (one[2] != other[2])
