"""What enrolment says again, for who counts anew, is told to nobody and changes nothing: not even what is not known."""

from typing import Any

import pytest

from services.enrolment.audit_published import EnrolmentHistory
from services.notifications.audit_told import Telling
from services.notifications.domain import rules
from services.notifications.state import State
from services.notifications.store import _Wanted
from shared.events import RESTATED, RESTATEMENT, RESTATING, Booking, Leave, Offering, Organisation, Restatement
from tests.support.notifications_world import NOW, booking, item, leave, offering

SAID: dict[str, Any] = {
    "booking.restated": booking(version=9, completed_at=NOW),
    "offering.restated": offering(version=9),
    "leave.restated": leave(version=9),
    "organisation.restated": Organisation(organisation_id="bonn", name="Bonn", version=9),
    RESTATING.removeprefix("enrolment.").removesuffix(".v1"): Restatement(generation=1),
    RESTATED.removeprefix("enrolment.").removesuffix(".v1"): Restatement(generation=1),
}


@pytest.mark.parametrize("kind", SAID)
def test_it_changes_nothing_and_nothing_is_read_for_it(kind: str) -> None:
    state, said = State(NOW), item(kind, SAID[kind])
    assert rules((7, 1))[said.event.type](state, said) == "repeated"
    assert (state.messages, state.changed, state.due) == ([], set(), [])
    wanted = _Wanted([said])
    assert [*wanted.bookings, *wanted.offerings, *wanted.leaves, *wanted.organisations, *wanted.earning] == []


def test_the_audit_expects_no_message_of_it() -> None:
    telling = Telling()
    for kind, data in SAID.items():
        telling.take(f"enrolment.{kind}.v1", data, NOW, (0, 1))

    assert telling.expected == {}
    assert (telling.bookings, telling.offerings) == ({}, {})


def test_enrolment_s_audit_finds_no_gap_where_only_what_was_said_again_is_left_of_the_log() -> None:
    history = EnrolmentHistory({("offerings", "o1"): 12})
    for version in (7, 3, 11):
        history.take("enrolment.booking.restated.v1", booking(version=version), cut=True, early=True)

    assert [*history.findings(())] == []


def test_every_entity_can_be_said_again() -> None:
    assert {Booking, Leave, Offering, Organisation, Restatement} < {*RESTATEMENT.values()}
