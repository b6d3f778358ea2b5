"""Ids may have 200 characters: what is said of such entities can be read like any other event."""

from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest

from services.enrolment.deadlines import Deadlines
from services.enrolment.events import LOG
from services.enrolment.restate import Restating
from services.enrolment.views import Deadline
from shared.clock import Clock
from shared.cloudevents import encode, parse
from shared.events import OUTCOMES, Course, Leave
from shared.settings import Settings
from tests.support.enrolment import NOON, World, lms, scheduled
from tests.unit.enrolment.test_bad_input import LEAVE

LONG = "ö" * 200
ABOUT: list[tuple[str, dict[str, Any]]] = [
    ("organisation.changed", {"organisation_id": LONG, "name": "Stadt"}),
    ("course.changed", {"course_id": LONG, "title": "Kurs", "topics": [], "competencies": []}),
    ("leave.granted", {**LEAVE, "leave_id": LONG}),
    ("offering.capacity_changed", {"offering_id": LONG, "capacity": 7}),
    ("booking.requested", {"offering_id": LONG, "person_id": LONG}),
]


@pytest.mark.parametrize(("kind", "data"), ABOUT)
def test_an_outcome_can_be_read(kind: str, data: dict[str, Any]) -> None:
    world = World()
    world.push(scheduled(offering_id=LONG, event_id=LONG), lms(kind, event_id=LONG[1:], **data))
    assert [parse(encode(event), OUTCOMES).data for event in world.told] == [event.data for event in world.told]
    assert len({(event.type, event.id) for event in world.told}) == len(world.told) > 1


def test_the_passing_of_a_deadline_can_be_read() -> None:
    loop = Deadlines(MagicMock(), MagicMock(), Clock(NOON), Settings())
    first, second = (loop._out(Deadline(LONG, NOON + timedelta(days=day))) for day in (0, 1))
    found = [parse(one.value or b"", LOG) for one in (first, second)]
    assert [one.data.offering_id for one in found] == [LONG, LONG]
    assert found[0].id != found[1].id


def test_a_restatement_can_be_read() -> None:
    restating = Restating(MagicMock(), MagicMock(), Clock(NOON), 12)
    leave = msgspec.convert({**LEAVE, "leave_id": LONG, "department": None, "status_group": None}, Leave)
    for entity in (leave, Course(course_id=LONG, title="Kurs", topics=[], competencies=[], version=3)):
        assert parse(restating._out(entity, 12).value or b"", OUTCOMES).data == entity
