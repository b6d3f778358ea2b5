"""What stands beside the offerings, naively: courses, organisations, leaves, and what is kept of people."""

from typing import Any

from tests.support.naive_enrolment import Told


class NaiveRecords:
    def __init__(self) -> None:
        self.entities: dict[tuple[str, str], Any] = {}
        self.withdrawn: set[tuple[str, str]] = set()
        self.people: dict[str, tuple[str | None, ...]] = {}

    def __repr__(self) -> str:
        return repr((self.entities, sorted(self.withdrawn)))

    def replace(self, kind: str, entity_id: str, data: dict[str, Any]) -> list[Told]:
        changed = self.entities.get((kind, entity_id)) != data
        self.entities[kind, entity_id] = data
        return [(f"{kind}.changed", "")] if changed else []

    def grant(self, leave_id: str, person: str, data: dict[str, Any]) -> list[Told]:
        key = (person, leave_id)
        changed = self.entities.get(key) != data or key in self.withdrawn
        self.entities[key] = data
        self.withdrawn.discard(key)
        return [("leave.granted", person)] if changed else []

    def withdraw(self, leave_id: str, person: str, data: dict[str, Any]) -> list[Told]:
        """A leave that nobody knows is known as withdrawn; one that is known stays as it was granted."""
        key = (person, leave_id)
        self.entities.setdefault(key, data)
        if key in self.withdrawn:
            return []
        self.withdrawn.add(key)
        return [("leave.withdrawn", person)]
