"""Bookings as the API answers with them: with the reason of their state, and what follows from attendance. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypedDict

import msgspec

from services.enrolment.shown import overdue
from services.enrolment.state import Ledger
from services.enrolment.views import BookingView, booking_views
from services.enrolment.waiting import Claimant
from services.enrolment.why import Why, say, why
from shared.series import attended_all


class Sentences(TypedDict):
    """One sentence per language."""

    de: str
    en: str


class BookingAnswer(BookingView, kw_only=True):
    """A booking. `why`: the reason of its state in words, `because` the same as a code with numbers.

    `attended_all`: the whole series was attended (every session with a time, but for one excused absence at most);
    `overdue`: the supervisor has not answered in time.
    """

    why: Sentences
    because: Why
    attended_all: bool
    overdue: bool


def booking_answers(
    ledger: Ledger, claimants: Collection[Claimant], names: Mapping[str, str], now: datetime
) -> list[BookingAnswer]:
    """Bookings in the order of the requests. `names`: of organisations."""
    approved = {one.person_id for one in claimants if one.approved}
    return [_answer(ledger, one, names, now, approved) for one in booking_views(claimants)]


def _answer(
    ledger: Ledger, view: BookingView, names: Mapping[str, str], now: datetime, approved: Collection[str]
) -> BookingAnswer:
    reason = why(ledger, view, now, view.waiting_position, approved=view.person_id in approved)
    return BookingAnswer(
        **msgspec.structs.asdict(view),
        why={"de": say(reason, "de", names), "en": say(reason, "en", names)},
        because=reason,
        attended_all=attended_all(ledger.offering.sessions, view.attendance),
        overdue=overdue(view, ledger.offering, now),
    )
