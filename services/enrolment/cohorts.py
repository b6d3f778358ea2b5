"""Who of those assigned to an offering has fulfilled it, in this run or in another one of the same course. Pure.

An assignment stands on the person, not on a booking: it outlives withdrawals and refusals, and whoever books another
run fulfils it there. Fulfilled means what the council report means: attended, at least partly, or completed. A format
switch changes neither the bookings nor the course, so it changes nothing here.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from services.enrolment.waiting import Claimant
from shared.events import LIVE, Booking, Status

_BEST: Final[Sequence[Status]] = ("confirmed", "waiting", "awaiting_approval")


class AssignedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody assigned. `offering_id`: the run in which it was fulfilled, else in which a booking lives, else null.

    `status`: of the booking there, or of the last one on this offering.
    """

    person_id: str
    fulfilled: bool
    offering_id: str | None
    status: Status | None


class AssignedCohort(msgspec.Struct, frozen=True):
    """Everybody who was assigned to an offering with one cohort; `mandatory` if it is for anybody of them."""

    cohort: str
    mandatory: bool
    assigned: int
    fulfilled: int
    open: int
    people: list[AssignedPerson]


def fulfils(booking: Booking) -> bool:
    """Whether somebody took part with this booking, whatever became of it afterwards."""
    return booking.completed_at is not None or any(one.status in ("attended", "partly") for one in booking.attendance)


def cohorts_of(offering_id: str, course_id: str, claimants: Collection[Claimant]) -> list[AssignedCohort]:
    """The cohorts of an offering by name, their people in the order of their first requests.

    `claimants`: at least all who are assigned to the offering, and all of these people on other runs of the course.
    """
    own = sorted((one for one in claimants if one.offering_id == offering_id), key=lambda one: one.bookings[0].seq)
    booked = defaultdict[str, list[Booking]](list)
    for one in claimants:
        bookings = [claim.booking for claim in one.bookings]
        booked[one.person_id] += [it for it in bookings if offering_id == it.offering_id or it.course_id == course_id]
    people = defaultdict[str, list[AssignedPerson]](list)
    mandatory = set[str]()
    for one in own:
        for assigned in one.assigned:
            people[assigned.cohort].append(_member(one, booked[one.person_id]))
            mandatory |= {assigned.cohort} if assigned.mandatory else set()
    return [_cohort(name, name in mandatory, people[name]) for name in sorted(people)]


def _member(claimant: Claimant, bookings: Sequence[Booking]) -> AssignedPerson:
    ordered = sorted(bookings, key=lambda one: (one.offering_id != claimant.offering_id, one.offering_id))
    live = sorted((one for one in ordered if one.status in LIVE), key=lambda one: _BEST.index(one.status))
    done = [one for one in ordered if fulfils(one)]
    shown = next(iter(done or live), None)
    return AssignedPerson(
        person_id=claimant.person_id,
        fulfilled=bool(done),
        offering_id=shown.offering_id if shown else None,
        status=shown.status if shown else claimant.bookings[-1].booking.status,
    )


def _cohort(name: str, mandatory: bool, people: list[AssignedPerson]) -> AssignedCohort:  # noqa: FBT001 (a column)
    done = sum(one.fulfilled for one in people)
    return AssignedCohort(name, mandatory, len(people), done, len(people) - done, people)
