"""What an event changes: contacts, offerings, the roster, due reminders, and the messages it makes necessary. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.notifications import certificates, events, moved, roster, trainers
from services.notifications.messages import Contact, Kind, Message, identity, order_key
from services.notifications.reminders import Changes, due_changes
from services.notifications.state import STEP, Cause, Entry, Known, Outcome, Page, Rule, State
from shared.events import RESTATEMENT, Booking, Leave, Offering, Person, PersonErased

# --- people ---------------------------------------------------------------------------------------------------------


def person_changed(state: State, cause: Cause) -> Outcome:
    """lms.person.changed.v1: mails that waited for this address become due."""
    person: Person = cause.event.data
    if not _is_newer(state, person.person_id, cause):
        return "repeated"
    state.contacts[person.person_id] = Contact(person.person_id, cause.offset, person)
    state.changed.add(("contacts", person.person_id))
    state.arrived.add(person.person_id)
    return "applied"


def person_erased(state: State, cause: Cause) -> Outcome:
    """lms.person.erased.v1: the contact goes first, then, in steps, the name in every message.

    In two transactions at least: whoever plans or sends meanwhile sees either the erasure, or is seen by the next step.
    """
    person: PersonErased = cause.event.data
    person_id = person.person_id
    if cause.step == 0:
        if not _is_newer(state, person_id, cause):
            return "repeated"
        state.contacts[person_id] = Contact(person_id, cause.offset, None)
        state.changed.add(("contacts", person_id))
        state.arrived.discard(person_id)
        return "more"
    state.cleared[person_id] = state.naming[person_id]
    return "more" if len(state.naming[person_id]) == STEP else "applied"


def _is_newer(state: State, person_id: str, cause: Cause) -> bool:
    known = state.contacts.get(person_id)
    return known is None or cause.offset > known.offset


# --- offerings ------------------------------------------------------------------------------------------------------


def offering_changed(lead_days: Sequence[int]) -> Rule:
    """enrolment.offering.*: a moved session or another format is told to everyone who has a seat or waits for one."""

    def rule(state: State, cause: Cause) -> Outcome:
        offering: Offering = cause.event.data
        known = state.offerings.get(offering.offering_id)
        if cause.step == 0:
            if known is not None and offering.version <= known.offering.version:
                return "repeated"
            days = state.lead_days.get(offering.offering_id, lead_days)
            changes = due_changes(known.offering if known else None, offering, state.now, days, cause.partition)
            trainers.lists(state, known, offering, cause)
            known = _learn(state, offering, known, changes)
        kind = events.TOLD_TO_ALL.get(cause.event.type)
        if known is None or kind is None or (cause.step == 0 and known.told == offering.cause):
            return "applied"
        return _tell_all(state, cause, known, kind)

    return rule


def _learn(state: State, offering: Offering, known: Known | None, changes: Changes) -> Known:
    known = known or Known(offering=msgspec.structs.replace(offering, sessions=[]))
    changed, gone = moved.compared(known.offering, known.gone, offering, state.now)
    learnt = Known(offering=offering, told=known.told, changed=changed, gone=gone, told_in=known.told_in)
    _keep(state, learnt)
    if changes.dropped or changes.added:
        state.due.append((offering.offering_id, changes))
    return learnt


def _keep(state: State, known: Known) -> None:
    state.offerings[known.offering.offering_id] = known
    state.changed.add(("offerings", known.offering.offering_id))


def _tell_all(state: State, cause: Cause, known: Known, kind: Kind) -> Outcome:
    """One step of the walk over the roster; the offering holds how far it is."""
    offering_id = known.offering.offering_id
    after = known.after if cause.step else ""
    told_in = known.told_in | {kind: known.offering.version}
    known = msgspec.structs.replace(known, told=known.offering.cause, after=after, told_in=told_in)
    page = state.pages.get(offering_id)
    if page is None or page.after != after:  # this batch has read another part of the roster: the next step will do
        _keep(state, known)
        return "more"
    entries, more = _readers(state, offering_id, page)
    for entry in entries[:STEP]:
        if entry.status in ("confirmed", "waiting"):
            message = _tell(state, cause, kind, entry, known.offering.version)
            message.dropped = moved.dropped_since(known.gone, entry.version)
    _keep(state, msgspec.structs.replace(known, after=entries[:STEP][-1].booking_id if more else ""))
    return "more" if more else "applied"


def _readers(state: State, offering_id: str, page: Page) -> tuple[Sequence[Entry], bool]:
    """The page as this batch has changed it, and whether the roster goes on behind its first STEP entries."""
    full = len(page.entries) == STEP
    entries = {entry.booking_id: entry for entry in page.entries}
    for entry in state.bookings.values():
        inside = not full or entry.booking_id <= page.entries[-1].booking_id
        if entry.offering_id == offering_id and entry.booking_id > page.after and inside:
            entries[entry.booking_id] = entry
    return [entries[booking_id] for booking_id in sorted(entries)], full or len(entries) > STEP


# --- bookings and leave ---------------------------------------------------------------------------------------------


def booking_changed(state: State, cause: Cause) -> Outcome:
    """enrolment.booking.*: keep the roster, tell what is to be told."""
    booking: Booking = cause.event.data
    if booking.offering_id not in state.offerings:
        return "held"
    known = state.bookings.get(booking.booking_id)
    if known is not None and booking.version <= known.version:
        return "repeated"
    entry = roster.entry(known, booking, erased=cause.event.type == events.BOOKING_ERASED)
    state.bookings[entry.booking_id] = entry
    state.changed.add(("bookings", entry.booking_id))
    if trainers.is_change(known, entry):
        state.updates += trainers.updates(state.offerings[entry.offering_id].offering, state.now, cause.partition)
    if certificates.award(state, entry):
        message = _plan(state, cause, "certificate", entry.person_id, identity("certificate", entry.booking_id))
        message.offering_id, message.booking_id = entry.offering_id, entry.booking_id
    for kind in _kinds(cause.event.type, booking):
        message = _tell(state, cause, kind, entry, entry.version)
        message.booking_reason, message.late = booking.reason, booking.late
        message.dropped = moved.dropped_since(state.offerings[entry.offering_id].gone, (known or entry).version)
    return "applied"


def _kinds(event_type: str, booking: Booking) -> Sequence[Kind]:
    if event_type == events.CANCELLED:
        return ("offering_cancelled",) if booking.reason == "offering_cancelled" else ("cancelled",)
    return events.TOLD_OF_BOOKING.get(event_type, ())


def leave_changed(state: State, cause: Cause) -> Outcome:
    """enrolment.leave.*: tell the person."""
    leave: Leave = cause.event.data
    if leave.version <= state.leaves.get(leave.leave_id, -1):
        return "repeated"
    state.leaves[leave.leave_id] = leave.version
    state.changed.add(("leaves", leave.leave_id))
    kind: Kind = "leave_granted" if cause.event.type == "enrolment.leave.granted.v1" else "leave_withdrawn"
    message_id = identity(kind, leave.leave_id, leave.version, leave.person_id)
    _plan(state, cause, kind, leave.person_id, message_id).leave = leave
    return "applied"


def _tell(state: State, cause: Cause, kind: Kind, entry: Entry, version: int) -> Message:
    """Plan what is told about a booking; who the supervisor is, only a contact says, so that reader stays open."""
    reader = "supervisor" if kind == "approval_requested" else "person"
    message = _plan(state, cause, kind, entry.person_id, identity(kind, entry.booking_id, version, reader))
    message.offering_id, message.booking_id = entry.offering_id, entry.booking_id
    message.waiting = entry.status == "waiting"
    message.version, message.invited = version, moved.is_invited(kind, entry.status, entry.seated_at)
    message.changed = state.offerings[entry.offering_id].changed
    if kind == "approval_requested":
        message.person_id = None
    return message


def _plan(state: State, cause: Cause, kind: Kind, person_id: str, message_id: str) -> Message:
    order = order_key(state.now, cause.partition, cause.offset, cause.step, len(state.messages))
    message = Message(
        message_id=message_id,
        kind=kind,
        person_id=person_id,
        about=person_id,
        mentions=[person_id],
        created_at=state.now,
        order=order,
    )
    state.messages.append(message)
    return message


def restated(_state: State, _cause: Cause) -> Outcome:
    """enrolment.*.restated.v1: for who counts anew. It is known here, and tells nobody anything."""
    return "repeated"


_OFFERING: Final = "scheduled capacity_changed rescheduled format_changed cancelled"
_BOOKING: Final = (
    "approval_requested confirmed waitlisted promoted refused cancelled attendance_recorded completed assigned erased"
)


def rules(lead_days: Sequence[int]) -> Mapping[str, Rule]:
    """Event type -> what it changes."""
    offering = offering_changed(lead_days)
    return {
        "lms.person.changed.v1": person_changed,
        events.ERASED: person_erased,
        **{f"enrolment.offering.{what}.v1": offering for what in _OFFERING.split()},
        **{f"enrolment.booking.{what}.v1": booking_changed for what in _BOOKING.split()},
        **{f"enrolment.leave.{what}.v1": leave_changed for what in ("granted", "withdrawn")},
        "enrolment.course.changed.v1": certificates.course_changed,
        "enrolment.organisation.changed.v1": roster.organisation_changed,
        **dict.fromkeys(RESTATEMENT, restated),
    }
