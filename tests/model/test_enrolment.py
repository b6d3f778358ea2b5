"""Random events of all types against a naive model of section 4, and the invariants of section 5 after every step."""

from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from services.enrolment.events import DOOR, LOG
from shared.events import CONTROL
from tests.support.enrolment_checks import Checked
from tests.support.enrolment_machine import Machine

RUN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], stateful_step_count=50)
TestEnrolment = Machine.TestCase
TestEnrolment.settings = RUN


SEEN: defaultdict[str, set[str]] = defaultdict(set)


def note(checked: Checked) -> None:
    for event, outcome in zip(checked.pushed, checked.outcomes, strict=True):
        SEEN[event.type].add(outcome)


class Seen(Machine):
    """Notes what became of the events of each type."""

    checks = (note,)


def test_the_random_events_are_of_all_types_and_each_is_applied_and_changes_nothing_at_times() -> None:
    run_state_machine_as_test(Seen, settings=settings(RUN, max_examples=150, derandomize=True, database=None))
    people = {"lms.person.changed.v1", "lms.person.erased.v1"}
    assert SEEN.keys() == (LOG.keys() | DOOR.keys()) - CONTROL.keys()
    assert {kind for kind, outcomes in SEEN.items() if outcomes != {"applied", "repeated"}} == people
