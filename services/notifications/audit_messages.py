"""Invariants 5 and 7, judged message by message: each tells what happened, and its status is explained. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from services.notifications.audit_lead_times import LeadTimes
from services.notifications.audit_told import NEVER, SKEW, Telling, starts
from services.notifications.messages import NO_ADDRESS, PATIENCE, Message
from services.notifications.reminders import end_of_day
from services.notifications.standing import SUPERSEDED, TOLD_STATES
from services.notifications.trainers import DAYS
from shared.audit import Finding
from shared.events import Offering
from shared.keys import partition_of

OVERDUE: Final = timedelta(minutes=5)
AN_HOUR: Final = timedelta(hours=1)
CHANGING: Final = timedelta(minutes=2)
"""So long other lead times may take to be carried out everywhere."""
MESSAGE: Final = {"_id", "next_try", "lease", "settled_at", *Message.__struct_fields__} - {"message_id"}
Document = Mapping[str, Any]
DueKey = tuple[str, str, int]
"""Offering, session, days before it."""
Reminded = tuple[str, str, datetime, int, str]
"""Offering, session, its beginning, days before it, person."""


class MessageAudit:
    """`add` every message, then ask for the `findings`. `lead_times`: when people are reminded."""

    def __init__(self, telling: Telling, now: datetime, lead_times: LeadTimes, partitions: int) -> None:
        self._telling, self._now, self._lead_times, self._partitions = telling, now, lead_times, partitions
        self.cut: Collection[int] = ()
        self.erased: Collection[str] = ()
        self.unknown = 0
        """Messages of outcomes that are not on the log any more."""
        self.reminded: Counter[Reminded] = Counter()
        self._known_at: dict[str, datetime] = {}
        self.broken: list[Finding] = []

    def add(self, message: Document) -> None:
        """Judge one message; what it tells is no longer expected."""
        if message["kind"] == "reminder":
            self._reminder(message)
        elif message["kind"] == "roster":
            self._list(message)
        else:
            self._outcome(message)
        if (why := self._unexplained(message)) is not None:
            self._find(5, message, why)
        if message["person_id"] in self.erased and (message["to"] or message["subject"]):
            self._find(7, message, "still has the address or the subject of an erased reader")
        if {message["person_id"], message["about"]} & {*self.erased} and (strange := {*message} - MESSAGE):
            self._find(7, message, f"keeps {', '.join(sorted(strange))} of an erased person")

    def _list(self, message: Document) -> None:
        """A trainer's list, in the week before the session."""
        created, start = (datetime.fromisoformat(message[name]) for name in ("created_at", "starts_at"))
        if not start - timedelta(days=max(DAYS)) <= created < start:
            self._find(5, message, "lists who comes, and not in the week before the session")

    def _outcome(self, message: Document) -> None:
        expected = self._telling.expected.pop(message["_id"], None)
        if expected is not None:
            if (message["kind"], message["about"], message["offering_id"]) != expected[:3]:
                self._find(5, message, f"should tell {expected.about} {expected.kind}")
            offering_id = expected.offering_id
            if offering_id and expected.offset > self._telling.moved.get(offering_id, NEVER):
                created = datetime.fromisoformat(message["created_at"])
                self._known_at[offering_id] = min(created, self._known_at.get(offering_id, created))
        elif self._partition(message) in self.cut:
            self.unknown += 1
        elif message["_id"] not in self._telling.optional:
            self._find(5, message, "tells nothing that happened, or tells it again")

    def _partition(self, message: Document) -> int:
        return partition_of((message["offering_id"] or message["about"]).encode(), self._partitions)

    def _unexplained(self, message: Document) -> str | None:
        status, reason = message["status"], message["reason"]
        if status == "planned":
            return self._overdue(message)
        if status in ("failed", "withheld") and not reason:
            return f"is {status}, and no reason is given"
        if status == "sent" and not message["sent_at"]:
            return "is sent, and nobody knows when"
        if (status, reason) == ("withheld", SUPERSEDED) and self._is_still_so(message):
            return "is withheld as superseded, and what it tells is still so"
        return None if status in ("sent", "failed", "withheld", "unclear") else f"is {status}, which is no status"

    def _is_still_so(self, message: Document) -> bool:
        """A change of sessions is superseded by another change, which does not show in the booking."""
        booking = self._telling.bookings.get(message["booking_id"])
        changes = message["kind"] in ("rescheduled", "format_changed")
        return booking is not None and not changes and booking.status in TOLD_STATES.get(message["kind"], ())

    def _overdue(self, message: Document) -> str | None:
        """Planned is well for what waits for an address, for a next try, or for its turn."""
        created = datetime.fromisoformat(message["created_at"])
        if message["reason"] == NO_ADDRESS:
            late = self._now > created + PATIENCE + AN_HOUR and self._now > message["next_try"] + OVERDUE
            return "waits for an address for more than three days" if late else None
        due = message["next_try"]
        if message["tried_at"] is None and due + OVERDUE < self._now:
            return f"is due since {due.isoformat()}, and nobody has tried to send it"
        return None

    # --- reminders --------------------------------------------------------------------------------------------------

    def _reminder(self, message: Document) -> None:
        created, start = (datetime.fromisoformat(message[name]) for name in ("created_at", "starts_at"))
        if created >= start:
            self._find(5, message, "reminds of a session that had begun")
            return
        person, offering_id, days = message["about"], message["offering_id"], message["days"]
        moment = start - timedelta(days=days)
        if end_of_day(created, self._lead_times.zone) <= moment:  # on the same day it may come along with others
            self._find(5, message, "reminds too early")
            return
        lead = self._lead_times.of(offering_id)
        if days not in lead.days and created > lead.since + CHANGING:
            self._find(5, message, f"reminds {days} days before, which nobody has asked for")
        if not self._had_seat(message, min(moment, created), created):
            self._find(5, message, f"reminds {person}, who had no seat then")
        self.reminded[offering_id, message["session_id"], start, days, person] += 1

    def _had_seat(self, message: Document, due: datetime, created: datetime) -> bool:
        partition = self._partition(message)
        since, until = self._telling.window(partition, due, created)
        stays = self._telling.stays[message["offering_id"]].get(message["about"], ())
        return partition in self.cut or any(stay.since < until and stay.until > since for stay in stays)

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with the messages, and people who were reminded twice."""
        yield from self.broken
        for (offering_id, session_id, _, days, person), number in self.reminded.items():
            if number > 1:
                detail = f"was reminded {number} times of session {session_id}, {days} days before"
                yield Finding(5, f"person {person} on offering {offering_id}", detail)

    def unreminded(self, offering: Offering, due: Collection[DueKey]) -> Iterator[Finding]:
        """People who have had a seat since before a reminder was due that must have gone out by now, and got none.

        `due`: what has not gone out yet.
        """
        offering_id = offering.offering_id
        partition = partition_of(offering_id.encode(), self._partitions)
        known = self._known_at.get(offering_id)
        if known is None or partition in self.cut:  # when the session became known, nothing tells
            return
        for session_id, start in starts(offering).items():
            lead = self._lead_times.of(offering_id)
            passed = [days for days in lead.days if start - timedelta(days=days) <= self._now]
            if not passed or self._now >= start:
                continue
            days, moment = min(passed), start - timedelta(days=min(passed))
            if max(known + SKEW, lead.since + CHANGING) >= moment or (offering_id, session_id, days) in due:
                continue
            since, _ = self._telling.window(partition, moment, self._now)
            for person in self._seated_since(offering_id, since, moment):
                if not self.reminded[offering_id, session_id, start, days, person]:
                    detail = f"was not reminded of session {session_id}, {days} days before"
                    yield Finding(5, f"person {person} on offering {offering_id}", detail)

    def _seated_since(self, offering_id: str, since: int, moment: datetime) -> list[str]:
        return [
            person
            for person, stays in self._telling.stays[offering_id].items()
            if stays and stays[-1].until == NEVER and stays[-1].since < since and not moment < stays[-1].at <= self._now
        ]

    def _find(self, invariant: int, message: Document, detail: str) -> None:
        self.broken.append(Finding(invariant, f"message {message['_id']} ({message['kind']})", detail))


def audit_due(
    due: Mapping[DueKey, datetime], offerings: Sequence[Offering], now: datetime, lead_times: LeadTimes
) -> Iterator[Finding]:
    """Invariant 5 for what is to come: one due document for each moment ahead, and none for a session that moved."""
    wanted = {
        (offering.offering_id, session_id, days): start - timedelta(days=days)
        for offering in offerings
        for session_id, start in starts(offering).items()
        for days in lead_times.of(offering.offering_id).days
    }
    for key, moment in wanted.items():
        if moment > now + SKEW and key not in due and not lead_times.of(key[0]).changing:
            yield Finding(5, f"offering {key[0]}", f"nobody will be reminded of session {key[1]}, {key[2]} days before")
    for key, moment in due.items():
        if lead_times.of(key[0]).changing:
            continue
        if key not in wanted or abs(wanted[key] - moment) > timedelta(milliseconds=1):  # the database keeps no less
            yield Finding(
                5, f"offering {key[0]}", f"a reminder is due for session {key[1]} at a time that is not its own"
            )
