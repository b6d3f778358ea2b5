"""What each trace counts as in a year: its profile (columns.py). Alike ones are one. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from services.stats.columns import ALL, Cell, Profile, Value
from services.stats.figures import Run, attended, counted, fulfilled, waits
from services.stats.traces import AnyTrace, LeaveTrace, Trace
from shared.events import Course

NOTHING: Final = -1
"""The number of the profile of what does not count in the year."""
Entries = frozenset[tuple[str, int]]
"""(measure, month): what counts in the year, and when."""
Cohorts = tuple[tuple[str, str, bool], ...]
"""(cohort, offering_id, whether it is fulfilled)."""
Shape = tuple[Value, Value, frozenset[str], frozenset[str], Entries, bool, Cohorts]
"""All that a booking's profile depends on: course, format, topics of all and of the attended sessions, and so on."""


class Profiles:
    """The profiles of one year, numbered as they are met."""

    def __init__(self, year: int, courses: Mapping[str, Course]) -> None:
        self._year, self._courses = year, courses
        self._numbers: dict[Shape | float, int] = {}
        self._topics: dict[str, frozenset[str]] = {}
        self._made: dict[tuple[str, Value, Value, frozenset[str]], list[tuple[str, Cell]]] = {}
        self.profiles: list[Profile] = []

    def number(self, trace: AnyTrace, run: Run) -> int:
        """The number of the profile of a trace on an offering, or NOTHING."""
        shape = self._shape(trace, run)
        if shape is None:
            return NOTHING
        number = self._numbers.get(shape)
        if number is None:
            number = self._numbers[shape] = len(self.profiles)
            self.profiles.append(self._profile(shape))
        return number

    def _shape(self, trace: AnyTrace, run: Run) -> Shape | float | None:
        if isinstance(trace, LeaveTrace):
            return trace.days if trace.year == self._year else None
        entries = frozenset(entry for entry in counted(trace, run) if entry[1] // 12 == self._year)
        waiting, cohorts = waits(trace, self._year), self._cohorts(trace)
        if not (entries or waiting or cohorts):
            return None
        there = frozenset(
            topic
            for month, session_id in attended(trace, run)
            if month // 12 == self._year
            for topic in run.topics.get(session_id, ())
        )
        course_id = trace.course_id if run.course_id is None else run.course_id
        return course_id, run.format, self._of_sessions(trace.offering_id, run), there, entries, waiting, cohorts

    def _cohorts(self, trace: Trace) -> Cohorts:
        done = fulfilled(trace)
        return tuple((cohort, trace.offering_id, done) for cohort, year in trace.cohorts if year == self._year)

    def _of_sessions(self, offering_id: str, run: Run) -> frozenset[str]:
        found = self._topics.get(offering_id)
        if found is None:
            found = self._topics[offering_id] = frozenset().union(*run.topics.values())
        return found

    def _profile(self, shape: Shape | float) -> Profile:
        if isinstance(shape, float):
            return Profile(leave_days=shape)
        course_id, form, topics, there, entries, waiting, cohorts = shape
        counts: list[tuple[str, Cell]] = []
        for measure in sorted({measure for measure, _ in entries} | ({"waiting"} if waiting else set())):
            counts += self._kinds((measure, course_id, form, there if measure == "participants" else topics))
        counts += [(measure, ("month", month_key(month))) for measure, month in sorted(entries)]
        return Profile(counts=(*counts, *_of_cohorts(cohorts)))

    def _kinds(self, what: tuple[str, Value, Value, frozenset[str]]) -> Sequence[tuple[str, Cell]]:
        """A measure under all but months and cohorts. Made once: most profiles have it in common with others."""
        kinds = self._made.get(what)
        if kinds is None:
            measure, course_id, form, topics = what
            course = self._courses.get(course_id or "")
            cells: list[Cell] = [ALL, ("course", course_id), ("format", form)]
            cells += [("competency", one) for one in _or_none(course.competencies if course else ())]
            cells += [("topic", one) for one in _or_none({*topics, *(course.topics if course else ())})]
            kinds = self._made[what] = [(measure, cell) for cell in cells]
        return kinds


def month_key(month: int) -> str:
    """2023-05"""
    return f"{month // 12}-{month % 12 + 1:02}"


def _or_none(values: Iterable[str]) -> list[Value]:
    return [*sorted(set(values))] or [None]


def _of_cohorts(cohorts: Cohorts) -> Iterator[tuple[str, Cell]]:
    for cohort, offering_id, done in cohorts:
        yield "assigned", ("cohort", (cohort, offering_id))
        if done:
            yield "fulfilled", ("cohort", (cohort, offering_id))
