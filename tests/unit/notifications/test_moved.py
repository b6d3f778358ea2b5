"""What messages know of sessions that moved or went, from the events that enrolment publishes."""

from datetime import timedelta

from services.notifications.domain import rules
from services.notifications.messages import Message
from services.notifications.state import Page, State
from shared.handler import Item
from tests.support.notifications_world import NOW, START, booking, item, offering, session

RULES = rules((7, 1))
S1, S2, S3 = session("s1"), session("s2", START + timedelta(days=7)), session("s3", START + timedelta(days=9))


class Roster:
    """Notifications' pure core with one offering, event by event."""

    def __init__(self, *items: Item) -> None:
        self.state = State(NOW, pages={"o1": Page("", [])})
        self.tell(*items)

    def tell(self, *items: Item) -> list[Message]:
        """What is planned by these events."""
        before = len(self.state.messages)
        for one in items:
            RULES[one.event.type](self.state, one)
        return self.state.messages[before:]


def seated() -> Roster:
    return Roster(
        item("offering.scheduled", offering(1, sessions=[S1, S2])),
        item("booking.confirmed", booking(2, "p1", seated_at=NOW)),
        item("booking.waitlisted", booking(3, "p2", status="waiting")),
    )


def ids(message: Message) -> list[str]:
    return [one.session_id for one in message.dropped]


def test_a_change_names_what_is_new_or_other_and_what_is_gone() -> None:
    moved = session("s2", START + timedelta(days=8))
    first, second = seated().tell(item("offering.rescheduled", offering(4, sessions=[moved, S3])))
    assert (first.changed, ids(first), first.version, first.invited) == (["s2", "s3"], ["s1"], 4, True)
    assert (second.person_id, second.invited) == ("p2", False), "whoever waits has nothing in the calendar"


def test_what_went_in_a_change_that_nobody_was_told_yet_is_not_forgotten() -> None:
    """The newer message supersedes the one that was not sent, so it says both."""
    roster = seated()
    roster.tell(item("offering.rescheduled", offering(4, sessions=[S2, S3])))
    again = roster.tell(item("offering.rescheduled", offering(5, sessions=[S3])))[0]
    assert ids(again) == ["s1", "s2"]
    (ended,) = roster.tell(item("booking.cancelled", booking(6, "p1", status="cancelled", seated_at=NOW)))
    assert ids(ended) == ["s1", "s2"]
    assert ended.invited


def test_a_session_that_comes_back_is_not_cancelled() -> None:
    roster = seated()
    roster.tell(item("offering.rescheduled", offering(4, sessions=[S2])))
    back = roster.tell(item("offering.rescheduled", offering(5, sessions=[S1, S2])))[0]
    assert (back.changed, ids(back)) == (["s1"], [])


def test_whoever_came_later_never_had_it() -> None:
    roster = seated()
    roster.tell(item("offering.rescheduled", offering(4, sessions=[S2])))
    roster.tell(item("booking.promoted", booking(5, "p2", seated_at=NOW)))
    one, other = roster.tell(item("offering.rescheduled", offering(6, sessions=[S3])))
    assert (ids(one), ids(other)) == (["s1", "s2"], ["s2"])


def test_what_is_over_is_forgotten() -> None:
    roster = seated()
    roster.state.now = START + timedelta(days=1)
    told = roster.tell(item("offering.rescheduled", offering(4, sessions=[S3])))[0]
    assert ids(told) == ["s2"]
    assert [one.session.session_id for one in roster.state.offerings["o1"].gone] == ["s2"]


def test_who_has_lost_a_seat_is_told_so_in_the_calendar_and_who_only_waited_is_not() -> None:
    for seat, expected in ((NOW, True), (None, False)):
        (message,) = seated().tell(
            item("booking.cancelled", booking(4, "p1", status="cancelled", reason="withdrawn", seated_at=seat))
        )
        assert message.invited is expected
