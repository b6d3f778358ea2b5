"""What must come of the accepted events: a naive fold that shares nothing with the services."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from tests.support.naive_enrolment import NaiveBooking, NaiveOffering, Told

TOLD = {
    f"booking.{outcome}": kind
    for outcome, kind in {
        "confirmed": "confirmed",
        "waitlisted": "waitlisted",
        "promoted": "promoted",
        "refused": "refused",
        "cancelled": "cancelled",
        "attendance_recorded": "certificate",  # the traffic's offerings have one session, which was attended then
    }.items()
}
SEATED = ("booking.confirmed", "booking.promoted")


class Message(NamedTuple):
    """Who is told what about which offering."""

    offering: str
    person: str
    kind: str


class Model:
    """Offerings, messages and counters, event by event. `dead`: the ids of those that can only be dead letters."""

    def __init__(self, events: Iterable[dict[str, Any]] = ()) -> None:
        self.offerings: dict[str, NaiveOffering] = {}
        self.employers: dict[str, str] = {}
        self.messages: Counter[Message] = Counter()
        self.seated: list[NaiveBooking] = []
        self.dead: set[str] = set()
        for event in events:
            self.fold(event)

    def fold(self, event: dict[str, Any]) -> None:
        """Apply one event of the LMS, in the order in which they were accepted."""
        kind, data = event["type"].removeprefix("lms.").removesuffix(".v1"), event["data"]
        if kind == "person.changed":
            self.employers[data["person_id"]] = data["organisation_id"]
        elif "offering_id" in data:
            offering = self.offerings.setdefault(data["offering_id"], NaiveOffering())
            told = self._apply(offering, kind, event)
            if told is None:
                self.dead.add(event["id"])
            else:
                self._tell(data["offering_id"], offering, told)

    def counts(self) -> dict[str, int]:
        """The totals of the council report."""
        taking_part = [one for one in self.seated if one.attendance]
        bookings = [one for offering in self.offerings.values() for one in offering.bookings]
        return {
            "bookings": len(self.seated),
            "cancelled": sum(one.status == "cancelled" for one in self.seated),
            "waiting": sum(one.status == "waiting" for one in bookings),
            "participants": len(taking_part),
            "persons": len({one.person for one in taking_part}),
        }

    def _apply(self, offering: NaiveOffering, kind: str, event: dict[str, Any]) -> list[Told] | None:
        data, time = event["data"], datetime.fromisoformat(event["time"])
        never = dict.fromkeys(("booking_opens_at", "booking_closes_at", "cancel_until"))
        seats = _known(data) if "delegations" in data else None
        person = data.get("person_id", "")
        employer = data.get("organisation_id") or self.employers.get(person)
        apply: dict[str, Callable[[], list[Told] | None]] = {
            "offering.scheduled": lambda: offering.schedule({**never, **data, "delegations": seats or []}, time),
            "offering.capacity_changed": lambda: offering.change_capacity(data["capacity"], seats, time),
            "offering.rescheduled": lambda: _reschedule(offering, data["sessions"]),
            "offering.cancelled": offering.cancel,
            "booking.requested": lambda: offering.request(person, employer, time),
            "booking.withdrawn": lambda: offering.withdraw(person, time),
            "attendance.recorded": lambda: offering.attend(person, data["session_id"], data["status"]),
        }
        return apply[kind]()

    def _tell(self, offering_id: str, offering: NaiveOffering, told: list[Told]) -> None:
        for outcome, person in told:
            if outcome in SEATED:
                self.seated.append(next(one for one in offering.confirmed() if one.person == person))
            if outcome in TOLD:
                kind = "offering_cancelled" if offering.cancelled and outcome == "booking.cancelled" else TOLD[outcome]
                self.messages[Message(offering_id, person, kind)] += 1
            if outcome == "offering.rescheduled":
                for one in offering.bookings:
                    if one.status in ("confirmed", "waiting"):
                        self.messages[Message(offering_id, one.person, "rescheduled")] += 1


def _reschedule(offering: NaiveOffering, sessions: list[Any]) -> list[Told]:
    if offering.cancelled:
        return []
    offering.data = {**offering.data, "sessions": sessions}
    return [("offering.rescheduled", "")]


def _known(data: dict[str, Any]) -> list[tuple[str, int, None]]:
    """The delegations as the naive offering takes them; none of ours is ever released."""
    return [(one["organisation_id"], one["seats"], None) for one in data.get("delegations") or ()]
