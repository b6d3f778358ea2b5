"""When trainers are sent the list of who comes: seven days and one day before, and after late changes. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notifications.messages import Message, identity, order_key
from services.notifications.reminders import Due, due_changes
from services.notifications.state import Cause, Entry, Known, State
from shared.events import Offering

DAYS: Final = (7, 1)
UPDATE: Final = 0
"""The days of a list that is due because the roster has changed since the last one."""
GATHERED: Final = timedelta(hours=1)
"""Changes within so long are told together."""
LAST: Final = timedelta(minutes=15)
"""So long before the beginning the last changes are told, however new they are."""
NAMED: Final = 500
"""So many people stand in one mail at most."""


def is_change(before: Entry | None, after: Entry) -> bool:
    """True if a change of a booking adds somebody to those who come, or takes somebody away."""
    return (before is not None and before.status == "confirmed") != (after.status == "confirmed")


def lists(state: State, known: Known | None, offering: Offering, cause: Cause) -> None:
    """Who gets a trainer only now gets the lists that are still to come."""
    old = known.offering if known is not None and known.offering.trainers else None
    changes = due_changes(old, offering, state.now, DAYS if offering.trainers else (), cause.partition)
    if changes.dropped or changes.added:
        state.rosters.append((offering.offering_id, changes))


def updates(offering: Offering, now: datetime, partition: int) -> Iterator[Due]:
    """The lists that a late change makes due; one that is due already stays as it is."""
    if not offering.trainers or offering.status == "cancelled":
        return
    for session in offering.sessions:
        start = session.starts_at
        if start is not None and start - timedelta(days=max(DAYS)) <= now < start:
            yield Due(
                due_id=identity("roster", offering.offering_id, session.session_id),
                offering_id=offering.offering_id,
                session_id=session.session_id,
                days=UPDATE,
                at=max(now, min(now + GATHERED, start - LAST)),
                starts_at=start,
                partition=partition,
                version=offering.version,
            )


def roster(due: Due, trainer: str, people: Sequence[str], now: datetime) -> Message:
    """The message to one trainer; it names nobody itself, and mentions everybody whom the mail will name."""
    return Message(
        message_id=identity("roster", due.offering_id, due.session_id, due.days, due.version, due.at, trainer),
        kind="roster",
        person_id=trainer,
        about=trainer,
        mentions=[trainer, *(person for person in people if person != trainer)],
        created_at=now,
        order=order_key(now, due.partition, due.due_id, trainer),
        offering_id=due.offering_id,
        session_id=due.session_id,
        starts_at=due.starts_at,
        people=list(people),
    )
