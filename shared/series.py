"""Whether somebody attended a whole series: what pages, the API and certificates call "attended all modules". Pure."""

from collections.abc import Sequence
from typing import Final

from shared.events import Attendance, Session

MOST_EXCUSED: Final = 1


def attended_all(sessions: Sequence[Session], attendance: Sequence[Attendance]) -> bool:
    """Every session that has a time was attended, but for one excused absence at most, and at least one was.

    A module of several days is one session per day or one that spans them: each counts as it was recorded. What was
    recorded of a session that is no longer in the programme does not count.
    """
    recorded = {one.session_id: one.status for one in attendance}
    statuses = [recorded.get(one.session_id) for one in sessions if one.starts_at is not None]
    attended, excused = statuses.count("attended"), statuses.count("excused")
    return attended >= 1 and excused <= MOST_EXCUSED and attended + excused == len(statuses)
