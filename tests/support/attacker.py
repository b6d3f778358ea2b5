"""Who wants to know what is withheld of a year: he knows all that is told, how figures hang together, and can compute.

`recount` counts in the plainest way, with sets of people, and shares nothing with what it judges.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import product
from typing import Any

from ortools.sat.python import cp_model

from services.stats.columns import ALL, OPEN, PERSONAL, Cell, Columns, Mask, Owner, Value

Figure = tuple[Owner, Cell, str]
Expression = Any
"""A number, or a variable or sum of the solver."""
SUMS = ("bookings", "participants", "waiting", "cancelled", "no_shows", "completions", "leave_days")
PEOPLE = {"persons": "participants", "leave_persons": "leave_days"}
LEAVE = ("leave_days", "leave_persons")
COHORT = ("assigned", "fulfilled", "open")
MEASURES = (*SUMS, *PEOPLE, *COHORT)
ONCE = ("course", "format")
"""Dimensions in which each booking has one row."""


class Counted:
    """The figures of a year that are not 0, and how many people each stands for."""

    def __init__(self) -> None:
        self.figures: defaultdict[Figure, int] = defaultdict(int)
        self.people: defaultdict[Figure, set[int]] = defaultdict(set)
        self.owners: set[tuple[str, Value]] = set()

    def cells(self) -> set[tuple[Owner, Cell]]:
        return {(owner, cell) for (owner, cell, _), amount in self.figures.items() if amount}


def recount(columns: Columns) -> Counted:
    """Days of leave must be whole ones."""
    counted = Counted()
    for line, person in enumerate(columns.person):
        whose = {name: columns.values[name][columns.columns[name][line]] for name in PERSONAL}
        counted.owners |= set(whose.items())
        for owner, cell, measure, amount in _adds(columns, line, whose):
            counted.people[owner, cell, measure].add(person)
            counted.figures[owner, cell, measure] += amount
    for (owner, cell, measure), people in [*counted.people.items()]:
        if measure == "assigned":
            counted.people[owner, cell, "open"] = people - counted.people.get((owner, cell, "fulfilled"), set())
    for name, source in (*PEOPLE.items(), *((name, name) for name in COHORT)):
        for (owner, cell, measure), people in [*counted.people.items()]:
            if measure == source:
                counted.people[owner, cell, name] = people
                counted.figures[owner, cell, name] = len(people)
    return counted


def _adds(columns: Columns, line: int, whose: Mapping[str, Value]) -> Iterator[tuple[Owner, Cell, str, int]]:
    profile = columns.profiles[columns.profile[line]]
    adds = [(cell, measure, 1) for measure, cell in profile.counts]
    if profile.leave_days is not None:
        adds.append((ALL, "leave_days", int(profile.leave_days)))
    for cell, measure, amount in adds:
        yield None, cell, measure, amount
        for name, value in whose.items():
            if name == "organisation" or cell[0] != "cohort":
                yield (name, value), cell, measure, amount
        if cell == ALL:
            for name in ("department", "status_group"):
                yield ("organisation", whose["organisation"]), (name, whose[name]), measure, amount


def small(counted: Counted, k: int) -> set[Figure]:
    """The figures of few people, but for those that repeat the whole because there is one value only."""
    many = {name for name in PERSONAL if sum(one == name for one, _ in counted.owners) > 1}
    found = set()
    for figure, people in counted.people.items():
        owner, cell, _ = figure
        about = {owner[0], cell[0]} if owner else set()
        if 0 < len(people) < k and about & many:
            found.add(figure)
    return found


class World:
    """All that he knows, as constraints on figures that are numbers or variables."""

    def __init__(
        self,
        model: cp_model.CpModel,
        counted: Counted,
        value: Callable[[Figure], Expression],
        *,
        nothing_empty: bool = False,
    ) -> None:
        """`nothing_empty`: he believes that a row of a narrowed report that is all withheld is not all 0, either."""
        self._model, self._counted, self._nothing_empty = model, counted, nothing_empty
        cells = {cell for owner, cell, _ in counted.figures if owner is None}
        self._open = {name: some for name in OPEN if (some := [cell for cell in cells if cell[0] == name])}
        self._cohorts = [cell for cell in cells if cell[0] == "cohort"]
        self._values = {name: [one for one in counted.owners if one[0] == name] for name in PERSONAL}
        self._value = value
        self._add_rows()
        for owner in counted.owners:
            self._add_owner(owner)

    def _add_rows(self) -> None:
        """The rows of a dimension add up to the whole, or to those of an organisation."""
        for name, values in self._values.items():
            for cell in (ALL, *(cell for cells in self._open.values() for cell in cells)):
                self._parts([(one, cell) for one in values], (None, cell))
            if name == "organisation":
                for cell in self._cohorts:
                    self._parts([(one, cell) for one in values], (None, cell))
                continue
            for one in values:
                self._parts([(other, one) for other in self._values["organisation"]], (one, ALL))
            for other in self._values["organisation"]:
                self._parts([(other, one) for one in values], (other, ALL))

    def _parts(self, parts: Iterable[tuple[Owner, Cell]], whole: tuple[Owner, Cell], *, once: bool = True) -> None:
        """Each line is in one of the parts (`once`), or in at least one; people may be in several."""
        places = [*parts]
        of_offering = any(cell[0] in OPEN for _, cell in places)
        for measure in MEASURES:
            if of_offering and whole[1] == ALL and measure in LEAVE:
                continue
            figures = [self._value((*place, measure)) for place in places]
            together = self._value((*whole, measure))
            if measure in SUMS and once:
                self._model.add(sum(figures) == together)
            elif measure != "open":
                self._model.add(sum(figures) >= together)
                for figure in figures:
                    self._model.add(figure <= together)

    def _add_owner(self, owner: tuple[str, Value]) -> None:
        cells: list[Cell] = [ALL, *(cell for some in self._open.values() for cell in some)]
        for name, some in self._open.items():
            if name in ONCE:
                self._parts([(owner, cell) for cell in some], (owner, ALL))
            elif name != "month":
                self._parts([(owner, cell) for cell in some], (owner, ALL), once=False)
        if owner[0] == "organisation":
            cells += [*self._values["department"], *self._values["status_group"], *self._cohorts]
        for cell in cells:
            self._bound(owner, cell)
        self._model.add(sum(self._value((owner, cell, one)) for cell in cells for one in MEASURES) >= 1)
        if owner == ("organisation", None):
            self._model.add(self._value((owner, ALL, "leave_days")) == 0)

    def _bound(self, owner: Owner, cell: Cell) -> None:
        figure = {measure: self._value((owner, cell, measure)) for measure in MEASURES}
        within = ALL if cell[0] in PERSONAL else cell
        most = sum(self._counted.figures.get((None, within, one), 0) for one in SUMS) + 1
        add = self._model.add
        add(figure["persons"] <= figure["participants"])
        add(figure["participants"] <= figure["persons"] * most)
        add(figure["cancelled"] <= figure["bookings"])
        add(figure["leave_persons"] <= figure["leave_days"])
        add(figure["leave_days"] <= figure["leave_persons"] * 366)
        add(figure["open"] == figure["assigned"] - figure["fulfilled"])
        if self._nothing_empty and any(self._counted.figures.get((owner, cell, one)) for one in MEASURES):
            add(sum(figure.values()) >= 1)


def computed(columns: Columns, mask: Mask, *, nothing_empty: bool = False, seconds: float = 2) -> set[Figure]:
    """The withheld figures for which there is no other value; what the solver does not settle in time is none."""
    counted = recount(columns)
    pending = {(*place, measure) for place, measures in mask.items() for measure in measures}
    model = cp_model.CpModel()
    unknown = {one: model.new_int_var(0, _most(counted, one), str(one)) for one in sorted(pending, key=repr)}
    World(model, counted, lambda one: unknown.get(one, counted.figures.get(one, 0)), nothing_empty=nothing_empty)
    differs = {one: _differing(model, variable, counted.figures.get(one, 0)) for one, variable in unknown.items()}
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    while pending:
        some = model.clone()
        some.add_bool_or([differs[one] for one in pending])
        some.maximize(sum(differs[one] for one in pending))
        solver.parameters.stop_after_first_solution = len(pending) < len(unknown) // 20
        if (status := solver.solve(some)) == cp_model.INFEASIBLE:
            _check_truth(model, differs.values())
            return pending
        if status == cp_model.UNKNOWN:
            solver.parameters.max_time_in_seconds *= 4
            continue
        pending = {one for one in pending if not solver.value(differs[one])}
    return set()


def _check_truth(model: cp_model.CpModel, differs: Iterable[cp_model.IntVar]) -> None:
    """What he takes for granted must hold, or he computes nonsense."""
    truth = model.clone()
    truth.add(sum(differs) == 0)
    assert cp_model.CpSolver().solve(truth) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def _most(counted: Counted, figure: Figure) -> int:
    owner, cell, measure = figure
    within = ALL if cell[0] in PERSONAL else cell
    if measure == "open":  # somebody open in one organisation may have fulfilled it in another
        return _most(counted, (owner, cell, "assigned"))
    return max(counted.figures.get((None, within, measure), 0), counted.figures.get((owner, cell, measure), 0))


def _differing(model: cp_model.CpModel, variable: cp_model.IntVar, truth: int) -> cp_model.IntVar:
    differs = model.new_bool_var("")
    model.add(variable != truth).only_enforce_if(differs)
    model.add(variable == truth).only_enforce_if(differs.negated())
    return differs


def fewest(columns: Columns, k: int, seconds: float = 20) -> float:
    """At least so many figures must be withheld so that the small ones have another value each."""
    counted = recount(columns)
    everything = _protected(counted)
    model = cp_model.CpModel()
    withheld = {one: model.new_bool_var(str(one)) for one in sorted(everything, key=repr)}
    for primary in small(counted, k):
        model.add(withheld[primary] == 1)
        own = {one: model.new_int_var(0, _most(counted, one), "") for one in withheld}
        World(model, counted, lambda one, own=own: own.get(one, counted.figures.get(one, 0)))  # type: ignore[misc]
        for one, variable in own.items():
            model.add(variable == counted.figures.get(one, 0)).only_enforce_if(withheld[one].negated())
        model.add(own[primary] != counted.figures[primary])
    model.minimize(sum(withheld.values()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE), solver.status_name(status)
    return float(solver.best_objective_bound)


def _protected(counted: Counted) -> set[Figure]:
    """All figures of owners that may be other than 0."""
    whole = [(cell, measure) for (owner, cell, measure), amount in counted.figures.items() if owner is None and amount]
    found: set[Figure] = {
        (owner, cell, measure)
        for owner in counted.owners
        for cell, measure in whole
        if owner[0] == "organisation" or cell[0] != "cohort"
    }
    totals = [measure for cell, measure in whole if cell == ALL]
    names = {name: [one for one in counted.owners if one[0] == name] for name in PERSONAL}
    for name in ("department", "status_group"):
        found |= set(product(names["organisation"], names[name], totals))
    return found


def guessed(columns: Columns, mask: Mask) -> set[Figure]:
    """What he computes if he knows all lines, but not whose they are: he tries all ways to attribute them."""
    withheld = {(*place, measure) for place, measures in mask.items() for measure in measures}
    truth, pending = recount(columns), withheld
    for world in _worlds(columns):
        if not pending:
            break
        if world.owners == truth.owners and _looks_alike(truth, world, withheld):
            pending = {one for one in pending if truth.figures.get(one, 0) == world.figures.get(one, 0)}
    return pending


def _looks_alike(truth: Counted, world: Counted, withheld: AbstractSet[Figure]) -> bool:
    told = truth.figures.keys() | world.figures.keys()
    return all(truth.figures.get(one, 0) == world.figures.get(one, 0) for one in told if one not in withheld)


def _worlds(columns: Columns) -> Iterator[Counted]:
    whose = [*product(*(sorted(set(columns.columns[name])) for name in PERSONAL))]
    for some in product(whose, repeat=len(columns.person)):
        other = [*zip(*some, strict=True)]
        named = {name: [*other[n]] for n, name in enumerate(PERSONAL)}
        world = Columns(columns.profiles, columns.values, columns.profile, columns.person, named)
        if not _has_leave_of_nobody(world):
            yield recount(world)


def _has_leave_of_nobody(world: Columns) -> bool:
    none = [world.values["organisation"][number] is None for number in world.columns["organisation"]]
    return any(
        nobody and world.profiles[p].leave_days is not None for p, nobody in zip(world.profile, none, strict=True)
    )
