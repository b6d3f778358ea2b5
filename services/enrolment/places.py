"""Where somebody comes who asks: to a seat, the queue, the supervisor, or nowhere (design section 4). Pure."""

from datetime import datetime

from services.enrolment import groups, seats
from services.enrolment.state import Group, Ledger
from shared.events import Offering, Status

Place = tuple[Status, str | None]
"""A status, and the reason of a refusal."""


def at_request(ledger: Ledger, moment: datetime, organisation_id: str | None) -> Place:
    """A person who asks at this moment."""
    return _before_seats(ledger.offering, moment) or of_person(ledger, organisation_id)


def of_person(ledger: Ledger, organisation_id: str | None) -> Place:
    """A person who may have a seat: nobody who waits could take it, else they would have it already."""
    if ledger.offering.status == "cancelled":
        return "refused", "offering_cancelled"
    return _seat_or_queue(ledger, has_seat=seats.admits(ledger, organisation_id))


def group_at_request(ledger: Ledger, moment: datetime, group: Group) -> Place:
    """A group that asks at this moment, all or nothing; there may be no room for one more that has to wait."""
    place = _before_seats(ledger.offering, moment) or of_group(ledger, group)
    return (
        ("refused", "full") if place[0] in ("awaiting_approval", "waiting") and not groups.has_room(ledger) else place
    )


def of_group(ledger: Ledger, group: Group) -> Place:
    """A group whose members all may have seats."""
    return _seat_or_queue(ledger, has_seat=seats.admits_all(ledger, group))


def _before_seats(offering: Offering, moment: datetime) -> Place | None:
    """What is decided before anybody looks for a seat: None if nothing is."""
    if offering.status == "cancelled":
        return "refused", "offering_cancelled"
    if offering.booking_opens_at is not None and moment < offering.booking_opens_at:
        return "refused", "not_open"
    if offering.booking_closes_at is not None and moment >= offering.booking_closes_at:
        return "refused", "closed"
    return ("awaiting_approval", None) if offering.approval == "supervisor" else None


def _seat_or_queue(ledger: Ledger, *, has_seat: bool) -> Place:
    if has_seat:
        return "confirmed", None
    return ("waiting", None) if ledger.offering.waiting_list else ("refused", "full")
