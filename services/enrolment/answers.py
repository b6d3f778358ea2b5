"""Bookings as the API answers with them: with the reason of their state, and what follows from attendance. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypedDict

import msgspec

from services.enrolment.shown import overdue
from services.enrolment.state import Ledger
from services.enrolment.views import BookingView, booking_views
from services.enrolment.waiting import Claimant
from services.enrolment.why import Why, placed, rest, why
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
    known: dict[Why, Sentences] = {}  # a long queue has many places and few reasons
    answers = []
    for view in booking_views(claimants):
        reason = why(ledger, view, now, approved=view.person_id in approved)
        if (said := known.get(reason)) is None:
            said = known[reason] = {"de": rest(reason, "de", names), "en": rest(reason, "en", names)}
        answers.append(_answer(ledger, view, now, reason, said))
    return answers


def _answer(ledger: Ledger, view: BookingView, now: datetime, reason: Why, said: Sentences) -> BookingAnswer:
    place = view.waiting_position
    return BookingAnswer(
        **msgspec.structs.asdict(view),
        why={"de": placed(place, said["de"], "de"), "en": placed(place, said["en"], "en")},
        because=msgspec.structs.replace(reason, place=place),
        attended_all=attended_all(ledger.offering.sessions, view.attendance),
        overdue=overdue(view, ledger.offering, now),
    )
