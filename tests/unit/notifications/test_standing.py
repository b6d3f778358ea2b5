from itertools import pairwise
from typing import get_args

import pytest

from services.notifications.messages import Kind, Message
from services.notifications.standing import Standing, is_superseded
from shared.events import Status
from tests.support.notifications_world import NOW, leave


def message(kind: Kind, version: int = 2) -> Message:
    return Message(
        message_id="m", kind=kind, person_id="p", about="p", mentions=[], created_at=NOW, order="", version=version
    )


def outdated(kind: Kind, status: Status | None, **told: int) -> bool:
    return is_superseded(message(kind), Standing(status=status, told=told))


WAYS: list[list[tuple[Kind, Status]]] = [
    [("received", "awaiting_approval"), ("confirmed", "confirmed"), ("cancelled", "cancelled")],
    [("received", "awaiting_approval"), ("waitlisted", "waiting"), ("promoted", "confirmed")],
    [("approval_requested", "awaiting_approval"), ("refused", "refused")],
    [("waitlisted", "waiting"), ("offering_cancelled", "cancelled")],
    [("reminder", "confirmed"), ("cancelled", "cancelled")],
]


@pytest.mark.parametrize(("before", "after"), [step for way in WAYS for step in pairwise(way)])
def test_the_next_state_supersedes_what_was_told_of_the_last_one(
    before: tuple[Kind, Status], after: tuple[Kind, Status]
) -> None:
    assert not outdated(before[0], before[1])
    assert outdated(before[0], after[1])
    assert not outdated(after[0], after[1])


@pytest.mark.parametrize("kind", ["refused", "cancelled", "offering_cancelled", "certificate"])
@pytest.mark.parametrize("status", get_args(Status))
def test_an_end_stays_true(kind: Kind, status: Status) -> None:
    assert not outdated(kind, status)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_booking_that_is_not_known_supersedes_nothing(kind: Kind) -> None:
    assert not outdated(kind, None)


def test_a_change_is_superseded_by_the_next_that_tells_as_much() -> None:
    for status in ("confirmed", "waiting"):
        assert not outdated("rescheduled", status, rescheduled=2)
        assert outdated("rescheduled", status, rescheduled=3)
        assert outdated("rescheduled", status, rescheduled=2, format_changed=3)
        assert outdated("format_changed", status, format_changed=3)
        assert not outdated("format_changed", status, rescheduled=3, format_changed=2)
        assert not outdated("confirmed", "confirmed", rescheduled=3)
    assert outdated("rescheduled", "cancelled", rescheduled=2)


def test_leave_that_was_withdrawn_is_not_told_as_granted_any_more() -> None:
    granted = message("leave_granted")
    granted.leave = leave(1)
    assert not is_superseded(granted, Standing(leave_version=1))
    assert is_superseded(granted, Standing(leave_version=2))
