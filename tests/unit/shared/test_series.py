"""Who attended a whole series."""

import pytest

from shared.events import Attendance, Presence, Session, SessionFormat
from shared.series import attended_all
from tests.support.enrolment import NOON


def session(name: str, *, timed: bool = True, kind: SessionFormat = "in_person") -> Session:
    moment = NOON if timed else None
    return Session(session_id=name, title=name, format=kind, starts_at=moment, ends_at=moment)


def recorded(*statuses: Presence | None) -> list[Attendance]:
    """Of the modules s1, s2, ...; None: nothing was recorded."""
    known = [(f"s{number}", status) for number, status in enumerate(statuses, 1)]
    return [Attendance(session_id=one, status=status, recorded_at=NOON) for one, status in known if status is not None]


ALL: tuple[Presence, ...] = ("attended",) * 4
FOUR = [session(f"s{number}") for number in range(1, 5)]


@pytest.mark.parametrize(
    ("statuses", "attended"),
    [
        (("attended",) * 4, True),
        (("attended", "excused", "attended", "attended"), True),
        (("excused", "excused", "attended", "attended"), False),
        (("attended", "attended", "attended", "partly"), False),
        (("attended", "attended", "attended", "absent"), False),
        (("attended", "attended", "attended"), False),
        ((), False),
    ],
)
def test_all_modules_but_one_excused_at_most(statuses: tuple[Presence, ...], *, attended: bool) -> None:
    assert attended_all(FOUR, recorded(*statuses)) is attended


def test_modules_without_a_time_and_recordings_of_sessions_that_are_gone_do_not_count() -> None:
    online = session("s5", timed=False, kind="web_based")
    assert attended_all([*FOUR, online], recorded(*ALL))
    assert attended_all(FOUR, recorded(*ALL, "absent"))
    assert not attended_all([online], recorded(None, None, None, None, "attended"))


def test_somebody_excused_from_the_only_module_has_attended_nothing() -> None:
    assert not attended_all(FOUR[:1], recorded("excused"))


def test_a_module_of_two_days_is_two_sessions_or_one_that_spans_them() -> None:
    assert not attended_all(FOUR[:2], recorded("attended", "absent"))
    assert attended_all(FOUR[:1], recorded("attended"))
