"""Certificates of participation: who has earned one, what it says, and its code. Pure. docs/decisions/0020."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.notifications.certified import Certificate, Module
from services.notifications.state import Cause, Entry, Outcome, State
from shared.events import Booking, Course, Offering, Session
from shared.series import attended_all

LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U, which are taken for others or make words."""
LENGTH: Final = 25
GROUP: Final = 5
READ_AS: Final = str.maketrans("ILO", "110")


def is_earned(booking: Entry | Booking, offering: Offering) -> bool:
    """Completed, or the whole series attended, by somebody who has a seat."""
    if booking.status != "confirmed":
        return False
    return booking.completed_at is not None or attended_all(offering.sessions, booking.attendance)


def course_changed(state: State, cause: Cause) -> Outcome:
    """enrolment.course.changed.v1: certificates name it and its competencies."""
    course: Course = cause.event.data
    known = state.courses.get(course.course_id)
    if known is not None and course.version <= known.version:
        return "repeated"
    state.courses[course.course_id] = course
    state.changed.add(("courses", course.course_id))
    return "applied"


def award(state: State, entry: Entry) -> bool:
    """Issue a certificate, withdraw it, or let it hold again after a change of a booking; True where it is new.

    An erased person's goes: with its code and the booking, a paper would tell who the pseudonym is.
    """
    known, offering = state.certificates.get(entry.booking_id), state.offerings[entry.offering_id].offering
    earned = is_earned(entry, offering) and not entry.erased
    if known is None and not earned:
        return False
    state.changed.add(("certificates", entry.booking_id))
    if known is None:
        course, code = state.courses.get(offering.course_id), state.codes[entry.booking_id]
        state.certificates[entry.booking_id] = certificate(entry, offering, course, code, state.now)
        return True
    state.certificates[entry.booking_id] = None if entry.erased else msgspec.structs.replace(known, valid=earned)
    return False


def certificate(entry: Entry, offering: Offering, course: Course | None, code: str, now: datetime) -> Certificate:
    """The certificate for a booking, with what is known now."""
    there = {one.session_id for one in entry.attendance if one.status in ("attended", "partly")}
    sessions = [session for session in offering.sessions if not there or session.session_id in there]
    return Certificate(
        booking_id=entry.booking_id,
        code=code,
        person_id=entry.person_id,
        offering_id=entry.offering_id,
        title=offering.title,
        course=course.title if course else None,
        modules=[Module(one.title, one.starts_at, one.ends_at, hours(one)) for one in sessions],
        competencies=course.competencies if course else [],
        issued_at=now,
    )


def hours(session: Session) -> float | None:
    """Hours of a session; one over several days lasts each day from the hour of its beginning to that of its end."""
    if session.starts_at is None or session.ends_at is None:
        return None
    whole = session.ends_at - session.starts_at
    a_day = whole % timedelta(days=1)
    days = whole // timedelta(days=1) + 1
    lasted = a_day * days if a_day else whole
    return lasted / timedelta(hours=1)


def grouped(code: str) -> str:
    """As it is printed: ABCDE-FGHJK-..."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def read_code(text: str) -> str | None:
    """A code as somebody has typed it; None where it can be none."""
    code = "".join(text.upper().translate(READ_AS).replace("-", " ").split())
    return code if len(code) == LENGTH and {*code} <= {*LETTERS} else None
