"""Offerings that are not over: whose waiting list needs seats, and how the seats set aside are filled. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.stats.domain import OfferingFact
from services.stats.rows import Seats
from shared.events import Delegation

MOST_WAITING, MOST_DELEGATIONS = 10, 20
_NOBODY: Final = {"confirmed": 0, "waiting": 0}


@dataclass(frozen=True, slots=True)
class WaitingList:
    """People wait for an offering.

    `starts_at`: of its next session; `free`: open seats, None without a limit; `kept`: set aside and not taken.
    """

    offering: OfferingFact
    starts_at: datetime | None
    confirmed: int
    waiting: int
    free: int | None
    kept: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The seats of an organisation on an offering. `share`: per cent of them that are taken, at most 100."""

    offering: OfferingFact
    organisation_id: str
    seats: int
    confirmed: int
    release_at: datetime | None
    share: float


def waiting_lists(seats: Iterable[Seats], now: datetime) -> tuple[list[WaitingList], int, int]:
    """The longest waiting lists, how many there are, and how many people wait on all of them."""
    found = [_waiting_list(one, now) for one in seats if one.whole.get("waiting", 0) > 0]
    found.sort(key=lambda one: (-one.waiting, one.offering.title.casefold(), one.offering.offering_id))
    return found[:MOST_WAITING], len(found), sum(one.waiting for one in found)


def delegations(seats: Iterable[Seats], organisation: str | None) -> tuple[list[list[Kept]], int]:
    """Seats set aside, offering by offering, those that are released next first, and how many organisations have some.

    Of one organisation, or of all.
    """
    by_offering = [
        sorted((_kept(one, delegation) for delegation in wanted), key=_urgency)
        for one in seats
        if (wanted := [it for it in _unreleased(one.offering) if organisation in (None, it.organisation_id)])
    ]
    by_offering.sort(key=lambda rows: _urgency(rows[0]))
    return _first(by_offering), sum(map(len, by_offering))


def _first(by_offering: Iterable[list[Kept]]) -> list[list[Kept]]:
    """As many as are shown."""
    told, room = [], MOST_DELEGATIONS
    for rows in by_offering:
        if room:
            told.append(rows[:room])
            room -= len(told[-1])
    return told


def _urgency(kept: Kept) -> tuple[bool, float, float]:
    return kept.release_at is None, kept.release_at.timestamp() if kept.release_at else 0.0, kept.share


def _waiting_list(seats: Seats, now: datetime) -> WaitingList:
    offering = seats.offering
    starts = sorted(one.starts_at for one in offering.sessions if one.starts_at is not None)
    following = next((one for one in starts if one >= now), None)
    confirmed, kept = seats.whole.get("confirmed", 0), _untaken(seats)
    free = None if offering.capacity is None else max(0, offering.capacity - confirmed - kept)
    return WaitingList(offering, following, confirmed, seats.whole["waiting"], free, kept)


def _untaken(seats: Seats) -> int:
    """Seats set aside that nobody has taken (design section 4, "Who gets a seat")."""
    return sum(max(0, one.seats - _there(seats, one.organisation_id)) for one in _unreleased(seats.offering))


def _kept(seats: Seats, delegation: Delegation) -> Kept:
    confirmed = _there(seats, delegation.organisation_id)
    share = round(min(100.0, 100 * confirmed / max(1, delegation.seats)), 2)
    organisation, release_at = delegation.organisation_id, delegation.release_at
    return Kept(seats.offering, organisation, delegation.seats, confirmed, release_at, share)


def _there(seats: Seats, organisation_id: str) -> int:
    return seats.organisations.get(organisation_id, _NOBODY).get("confirmed", 0)


def _unreleased(offering: OfferingFact) -> Sequence[Delegation]:
    return [one for one in offering.delegations if one.organisation_id not in offering.released and one.seats > 0]
