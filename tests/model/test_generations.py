"""Generations against a naive world: whatever is said again, late, twice or too old, nothing is lost, nothing old.

Partitions are consumed side by side: a batch is loaded at one moment and committed at a later one, so it may know less
than the others have written meanwhile, as it is with several processes.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.stats.batches import Batch
from services.stats.counters import Counts
from services.stats.domain import Entity
from services.stats.generations import Generations
from services.stats.state import Place, State
from shared.cloudevents import Event
from shared.events import RESTATED, RESTATEMENT, RESTATING, Course, Restatement
from shared.handler import Item
from tests.support.stats_world import BERLIN, SPRING

PARTITIONS = 3
IDS = "abcd"
Document = dict[str, dict[str, list[int]]]


@dataclass
class World:
    """Logs, databases by generation, and what enrolment keeps: {(partition, id): version}."""

    logs: list[list[Item]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    read: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    document: Document = field(default_factory=lambda: {"begun": {}, "ended": {}})
    kept: defaultdict[int, dict[Place, Entity]] = field(default_factory=lambda: defaultdict(dict))
    truth: dict[tuple[int, str], int] = field(default_factory=dict)
    loaded: dict[int, tuple[Batch, list[Item]]] = field(default_factory=dict)
    unsaid: list[tuple[int, str]] | None = None
    generation: int = 0

    @property
    def generations(self) -> Generations:
        return Generations.of(self.document, PARTITIONS)

    def say(self, partition: int, kind: str, data: Course | Restatement) -> None:
        log = self.logs[partition]
        log.append(Item(Event("e", "s", kind, SPRING, data), "k", "enrolment.events", partition, len(log)))

    def change(self, partition: int, name: str) -> None:
        version = self.truth[partition, name] = self.truth.get((partition, name), 0) + 1
        self.say(partition, "enrolment.course.changed.v1", course(partition, name, version))

    def restate(self, steps: int = 1) -> None:
        """The next steps of enrolment's walk: marks, one entity after the other, marks."""
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        if self.unsaid is None:
            self.generation += 1
            self.mark(RESTATING, self.generation)
            self.unsaid = sorted(self.truth)
        elif self.unsaid:
            partition, name = self.unsaid.pop(0)
            self.again(partition, name, self.truth[partition, name])
        else:
            self.mark(RESTATED, self.generation)
            self.unsaid = None

    def mark(self, kind: str, generation: int) -> None:
        for partition in range(PARTITIONS):
            self.say(partition, kind, Restatement(generation=generation))

    def again(self, partition: int, name: str, version: int) -> None:
        self.say(partition, "enrolment.course.restated.v1", course(partition, name, version))

    def repeat_mark(self, partition: int, number: int) -> None:
        """A mark that was read long ago comes once more."""
        marks = [one for one in self.logs[partition] if isinstance(one.event.data, Restatement)]
        if marks:
            one = marks[number % len(marks)]
            self.say(partition, one.event.type, one.event.data)

    def load(self, partition: int, records: int) -> None:
        items = self.logs[partition][self.read[partition] :][:records]
        if items and partition not in self.loaded:
            batch = Batch(self.generations)
            batch.states = {one: State(Counts(BERLIN), dict(self.kept[one])) for one in batch.wanted(items)}
            self.loaded[partition] = batch, items

    def commit(self, partition: int) -> None:
        if partition not in self.loaded:
            return
        batch, items = self.loaded.pop(partition)
        for one in items:
            batch.apply(one)
        self.read[partition] += len(items)
        for generation, state in batch.states.items():
            self.kept[generation] |= {place: state.entities[place] for place in state.changed}
        for path, some in batch.generations.fields.items():
            name, _, number = path.partition(".")
            self.document[name][number] = some

    def eat(self, partition: int) -> None:
        """All that is there, in one batch."""
        self.commit(partition)
        self.load(partition, len(self.logs[partition]))
        self.commit(partition)

    def versions(self) -> Mapping[str, int]:
        return {key: entity.version for (_, key), entity in self.kept[self.generations.reading].items()}

    def missing(self) -> list[str]:
        """What has been read and is not in what is shown, or older there."""
        shown = self.versions()
        heard = [one for p in range(PARTITIONS) for one in self.logs[p][: self.read[p]]]
        said = [one.event.data for one in heard if one.event.type not in RESTATEMENT]
        return [one.course_id for one in said if shown.get(one.course_id, 0) < one.version]


def course(partition: int, name: str, version: int) -> Course:
    return Course(course_id=f"{partition}{name}", title="t", topics=[], competencies=[], version=version)


PLACE = st.integers(0, PARTITIONS - 1)
ACTS: Any = st.one_of(
    st.tuples(st.just("change"), PLACE, st.sampled_from(IDS)),
    st.tuples(st.just("restate"), st.integers(1, 12)),
    st.tuples(st.just("load"), PLACE, st.integers(1, 6)),
    st.tuples(st.just("commit"), PLACE),
    st.tuples(st.just("eat"), PLACE),
    st.tuples(st.just("repeat_mark"), PLACE, st.integers(0, 9)),
)


def consume(world: World) -> None:
    while any(world.read[p] < len(world.logs[p]) for p in range(PARTITIONS)):
        for partition in range(PARTITIONS):
            world.load(partition, 5)
            world.commit(partition)


@given(st.lists(ACTS, max_size=120))
def test_nothing_that_was_read_is_ever_missing_and_a_rebuild_is_all_that_enrolment_keeps(acts: list[Any]) -> None:
    world, reading = World(), 0
    for name, *more in acts:
        getattr(world, name)(*more)
        assert world.missing() == []
        assert world.generations.reading >= reading
        reading = world.generations.reading
    for partition in [*world.loaded]:
        world.commit(partition)
    while world.unsaid is not None:
        world.restate()
    consume(world)

    assert world.generations.reading == world.generation
    assert world.generations.building is None
    assert world.versions() == {f"{partition}{name}": version for (partition, name), version in world.truth.items()}


@given(st.lists(ACTS, max_size=60), st.data())
def test_what_was_lost_or_wrong_is_right_afterwards_and_shown_as_before_until_then(
    acts: list[Any], data: st.DataObject
) -> None:
    world = World()
    for partition in range(PARTITIONS):
        for name in IDS:
            world.change(partition, name)
    consume(world)
    lost = data.draw(st.sets(st.sampled_from(sorted(world.kept[0]))))
    for place in lost:
        del world.kept[0][place]
    world.restate()
    changed = {f"{act[1]}{act[2]}" for act in acts if act[0] == "change"}
    for name, *more in acts:
        getattr(world, name)(*more)
        if world.generations.reading == 0:
            assert not ({key for _, key in lost} - changed) & world.versions().keys()
    for partition in [*world.loaded]:
        world.commit(partition)
    while world.unsaid is not None:
        world.restate()
    consume(world)

    assert world.versions() == {f"{partition}{name}": version for (partition, name), version in world.truth.items()}


def test_an_older_version_that_is_said_again_changes_nothing() -> None:
    world = World()
    for _ in range(3):
        world.change(0, "a")
    world.restate()
    world.change(0, "a")
    world.again(0, "a", 2)
    consume(world)
    [generation] = world.generations.begun[0]

    assert world.kept[generation]["courses", "0a"].version == 4
    assert world.versions() == {"0a": 4}


def test_a_second_rebuild_shows_the_first_one_s_figures_until_all_partitions_are_through() -> None:
    world = World()
    world.change(0, "a")
    world.restate(3)
    consume(world)
    world.change(0, "a")
    world.restate(3)
    shown = []
    for partition in range(PARTITIONS):
        shown.append((world.generations.reading, world.generations.building, world.generations.through))
        world.eat(partition)
        assert world.missing() == []

    assert shown == [(1, None, 0), (1, 2, 1), (1, 2, 2)]
    assert world.generations.reading == 2


def test_an_end_whose_beginning_was_never_read_ends_nothing() -> None:
    world = World()
    world.change(0, "a")
    world.mark(RESTATED, 7)
    consume(world)

    assert world.generations.reading == 0
    assert world.versions() == {"0a": 1}


def test_what_is_said_again_outside_of_a_rebuild_changes_nothing() -> None:
    world = World()
    world.again(1, "a", 7)
    consume(world)

    assert world.versions() == {}
