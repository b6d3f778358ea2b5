"""Compares what came out with what must come out, without any code of the services. Every finding is a sentence."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.model import Message, Model
from tests.faults.sink import Mail, Span
from tests.support.naive_enrolment import NaiveOffering

BOOKED, HELD = "2024", "2034"
"""The years in which all bookings are made and all sessions take place."""
Found = dict[str, Any]


@dataclass
class Seen:
    """What is said by the services and the sink.

    `letters`: ids of dead events; `forgot`: the sink lost its memory; `cuts`: a mail may come twice.
    """

    offerings: Mapping[str, Found]
    bookings: Mapping[str, Sequence[Found]]
    messages: Sequence[Found]
    mails: Sequence[Mail]
    reports: Mapping[str, Found]
    letters: Collection[str]
    forgot: Sequence[Span] = ()
    cuts: Sequence[Span] = ()


def findings(models: Mapping[str, Model], seen: Seen) -> list[str]:
    """All that differs; `models`: the accepted events of each sender, whose name is that of its course."""
    found = [one for model in models.values() for one in _of_offerings(model, seen)]
    told = sum((model.messages for model in models.values()), Counter[Message]())
    found += [*_of_messages(told, seen.messages), *_of_mails(seen), *_of_counts(models, seen.reports)]
    dead = set[str]().union(*(model.dead for model in models.values()))
    return [*found, *(f"event {one}: dead letter where none belongs, or none" for one in dead ^ {*seen.letters})]


def _of_offerings(model: Model, seen: Seen) -> Iterator[str]:
    for offering_id, offering in model.offerings.items():
        view = seen.offerings[offering_id]
        seats = {name: view["seats"][name] for name in ("capacity", "confirmed", "waiting", "free")}
        if seats != (expected := _seats(offering)):
            yield f"{offering_id}: seats {seats} instead of {expected}"
        told = [_booking(one) for one in seen.bookings[offering_id]]
        if told != (wanted := _bookings(offering)):
            yield f"{offering_id}: bookings {told} instead of {wanted}"


def _seats(offering: NaiveOffering) -> Found:
    confirmed, aside, capacity = offering.confirmed(), offering.set_aside(), offering.data["capacity"]
    by = Counter(one.organisation for one in confirmed)
    used = sum(max(0, number - aside.get(one or "", 0)) for one, number in by.items())
    free = max(0, capacity - sum(aside.values()) - used)
    return {"capacity": capacity, "confirmed": len(confirmed), "waiting": len(offering.queue), "free": free}


def _bookings(offering: NaiveOffering) -> list[tuple[Any, ...]]:
    queue = offering.queue
    return [
        (one.person, one.organisation, one.status, one.reason, queue.index(one) + 1 if one in queue else None)
        for one in offering.bookings
    ]


def _booking(one: Found) -> tuple[Any, ...]:
    return (*(one[name] for name in ("person_id", "organisation_id", "status", "reason", "waiting_position")),)


def _of_messages(told: Counter[Message], messages: Sequence[Found]) -> Iterator[str]:
    planned = Counter(Message(one["offering_id"], one["person_id"], one["kind"]) for one in messages)
    for message in told.keys() | planned.keys():
        if told[message] != planned[message]:
            yield f"{message}: {planned[message]} messages instead of {told[message]}"
    newest = {(one["offering_id"], one["person_id"]): one["message_id"] for one in messages}
    for one in messages:
        is_newest = newest[one["offering_id"], one["person_id"]] == one["message_id"]
        superseded = (one["status"], one["reason"]) == ("withheld", "superseded")  # while no mail could go out
        if one["status"] not in ("sent", "unclear") and (is_newest or not superseded):
            yield f"message {one['message_id']} is {one['status']} ({one['reason']})"


def _of_mails(seen: Seen) -> Iterator[str]:
    known = {one["message_id"]: one for one in seen.messages}
    copies: dict[str, list[Mail]] = {}
    for mail in seen.mails:
        copies.setdefault(mail.message_id, []).append(mail)
    for message_id in copies.keys() - known.keys():
        yield f"mail {message_id} belongs to no message"
    for message_id, one in known.items():
        if one["status"] == "sent" and message_id not in copies and not _within(one["sent_at"], seen.forgot):
            yield f"message {message_id} is sent, and no mail arrived"
    for message_id, mails in copies.items():
        if any(not _within(mail.at, seen.cuts) for mail in mails[:-1]):
            yield f"mail {message_id} came {len(mails)} times, and no connection was cut when it came first"


def _within(moment: datetime | str, spans: Sequence[Span]) -> bool:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return any(span.holds(at) for span in spans)


def _of_counts(models: Mapping[str, Model], reports: Mapping[str, Found]) -> Iterator[str]:
    """Bookings belong to the year of the seat, participants to that of the session."""
    wanted = {name: model.counts() for name, model in models.items()}
    total = sum((Counter(counts) for counts in wanted.values()), Counter[str]())
    for year, names in ((BOOKED, ("bookings", "cancelled", "waiting")), (HELD, ("participants", "persons"))):
        totals = {name: reports[year]["totals"][name] for name in names}
        if totals != (expected := {name: total[name] for name in names}):
            yield f"report {year}: {totals} instead of {expected}"
        rows = {row["key"]: row for row in reports[year]["by"]["course"]}
        for course, counts in wanted.items():
            row = {name: rows.get(course, {}).get(name, 0) for name in names}
            if row != (due := {name: counts[name] for name in names}):
                yield f"report {year}, course {course}: {row} instead of {due}"
