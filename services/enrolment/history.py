"""Who changed what on an offering, and when: small documents, written with the change itself. Pure.

Noted are changes of the offering, decisions, withdrawals, assignments, groups and deadlines, and all that the training
office does; not plain requests and attendance, which are many and stand in the bookings. What people wrote as their
reason for a withdrawal or a decision is not kept: it may be anything about anybody.
"""

from collections import Counter
from typing import Any, Final

import msgspec

from services.enrolment.state import Decision, Entry, State
from shared.cloudevents import Event
from shared.events import Offering, Session
from shared.handler import Item

OFFICE: Final = "lernbus/office"
"""The source of what the training office does."""
SESSIONS: Final = 20
"""So many moved sessions are named."""
KINDS: Final = {
    "lms.offering.scheduled.v1": "scheduled",
    "lms.offering.capacity_changed.v1": "capacity",
    "lms.offering.rescheduled.v1": "rescheduled",
    "lms.offering.format_changed.v1": "format",
    "lms.offering.cancelled.v1": "cancelled",
    "lernbus.deadline.passed.v1": "deadline",
    "lms.booking.approved.v1": "approved",
    "lms.booking.refused.v1": "refused",
    "lms.booking.withdrawn.v1": "withdrawn",
    "lms.cohort.assigned.v1": "assigned",
    "lms.group.requested.v1": "group",
}
OF_THE_OFFICE: Final = {
    "lms.booking.requested.v1": "booked",
    "lms.attendance.recorded.v1": "attendance",
    "lms.completion.recorded.v1": "completed",
}
_ACTORS: Final = ("requested_by", "decided_by", "recorded_by")
_PLAIN: Final = ("title", "capacity", "format", "booking_opens_at", "booking_closes_at", "cancel_until", "approval")


def entry_id(offering_id: str, offset: int) -> str:
    """By the place on the log: an offering's events stand on one partition."""
    return f"{offering_id}\n{offset}"


def kind_of(event: Event) -> str | None:
    """The word for what is noted, None for what is not."""
    return KINDS.get(event.type) or (OF_THE_OFFICE.get(event.type) if event.source == OFFICE else None)


def known(state: State, event: Event) -> Offering | None:
    """The offering as it is before the event."""
    ledger = state.ledgers.get(getattr(event.data, "offering_id", ""))
    return None if ledger is None else ledger.offering


def note(state: State, item: Item, before: Offering | None, decision: Decision) -> None:
    """Add what an event has done, or what its next step has."""
    kind, event = kind_of(item.event), item.event
    offering_id = getattr(event.data, "offering_id", "")
    ledger = state.ledgers.get(offering_id)
    if kind is None or ledger is None or decision.outcome != "applied":
        return
    name = entry_id(offering_id, item.offset)
    entry = state.history.get(name)
    if entry is None:
        entry = state.history[name] = Entry(
            id=name,
            offering_id=offering_id,
            version=ledger.version,
            at=event.time.isoformat(),
            kind=kind,
            source=event.source,
            by=next((by for field in _ACTORS if (by := getattr(event.data, field, None))), None),
            person_id=getattr(event.data, "person_id", None),
            details=_details(event.data, before, ledger.offering),
        )
    moved = Counter(told for one in decision.events if (told := _booking_kind(one.type)))
    entry.moved = dict(Counter(entry.moved) + moved)


def _booking_kind(kind: str) -> str:
    entity, _, what = kind.removeprefix("enrolment.").removesuffix(".v1").partition(".")
    return what if entity == "booking" else ""


def _details(data: Any, before: Offering | None, after: Offering) -> dict[str, Any]:  # noqa: ANN401 (any payload)
    told: dict[str, Any] = {}
    for name in ("cohort", "mandatory", "group_id", "all_or_nothing", "session_id", "status"):
        if (value := getattr(data, name, None)) is not None:
            told[name] = value
    if (people := getattr(data, "people", None)) is not None:
        told["people"] = len(people)
    if after.status == "cancelled" and after.reason:
        told["reason"] = after.reason
    return told if before is None else told | _differences(before, after)


def _differences(before: Offering, after: Offering) -> dict[str, Any]:
    """Field -> [before, after]; of delegations and sessions only those that differ."""
    plain = {name: [getattr(before, name), getattr(after, name)] for name in _PLAIN}
    seats = [{one.organisation_id: one.seats for one in offering.delegations} for offering in (before, after)]
    found: dict[str, Any] = {name: pair for name, pair in plain.items() if pair[0] != pair[1]}
    if seats[0] != seats[1]:
        found["delegations"] = [
            [one, seats[0].get(one), seats[1].get(one)]
            for one in sorted(seats[0].keys() | seats[1].keys())
            if seats[0].get(one) != seats[1].get(one)
        ]
    if released := [one for one in after.released if one not in before.released]:
        found["released"] = released
    if moved := _moved(before.sessions, after.sessions):
        found["sessions"] = moved[:SESSIONS]
    builtin: dict[str, Any] = msgspec.to_builtins(found)
    return builtin


def _moved(before: list[Session], after: list[Session]) -> list[list[Any]]:
    """[title, start before, start after] of each session that is new, gone or another; None where it is not."""
    was, now = ({one.session_id: one for one in sessions} for sessions in (before, after))
    return [
        [(now.get(one) or was[one]).title, _start(was.get(one)), _start(now.get(one))]
        for one in dict.fromkeys([*now, *was])
        if _when(was.get(one)) != _when(now.get(one))
    ]


def _when(session: Session | None) -> object:
    return session and (session.starts_at, session.ends_at, session.format, session.location, session.join_url)


def _start(session: Session | None) -> object:
    return session and session.starts_at
