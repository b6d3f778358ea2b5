"""What stats keeps of its facts, counted anew from the documents alone, with nothing of the code that counts. Pure."""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from shared.audit import Finding
from shared.keys import partition_of

NAMED: Final = {"_id", "offering_id", "year"}
"""Fields of sums that are none."""
THERE: Final = ("attended", "partly")
SEATED: Final = ("confirmed", "waiting", "awaiting_approval")
Document = Mapping[str, Any]
Subject = tuple[str, str]
"""What a number is about, and which number: (offering O1, bookings of 2023)."""


class CounterAudit:
    """Invariant 6 within stats: offerings, every fact and leave, then `compare` with what is kept of them."""

    def __init__(self, zone: tzinfo, partitions: int) -> None:
        self._zone, self._partitions = zone, partitions
        self._traces: Counter[str] = Counter()
        self._sums: Counter[Subject] = Counter()
        self._named: dict[str, set[str]] = {}
        self._offerings: dict[str, tuple[str, dict[str, str]]] = {}
        self.broken: list[Finding] = []

    def add_offering(self, offering: Document) -> None:
        """Before its bookings: its format and its sessions say what they count as."""
        times = {one["session_id"]: one["starts_at"] for one in offering["sessions"] if one["starts_at"]}
        self._offerings[offering["_id"]] = offering["format"], times

    def add_booking(self, fact: Document) -> None:
        """A fact about a booking counts under what can be read in it."""
        booking, name = fact["booking"], f"booking {fact['_id']}"
        since, until = self._waited(booking)
        cohorts = sorted([one["cohort"], self._year(one["at"])] for one in fact["assigned"])
        trace = {
            "kind": "booking",
            **{field: booking[field] for field in ("offering_id", "course_id", "status")},
            "partition": fact["partition"],
            "seated": self._month(booking["seated_at"]),
            "waits_from": since,
            "waits_to": until,
            "attendance": sorted(
                [one["session_id"], one["status"], self._month(one["recorded_at"])] for one in booking["attendance"]
            ),
            "completed": self._month(booking["completed_at"]),
            "cohorts": cohorts,
        }
        self._add(fact, trace, booking, name)
        self._check_place(fact, booking["offering_id"], name)
        moments = (
            booking["seated_at"],
            booking["completed_at"],
            *(one["recorded_at"] for one in booking["attendance"]),
        )
        needed = {self._year(one) for one in moments if one} | {year for _, year in cohorts}
        if since is not None:
            needed |= {-since} if until is None else {*range(since, until)}
        self._check_found(fact, needed, name)
        about = f"offering {booking['offering_id']}"
        self._sums.update((about, f"{measure} of {year}") for measure, year in self._figures(booking))
        if booking["status"] in SEATED:
            self._sums[about, f"{booking['status']} now, organisation {booking['organisation_id']}"] += 1

    def add_leave(self, fact: Document) -> None:
        """A leave counts until it is withdrawn."""
        leave, name = fact["leave"], f"leave {fact['_id']}"
        self._check_place(fact, leave["person_id"], name)
        if leave["ended_at"] is None:
            year, days = int(leave["starts_on"][:4]), round(leave["days"], 6)
            self._add(fact, {"kind": "leave", "partition": fact["partition"], "year": year, "days": days}, leave, name)
            self._check_found(fact, {year}, name)
            self._sums["leave", f"leave_days of {year}"] += round(days * 1_000_000)

    def compare(
        self, counters: Iterable[Document], sums: Iterable[Document], seats: Iterable[Document]
    ) -> Iterator[Finding]:
        """All that is wrong, and every number that is not that of the facts behind it."""
        yield from self.broken
        stored: Counter[str] = Counter()
        for counter in counters:
            trace = _canonical(json.loads(counter["trace"]))
            stored[trace] += counter["n"]
            for named in self._named.pop(counter["_id"], {trace}) - {trace}:
                yield Finding(6, _name(named), "the report takes facts of it for another's")
        for named in {one for some in self._named.values() for one in some}:
            yield Finding(6, _name(named), "the report does not find what its facts count as")
        for trace in stored.keys() | self._traces.keys():
            if stored[trace] != self._traces[trace]:
                detail = f"the counter says {stored[trace]}, and {self._traces[trace]} facts are behind it"
                yield Finding(6, _name(trace), detail)
        kept = _sums(sums, seats)
        for subject in kept.keys() | self._sums.keys():
            if kept[subject] != self._sums[subject]:
                yield Finding(6, subject[0], f"{subject[1]}: kept are {kept[subject]}, counted {self._sums[subject]}")

    def _add(self, fact: Document, trace: Document, data: Document, name: str) -> None:
        """Under its trace, which its key must name, together with whose it is."""
        canonical = _canonical(trace)
        self._traces[canonical] += 1
        named, *whose = json.loads(fact["key"] or "[null]")
        self._named.setdefault(named, set()).add(canonical)
        if whose != [data[field] for field in ("organisation_id", "department", "status_group", "person_id")]:
            self._find(name, "is counted as somebody else's")

    def _figures(self, booking: Document) -> set[tuple[str, int]]:
        """(measure, year) of what a booking counts as; a year below 0: every year from then on."""
        form, times = self._offerings.get(booking["offering_id"], ("", {}))
        found: set[tuple[str, int]] = set()
        if booking["seated_at"]:
            names = ("bookings", "cancelled") if booking["status"] == "cancelled" else ("bookings",)
            found |= {(name, self._year(booking["seated_at"])) for name in names}
        if booking["completed_at"]:
            names = ("completions", "participants") if form == "web_based" else ("completions",)
            found |= {(name, self._year(booking["completed_at"])) for name in names}
        held = [(one["status"], times.get(one["session_id"], one["recorded_at"])) for one in booking["attendance"]]
        found |= {("participants", self._year(time)) for status, time in held if status in THERE}
        if held and booking["status"] == "confirmed" and {status for status, _ in held} == {"absent"}:
            found.add(("no_shows", max(self._year(time) for _, time in held)))
        since, until = self._waited(booking)
        if since is not None:
            found |= {("waiting", year) for year in ([-since] if until is None else range(since, until))}
        return found

    def _waited(self, booking: Document) -> tuple[int | None, int | None]:
        """The first year at whose end it waited, and the first after that; one that ended too early ended at once."""
        since = booking["waiting_since"]
        if since is None or booking["status"] == "waiting":
            return (self._year(since) if since else None), None
        end = booking["waiting_until"] or booking["seated_at"] or booking["ended_at"] or since
        first, after = self._year(since), self._year(max(since, end, key=datetime.fromisoformat))
        return (first, after) if after > first else (None, None)

    def _check_place(self, fact: Document, key: str, name: str) -> None:
        if fact["partition"] != partition_of(key.encode(), self._partitions):
            self._find(name, f"was counted for partition {fact['partition']}, which is not its own")

    def _check_found(self, fact: Document, needed: set[int], name: str) -> None:
        if lacking := needed - {*fact["years"]}:
            self._find(name, f"is not found for the year {abs(min(lacking))}, in which it counts")

    def _year(self, moment: str) -> int:
        return datetime.fromisoformat(moment).astimezone(self._zone).year

    def _month(self, moment: str | None) -> int | None:
        if moment is None:
            return None
        local = datetime.fromisoformat(moment).astimezone(self._zone)
        return local.year * 12 + local.month - 1

    def _find(self, entity: str, detail: str) -> None:
        self.broken.append(Finding(6, entity, detail))


def _canonical(trace: Document) -> str:
    """The same text for the same trace."""
    found = {**trace}
    if trace["kind"] == "booking":
        rows = [[*one.values()] if isinstance(one, dict) else one for one in trace["attendance"]]
        found["attendance"] = sorted(rows)
    else:
        found["days"] = float(trace["days"])
    return json.dumps(found, sort_keys=True)


def _sums(sums: Iterable[Document], seats: Iterable[Document]) -> Counter[Subject]:
    """What is kept ready, as the facts are counted."""
    kept: Counter[Subject] = Counter()
    for one in sums:
        about = "leave" if one["offering_id"] is None else f"offering {one['offering_id']}"
        kept.update({(about, f"{name} of {one['year']}"): one[name] for name in one.keys() - NAMED})
    for one in seats:
        for field, row in one["now"].items():
            of = None if field == "none" else urlsafe_b64decode(field[1:]).decode()
            about = f"offering {one['offering_id']}"
            kept.update({(about, f"{status} now, organisation {of}"): number for status, number in row.items()})
    return kept


def _name(trace: str) -> str:
    said = json.loads(trace)
    if said["kind"] == "leave":
        return f"counter of leave in {said['year']}"
    return f"counter of offering {said['offering_id']}, {said['status']}"
