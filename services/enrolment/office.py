"""What the training office's forms say, as events: each action is one on the log, like what the LMS pushes. Pure.

Names of fields: `capacity` (empty: no limit), `delegation.<organisation_id>` (empty: none any more), `new.organisation`
and `new.seats`; `person_id`, `organisation_id`, `reason`; `format`, `session.<n>.<name>` with `title`, `format`,
`starts_at`, `ends_at` (local time of the office, or RFC 3339), `location`, `join_url` and `session_id` (empty: a new
one; a row without title and times is left out); `session_id` and `status.<person_id>` for attendance.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared.events import Offering, Session

Form = Mapping[str, str]
Data = dict[str, Any]
ROWS: Final = 100
"""Rows of sessions that a form may have."""
_WHOLE: Final = re.compile(r"[0-9]{1,7}")
_ROW: Final = re.compile(r"session\.([0-9]{1,2})\.(title|starts_at|ends_at)")
_FAULT: Final = re.compile(r"data\.(?:sessions\[([0-9]+)\]\.?)?(\w*)")


class WrongError(Exception):
    """A form that cannot be meant: field -> a word of ours (`error.<word>`), or what the door said."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(f"{len(errors)} wrong fields")
        self.errors = errors


class Reading:
    """A form being read; faults are collected, so that all are told at once."""

    def __init__(self, form: Form, offering: Offering, zone: ZoneInfo, who: str) -> None:
        self.form, self.offering, self.zone, self.who = form, offering, zone, who
        self.errors: dict[str, str] = {}

    def text(self, name: str) -> str | None:
        """A field without spaces around it; None if nothing is in it."""
        return self.form.get(name, "").strip() or None

    def needed(self, name: str) -> str:
        """A field that must have something in it."""
        found = self.text(name)
        if found is None:
            self.errors[name] = "needed"
        return found or ""

    def number(self, name: str) -> int | None:
        """A whole number, or nothing."""
        found = self.text(name)
        if found is not None and not _WHOLE.fullmatch(found):
            self.errors[name] = "number"
            return None
        return None if found is None else int(found)

    def moment(self, name: str, before: datetime | None) -> str | None:
        """A local time as RFC 3339; one that shows what it was `before` stays exactly that."""
        found = self.text(name)
        if found is None:
            return None
        try:
            moment = datetime.fromisoformat(found)
            if before is not None and moment.tzinfo is None and local(before, self.zone) == found[:16]:
                return before.isoformat()
            moment = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
            if _is_skipped(moment):
                self.errors[name] = "skipped"
        except (ValueError, OverflowError):  # the year 1 has hours that Greenwich has not
            self.errors[name] = "time"
            return None
        return moment.isoformat()


def local(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as a field of a form shows it: 2024-11-21T09:00."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def events(action: str, read: Reading) -> list[tuple[str, Data]]:
    """Type and data of what the form asks for. Raises WrongError."""
    kind, rule = ACTIONS[action]
    said = [{"offering_id": read.offering.offering_id, **data} for data in rule(read)]
    if read.errors:
        raise WrongError(read.errors)
    return [(f"lms.{kind}.v1", data) for data in said]


def needs_asking(action: str, data: Data, confirmed: int) -> bool:
    """Whether somebody is asked again: nothing revives a cancelled offering, and fewer seats than people is rare."""
    capacity = data.get("capacity")
    return action == "cancel" or (action == "capacity" and capacity is not None and capacity < confirmed)


def fields_of(faults: Sequence[Mapping[str, Any]], form: Form) -> dict[str, str]:
    """What the door refused, by the form's fields."""
    rows = [*_rows(form)]
    found: dict[str, str] = {}
    for fault in faults:
        place = _FAULT.match(fault["field"])
        row, name = place.groups() if place else (None, "")
        found[f"session.{rows[int(row)]}.{name or 'title'}" if row is not None else name] = str(fault["reason"])
    return found


def _capacity(read: Reading) -> Iterator[Data]:
    capacity = read.number("capacity")
    data: Data = {"capacity": capacity, "requested_by": read.who}
    known = {one.organisation_id: one for one in read.offering.delegations}
    prefix = "delegation."
    seats = {name.removeprefix(prefix): read.number(name) for name in read.form if name.startswith(prefix)}
    if (new := read.text("new.organisation")) is not None:
        seats[new] = read.number("new.seats")
        if seats[new] is None:
            read.errors.setdefault("new.seats", "needed")
    kept = {one: number for one, number in seats.items() if number is not None}
    if capacity is not None and sum(kept.values()) > capacity:
        read.errors.setdefault("capacity", "delegations")
    if seats:
        data["delegations"] = [_delegation(one, number, known.get(one)) for one, number in kept.items()]
    yield data


def _delegation(organisation_id: str, seats: int, before: Any) -> Data:  # noqa: ANN401 (a delegation or None)
    data: Data = {"organisation_id": organisation_id, "seats": seats}
    if before is not None and before.release_at is not None:
        data["release_at"] = before.release_at.isoformat()
    return data


def _book(read: Reading) -> Iterator[Data]:
    yield {
        "person_id": read.needed("person_id"),
        "organisation_id": read.text("organisation_id"),
        "requested_by": read.who,
    }


def _withdraw(read: Reading) -> Iterator[Data]:
    yield {"person_id": read.needed("person_id"), "reason": read.text("reason"), "requested_by": read.who}


def _decide(read: Reading) -> Iterator[Data]:
    yield {"person_id": read.needed("person_id"), "reason": read.text("reason"), "decided_by": read.who}


def _cancel(read: Reading) -> Iterator[Data]:
    yield {"reason": read.text("reason"), "requested_by": read.who}


def _reschedule(read: Reading) -> Iterator[Data]:
    yield {"sessions": [*_sessions(read, None)], "requested_by": read.who}


def _format(read: Reading) -> Iterator[Data]:
    chosen = read.needed("format")
    sessions = [*_sessions(read, None if chosen == "blended" else chosen)]
    yield {"format": chosen, "sessions": sessions, "requested_by": read.who}


def _attendance(read: Reading) -> Iterator[Data]:
    session_id = read.needed("session_id")
    for name, status in read.form.items():
        if name.startswith("status.") and status:
            yield {
                "session_id": session_id,
                "person_id": name.removeprefix("status."),
                "status": status,
                "recorded_by": read.who,
            }


ACTIONS: Final[Mapping[str, tuple[str, Callable[[Reading], Iterator[Data]]]]] = {
    "capacity": ("offering.capacity_changed", _capacity),
    "book": ("booking.requested", _book),
    "withdraw": ("booking.withdrawn", _withdraw),
    "approve": ("booking.approved", _decide),
    "refuse": ("booking.refused", _decide),
    "reschedule": ("offering.rescheduled", _reschedule),
    "format": ("offering.format_changed", _format),
    "cancel": ("offering.cancelled", _cancel),
    "attendance": ("attendance.recorded", _attendance),
}


def _rows(form: Form) -> Iterator[str]:
    """The numbers of the rows that say something, in their order."""
    numbers = {place[1] for name, value in form.items() if value.strip() and (place := _ROW.fullmatch(name))}
    yield from sorted(numbers, key=int)


def _sessions(read: Reading, only: str | None) -> Iterator[Data]:
    known = {one.session_id: one for one in read.offering.sessions}
    taken = {*known}
    for row in _rows(read.form):
        before = known.get(read.text(f"session.{row}.session_id") or "")
        session_id = before.session_id if before else _new_id(taken)
        taken.add(session_id)
        yield {"session_id": session_id, **_session(read, f"session.{row}", before, only)}


def _session(read: Reading, row: str, before: Session | None, only: str | None) -> Data:
    form = only or read.text(f"{row}.format") or (before.format if before else _plain(read.offering.format))
    starts = read.moment(f"{row}.starts_at", before.starts_at if before else None)
    ends = read.moment(f"{row}.ends_at", before.ends_at if before else None)
    if form != "web_based":
        read.needed(f"{row}.starts_at")
        read.needed(f"{row}.ends_at")
    if starts and ends and datetime.fromisoformat(ends) < datetime.fromisoformat(starts):
        read.errors[f"{row}.ends_at"] = "order"
    link = read.text(f"{row}.join_url")
    if link is not None and not re.match(r"https?://", link):
        read.errors[f"{row}.join_url"] = "link"
    return {
        "title": read.needed(f"{row}.title"),
        "format": form,
        "starts_at": starts,
        "ends_at": ends,
        "location": read.text(f"{row}.location"),
        "join_url": link,
        "topics": before.topics if before else [],
    }


def _plain(form: str) -> str:
    return "in_person" if form == "blended" else form


def _new_id(taken: set[str]) -> str:
    number = len(taken) + 1
    while f"s{number}" in taken:
        number += 1
    return f"s{number}"


def _is_skipped(moment: datetime) -> bool:
    """True for a time that no clock shows: the hour that is left out in spring."""
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return there_and_back.replace(tzinfo=None) - moment.replace(tzinfo=None) != timedelta(0)
