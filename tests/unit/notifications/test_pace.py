from datetime import timedelta

from services.notifications.pace import BREAK, ENOUGH, Pace
from services.notifications.smtp import Reply
from tests.support.notifications_world import NOW

SENT, LATER, CLOSED = Reply("sent"), Reply("later", "451 4.7.1"), Reply("broken", "421 4.7.0")


def connections(pace: Pace, domain: str = "a.example") -> int:
    """So many may carry mail to the domain at once."""
    number = 0
    while pace.may_begin(domain):
        pace.begin(domain)
        number += 1
    for _ in range(number):
        pace.end(domain)
    return number


def told(pace: Pace, *replies: Reply) -> None:
    for reply in replies:
        pace.told("a.example", reply, NOW)


def test_more_and_more_connections_carry_what_is_taken() -> None:
    pace = Pace(2, 4)
    assert connections(pace) == 2
    told(pace, *[SENT] * 2)
    assert connections(pace) == 2
    told(pace, SENT)
    assert connections(pace) == 3
    told(pace, *[SENT] * 99)
    assert connections(pace) == 4


def test_a_refusal_for_now_halves_them_and_one_stays() -> None:
    pace = Pace(8, 8)
    found = []
    for _ in range(5):
        told(pace, LATER)
        found.append(connections(pace))
    assert found == [4, 2, 1, 1, 1]


def test_no_domain_slows_another() -> None:
    pace = Pace(2, 4)
    told(pace, *[CLOSED] * 9)
    assert connections(pace, "b.example") == 2
    assert pace.left_alone("b.example", NOW) is None


def test_a_server_that_closes_again_and_again_is_left_alone_for_a_while() -> None:
    pace = Pace(2, 4)
    told(pace, *[CLOSED] * (ENOUGH - 1))
    assert pace.left_alone("a.example", NOW) is None
    told(pace, CLOSED)
    assert pace.left_alone("a.example", NOW) == NOW + BREAK
    assert pace.left_alone("a.example", NOW + BREAK) is None


def test_after_the_break_one_mail_is_enough_to_tell() -> None:
    pace = Pace(2, 4)
    told(pace, *[CLOSED] * ENOUGH)
    after = NOW + BREAK
    pace.told("a.example", CLOSED, after)
    assert pace.left_alone("a.example", after) == after + BREAK
    pace.told("a.example", SENT, after + BREAK)
    pace.told("a.example", CLOSED, after + BREAK + timedelta(seconds=1))
    assert pace.left_alone("a.example", after + BREAK + timedelta(seconds=1)) is None


def test_greylisting_is_no_reason_to_leave_a_domain_alone() -> None:
    pace = Pace(2, 4)
    told(pace, *[LATER] * 100)
    assert pace.left_alone("a.example", NOW) is None
