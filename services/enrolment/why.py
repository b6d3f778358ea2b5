"""Why a booking is what it is, and what stands between it and a seat: what people ask the training office most. Pure.

A reason is a code with numbers (`why`), and one sentence per language is made of it (`say`): "3rd in the queue; the 4
seats of Bonn's delegation are taken; all 2 open seats are taken". It is that of the present state: nothing is stored.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from services.enrolment import seats
from services.enrolment.shown import overdue
from services.enrolment.state import Group, Ledger
from services.enrolment.why_words import PARTS, ordinal
from shared.events import LIVE, Booking
from shared.formats import Language, number

Code = Literal[
    "seat",  # confirmed at once
    "promoted",  # confirmed, having waited
    "seats_taken",  # waits: no seat that the person may have is free
    "group_too_large",  # waits: fewer seats are free for the group than it needs at once
    "moving_up",  # waits: a seat is free, and the walk over the list is not over
    "approval",  # the supervisor has not answered
    "approval_of_group",  # the supervisor has said yes, and has still to decide about others of the group
    "full",
    "closed",
    "not_open",
    "approval_refused",
    "withdrawn",
    "offering_cancelled",
]


class OwnDelegation(msgspec.Struct, frozen=True):
    """The delegation of the person's organisation: its seats, how many of its people have one, and its release."""

    organisation_id: str
    seats: int
    taken: int
    released: bool


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reason of a booking's state; what does not concern it is missing.

    `place`: in the queue, from 1. `confirmed` people have seats, of `capacity` seats; `open_seats` are set aside for
    nobody, `kept` are free, but for other delegations. `group`: so many people get seats at once, or none of them;
    `able`: so many seats are free for them; `undecided`: about so many of them the supervisor has not decided.
    """

    code: Code
    place: int | None = None
    delegation: OwnDelegation | None = None
    capacity: int = 0
    confirmed: int = 0
    open_seats: int = 0
    kept: int = 0
    group: int = 0
    able: int = 0
    undecided: int = 0
    cohorts: tuple[str, ...] = ()
    late: bool = False
    overdue: bool = False


def why(ledger: Ledger, booking: Booking, now: datetime, place: int | None = None, *, approved: bool = False) -> Why:
    """The reason of a booking's state. `place`: its place in the queue; `approved`: Claimant.approved."""
    if booking.status in LIVE and ledger.offering.status == "cancelled":
        return Why(code="offering_cancelled")
    if booking.status == "waiting":
        return _waiting(ledger, booking, place)
    if booking.status == "awaiting_approval":
        group, is_late = _group(ledger, booking), overdue(booking, ledger.offering, now)
        if approved and group is not None:
            return Why(code="approval_of_group", undecided=group.awaiting, overdue=is_late)
        return Why(code="approval", overdue=is_late)
    if booking.status == "confirmed":
        return Why(code="seat" if booking.waiting_since is None else "promoted", cohorts=tuple(booking.cohorts))
    return Why(code=msgspec.convert(booking.reason, Code), late=booking.late)


def say(reason: Why, language: Language, names: Mapping[str, str]) -> str:
    """The reason as a sentence without a full stop. `names`: of organisations; one without is called by its id."""
    return placed(reason.place, rest(reason, language, names), language)


def placed(place: int | None, rest: str, language: Language) -> str:
    """A sentence that begins with the place in the queue, if there is one."""
    sentence = rest if place is None else f"{_filled('place', {'n': place}, language)}; {rest}"
    return sentence[:1].upper() + sentence[1:]


def rest(reason: Why, language: Language, names: Mapping[str, str]) -> str:
    """All but the place: the same for many who wait."""
    return "; ".join(_filled(key, values, language) for key, values in _parts(reason, names))


def _group(ledger: Ledger, booking: Booking) -> Group | None:
    return ledger.groups.get(booking.group_id or "") if booking.all_or_nothing else None


def _waiting(ledger: Ledger, booking: Booking, place: int | None) -> Why:
    free, capacity = seats.open_free(ledger), ledger.offering.capacity
    if capacity is None or free is None:
        return Why(code="moving_up", place=place, cohorts=tuple(booking.cohorts))
    set_aside = sum(one.seats for one in seats.unreleased(ledger.offering))
    known: dict[str, Any] = {
        "place": place,
        "cohorts": tuple(booking.cohorts),
        "open_seats": max(0, capacity - set_aside),
    }
    known |= {"capacity": capacity, "confirmed": ledger.confirmed}
    if (group := _group(ledger, booking)) is not None:
        able = seats.able(ledger, group, capacity)
        return Why(code="moving_up" if able >= group.size else "group_too_large", group=group.size, able=able, **known)
    own, code = _own(ledger, booking.organisation_id), seats.admits(ledger, booking.organisation_id)
    unused = 0 if own is None or own.released else max(0, own.seats - own.taken)
    kept = max(0, capacity - ledger.confirmed - max(0, free) - unused)
    return Why(code="moving_up" if code else "seats_taken", delegation=own, kept=kept, **known)


def _own(ledger: Ledger, organisation_id: str | None) -> OwnDelegation | None:
    for one in ledger.offering.delegations:
        if one.organisation_id == organisation_id:
            is_released = one.organisation_id in ledger.offering.released
            return OwnDelegation(
                one.organisation_id, one.seats, ledger.tallies[one.organisation_id].confirmed, is_released
            )
    return None


Part = tuple[str, dict[str, int | str]]
"""The key of a text, and what is put into it."""


def _parts(reason: Why, names: Mapping[str, str]) -> Iterator[Part]:
    if reason.code == "seats_taken":
        yield from _seats_taken(reason, names)
    elif reason.code == "group_too_large":
        yield "group", {"n": reason.group}
        yield _counted("able", reason.able)
    elif reason.code == "approval_of_group":
        yield _counted("undecided", reason.undecided)
    else:
        yield reason.code, {}
    if reason.late:
        yield "late", {}
    if reason.overdue:
        yield "overdue", {}
    if reason.cohorts:
        yield "cohorts", {"cohorts": ", ".join(reason.cohorts)}


def _seats_taken(reason: Why, names: Mapping[str, str]) -> Iterator[Part]:
    own = reason.delegation
    has_unused = own is not None and not own.released and own.taken < own.seats
    if own is not None and not has_unused:
        key, values = _counted("released" if own.released else "delegation", own.seats)
        yield key, {**values, "name": names.get(own.organisation_id, own.organisation_id)}
    if reason.confirmed > reason.capacity:
        yield "lowered", {"n": reason.confirmed, "capacity": reason.capacity}
    elif has_unused or reason.open_seats == reason.capacity:
        yield _counted("all", reason.capacity)
    else:
        yield _counted("open", reason.open_seats)
    if reason.kept:
        yield _counted("kept", reason.kept)


def _counted(key: str, n: int) -> Part:
    """The text for none, for one or for several."""
    return f"{key}.{min(n, 2)}", {"n": n}


def _filled(key: str, values: Mapping[str, int | str], language: Language) -> str:
    numbers = {name: number(value, language) for name, value in values.items() if isinstance(value, int)}
    return PARTS[language][key].format(**{**values, **numbers, "nth": ordinal(int(values.get("n", 0)))})
