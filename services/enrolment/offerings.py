"""What an event about an offering does to it and to the bookings on it (design section 4). Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from services.enrolment import seats
from services.enrolment.change import TOLD_AS, Change
from services.enrolment.offering_events import (
    CapacityChanged,
    DeadlinePassed,
    FormatChanged,
    OfferingCancelled,
    OfferingScheduled,
    Rescheduled,
)
from services.enrolment.state import Decision, Ledger, State, mark_of, remember
from shared.cloudevents import Event
from shared.errors import Invalid
from shared.events import Delegation, Offering

Rule = Callable[[Change, Any], None]


def about_offering(rule: Rule, state: State, event: Event) -> Decision:
    """Apply what the LMS says of an offering as a whole."""
    if (ledger := state.ledgers.get(event.data.offering_id)) is None:
        return Decision("held")
    if (mark := mark_of(event)) in ledger.seen:
        return Decision("repeated")
    decision = _apply(rule, state, ledger, event)
    remember(ledger.seen, mark)
    state.changed_ledgers.add(event.data.offering_id)
    return decision


def deadline(state: State, event: Event) -> Decision:
    """Apply the passing of a deadline. It is known by its effect: the same moment may pass for other seats later."""
    ledger = state.ledgers.get(event.data.offering_id)
    return Decision("held") if ledger is None else _apply(_pass_deadline, state, ledger, event)


def scheduled(state: State, event: Event) -> Decision:
    """Apply `lms.offering.scheduled.v1`, for an offering that is known or not."""
    data: OfferingScheduled = event.data
    if data.offering_id in state.ledgers:
        return about_offering(_replace, state, event)
    fields = _fields(data)
    released = _released(Offering(**fields), data.delegations or [], event.time)
    ledger = Ledger(offering=Offering(**fields), tallies=seats.new_tallies(state.named[data.offering_id]))
    state.ledgers[data.offering_id] = ledger
    change = Change(state, ledger, event)
    change.alter("scheduled", released=released)
    seats.allot(ledger)
    remember(ledger.seen, mark_of(event))
    return change.decision()


def change_capacity(change: Change, data: CapacityChanged) -> None:
    """Another capacity; other delegations where the event has some; those whose time has come are released."""
    before = change.ledger.offering
    delegations = before.delegations if data.delegations is None else data.delegations
    released = _released(before, delegations, change.event.time)
    _alter(change, "capacity_changed", capacity=data.capacity, delegations=delegations, released=released)


def reschedule(change: Change, data: Rescheduled) -> None:
    """Other sessions."""
    if not data.sessions and change.ledger.offering.format != "web_based":
        raise Invalid("invalid", "data.sessions", "only a web_based offering may have none")
    _alter(change, "rescheduled", sessions=data.sessions)


def change_format(change: Change, data: FormatChanged) -> None:
    """Another format, with its sessions."""
    _alter(change, "format_changed", format=data.format, sessions=data.sessions)


def cancel(change: Change, data: OfferingCancelled) -> None:
    """The offering first; its bookings follow in steps of their own."""
    change.alter("cancelled", status="cancelled", reason=data.reason)
    change.more = change.ledger.live > 0


def go_on(state: State, event: Event) -> Decision:
    """The next step of an event whose effect was not complete; nothing where it was."""
    ledger = state.ledgers.get(getattr(event.data, "offering_id", ""))
    if ledger is None or ledger.walking != mark_of(event):
        return Decision()
    change = Change(state, ledger, event)
    if ledger.offering.status == "cancelled":
        _cancel_bookings(change)
    else:
        change.promote()
    state.changed_ledgers.add(event.data.offering_id)
    return Decision("applied", change.decision().events, change.more)


def next_deadline(offering: Offering) -> datetime | None:
    """When seats of the offering are released next."""
    if offering.status == "cancelled":
        return None
    return min((one.release_at for one in seats.unreleased(offering) if one.release_at is not None), default=None)


def _apply(rule: Rule, state: State, ledger: Ledger, event: Event) -> Decision:
    """Nothing revives an offering that is cancelled."""
    change = Change(state, ledger, event)
    if ledger.offering.status != "cancelled":
        rule(change, event.data)
        change.promote()
    return change.decision()


def _pass_deadline(change: Change, data: DeadlinePassed) -> None:
    """Seats set aside until then are open to all. A clock that says so before it is so is not believed."""
    if data.at > change.event.time:
        raise Invalid("invalid", "data.at", "lies after the event's own time")
    before = change.ledger.offering
    _alter(change, "capacity_changed", released=_released(before, before.delegations, data.at))


def _cancel_bookings(change: Change) -> None:
    ledger = change.ledger
    for claimant in change.state.next_live.get(ledger.offering.offering_id, ()):
        change.move(claimant, TOLD_AS["cancelled"], "cancelled", reason="offering_cancelled")
        ledger.walked = claimant.id
    if ledger.live and not change.events:
        raise RuntimeError("the counters know of bookings that live, and there are none")
    change.more = ledger.live > 0


def _replace(change: Change, data: OfferingScheduled) -> None:
    """Each kind of difference is told once, and as plain `scheduled` what no other kind tells; all carry the whole."""
    before, after = change.ledger.offering, _fields(data)
    after["released"] = _released(before, after["delegations"], change.event.time)
    different = {name for name, value in after.items() if getattr(before, name) != value}
    moved = ["format_changed"] if "format" in different else ["rescheduled"] if "sessions" in different else []
    resized = ["capacity_changed"] if different & {"capacity", "delegations", "released"} else []
    for kind in moved + resized or (["scheduled"] if different else []):
        change.alter(kind, **after)
    seats.allot(change.ledger)


def _alter(change: Change, kind: str, **fields: Any) -> None:
    if any(getattr(change.ledger.offering, name) != value for name, value in fields.items()):
        change.alter(kind, **fields)
        seats.allot(change.ledger)


def _released(before: Offering, delegations: list[Delegation], moment: datetime) -> list[str]:
    """Whose seats are released: their time has come, or had come before and was not put off."""
    past = {one.organisation_id: one.release_at for one in before.delegations if one.organisation_id in before.released}
    return [
        one.organisation_id
        for one in delegations
        if one.release_at is not None and one.release_at <= max(moment, past.get(one.organisation_id) or moment)
    ]


def _fields(data: OfferingScheduled) -> dict[str, Any]:
    return {**asdict(data), "delegations": data.delegations or [], "trainers": data.trainers or []}
