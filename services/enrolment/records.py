"""What an event does to courses, organisations, leaves and what is known of people. Pure."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict, replace

from services.enrolment.change import SOURCE
from services.enrolment.events import LeaveGranted
from services.enrolment.state import Attributes, Decision, Kept, State, mark_of, remember
from shared.cloudevents import Event, fitting
from shared.events import Course, Leave, Organisation, Person, PersonErased

Entity = Course | Organisation | Leave
Rule = Callable[[Any, Event], Entity | None]
"""The entity as it was (None: unknown) and the event -> the entity as it is, without a version; None: as before."""


def key_of_kept(data: object) -> tuple[str, str] | None:
    """Collection and id of what the event is about. A leave is found by its person, whose partition it is on."""
    if isinstance(data, Course):
        return "courses", data.course_id
    if isinstance(data, Organisation):
        return "organisations", data.organisation_id
    if isinstance(data, LeaveGranted):
        return "leaves", f"{data.person_id}\n{data.leave_id}"
    return None


def about_kept(kind: str, rule: Rule, state: State, event: Event) -> Decision:
    """Apply an event about an entity that stands for itself. What changes nothing is a repeat."""
    key = key_of_kept(event.data)
    if key is None:
        raise TypeError(f"{event.type} is about nothing that is kept")
    kept, mark = state.kept.get(key), mark_of(event)
    if kept is not None and mark in kept.seen:
        return Decision("repeated")
    after = rule(kept.entity if kept else None, event)
    if kept is None:
        kept = state.kept[key] = Kept(event.data)
    remember(kept.seen, mark)
    state.changed_kept.add(key)
    if after is None:
        return Decision("repeated")
    kept.entity = replace(after, version=after.version + 1, cause=event.id)
    entity_id = key[1].rpartition("\n")[2]
    identity = fitting(f"{entity_id}.{kept.entity.version}")
    return Decision("applied", [Event(identity, SOURCE, kind, event.time, kept.entity)])


def replaced(before: Entity | None, event: Event) -> Entity | None:
    """A course or an organisation as the event says."""
    version, cause = (before.version, before.cause) if before else (0, "")
    after: Entity = replace(event.data, version=version, cause=cause)
    return None if after == before else after


def granted(before: Entity | None, event: Event) -> Leave | None:
    """A leave as the event says; granted again after it was withdrawn, it lives again."""
    version, cause = (before.version, before.cause) if before else (0, "")
    after = Leave(**asdict(event.data), version=version, cause=cause)
    return None if after == before else after


def withdrawn(before: Entity | None, event: Event) -> Leave | None:
    """The leave's end. One that was never granted here is kept and told as withdrawn: the person had it elsewhere."""
    if not isinstance(before, Leave):
        return Leave(**asdict(event.data), ended_at=event.time)
    return None if before.ended_at is not None else replace(before, ended_at=event.time)


def person_changed(state: State, data: Person | PersonErased, offset: int) -> Decision:
    """Keep the attributes of a person, and of an erased one nothing but that the record is old."""
    if data.person_id not in state.people or state.people[data.person_id].offset < offset:
        state.people[data.person_id] = attributes_of(data, offset)
    return Decision()


def attributes_of(data: Person | PersonErased, offset: int) -> Attributes:
    """What enrolment keeps of a person's record."""
    if isinstance(data, PersonErased):
        return Attributes(offset)
    return Attributes(offset, data.organisation_id, data.department, data.status_group)
