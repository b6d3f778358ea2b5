"""What the audits of the three services have in common: findings, and whether every record has an outcome.

An audit recounts what the design promises (section 5) from what is stored and published. It uses nothing of the code
that decides, and changes nothing. Of the database it reads one snapshot, so that it works while events come in.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka.errors import KafkaError
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from shared.handler import Handler
from shared.history import History
from shared.settings import Settings
from shared.web import ProblemError

Database = AsyncDatabase[dict[str, Any]]
Lane = tuple[str, int]
"""Topic and partition."""


class Finding(msgspec.Struct, frozen=True):
    """A broken invariant: its number in section 5, of what it is broken, and what is wrong."""

    invariant: int
    entity: str
    detail: str


class Report(msgspec.Struct):
    """What an audit found. `checked`: how many of what; `unchecked`: sentences about what could not be judged."""

    broken: list[Finding] = []
    checked: dict[str, int] = {}
    unchecked: list[str] = []


@dataclass(slots=True)
class Books:
    """What a service has noted of the records that it read, and its dead letters.

    `letters`: those in the database, without their content; `reported`: lane of the origin -> offsets of those that
    stand on the topic. `unreadable`: letters on the topic that do not tell reason and origin.
    """

    group: str
    lanes: Sequence[Lane]
    positions: Mapping[Lane, Mapping[str, Any]] = field(default_factory=dict)
    held: Sequence[Mapping[str, Any]] = ()
    held_keys: Sequence[Mapping[str, Any]] = ()
    letters: Sequence[Mapping[str, Any]] = ()
    reported: dict[Lane, set[int]] = field(default_factory=dict)
    letters_cut: set[int] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)

    def parked(self, topic: str) -> set[tuple[int, int]]:
        """Partition and offset of the records of a topic that are held, or dead letters that were not replayed.

        They have had no effect.
        """
        parked = [*self.held, *(one for one in self.letters if one["status"] != "replayed")]
        return {(one["partition"], one["offset"]) for one in parked if one["topic"] == topic}

    def edited(self, topic: str) -> dict[tuple[int, int], bytes]:
        """Partition and offset of the records of a topic that were replayed with another value, and that value."""
        replayed = [one for one in self.letters if one["status"] == "replayed" and one["topic"] == topic]
        return {(one["partition"], one["offset"]): one["edited"] for one in replayed if one["edited"] is not None}


def audit_books(books: Books) -> Report:
    """Invariant 4: every record has an outcome, and what was put aside is where it was put."""
    report = Report(checked={"records": sum(_read(one) for one in books.positions.values())})
    for lane in books.lanes:
        position = books.positions.get(lane)
        if position is None:
            report.broken.append(_fault(books, lane, "has no position document: nobody knows what was read"))
        else:
            report.broken += [_fault(books, lane, detail) for detail in _lane_faults(books, lane, position)]
    report.broken += [
        Finding(4, f"{books.group} dead letter {one}", "has no reason or origin") for one in books.unreadable
    ]
    report.broken += _held_faults(books)
    report.checked["dead letters"] = len(books.letters)
    report.checked["held"] = len(books.held)
    report.unchecked += _gaps(books)
    return report


def _read(position: Mapping[str, Any]) -> int:
    return int(position["next"] - position["start"])


def _fault(books: Books, lane: Lane, detail: str) -> Finding:
    return Finding(4, f"{books.group} {lane[0]}/{lane[1]}", detail)


def _lane_faults(books: Books, lane: Lane, position: Mapping[str, Any]) -> Iterator[str]:
    tally = position["tally"]
    if sum(tally.values()) != _read(position):
        yield f"{_read(position)} records were read, and {sum(tally.values())} have an outcome"
    if min(tally.values(), default=0) < 0:
        yield f"an outcome is counted below zero: {dict(tally)}"
    held = sum((one["topic"], one["partition"]) == lane for one in books.held)
    if held != tally.get("held", 0):
        yield f"{tally.get('held', 0)} records are counted as held, and {held} are kept"
    letters = [one for one in books.letters if (one["topic"], one["partition"]) == lane]
    for status, outcome in (("open", "dead_lettered"), ("dropped", "dropped")):
        kept = sum(one["status"] == status for one in letters)
        if kept != tally.get(outcome, 0):
            yield f"{tally.get(outcome, 0)} records are counted as {outcome}, and {kept} letters are {status}"
    yield from _report_faults(books, lane, {one["offset"] for one in letters})


def _report_faults(books: Books, lane: Lane, kept: set[int]) -> Iterator[str]:
    """What stands on the topic is kept, and the other way round as far as the topic goes back."""
    reported = books.reported.get(lane, set())
    if unkept := reported - kept:
        yield f"the dead letters of the offsets {sorted(unkept)[:10]} stand on the topic only"
    if lane[1] not in books.letters_cut and (untold := kept - reported):
        yield f"the dead letters of the offsets {sorted(untold)[:10]} do not stand on the topic"


def _held_faults(books: Books) -> Iterator[Finding]:
    """Every held record has a key that is held, else nothing ever lets it go; and no key waits without a record."""
    records = Counter((f"{books.group}/{one['topic']}/{one['partition']}", one["key"]) for one in books.held)
    keys = {(one["position"], one["key"]): one["why"] for one in books.held_keys}
    for place, key in records.keys() - keys.keys():
        yield Finding(4, f"{place} {key}", f"{records[place, key]} held records, and nothing says what they wait for")
    for (place, key), why in keys.items():
        if why == "unknown" and (place, key) not in records:
            yield Finding(4, f"{place} {key}", "waits for its entity, and no record is held")
    blocking = {
        (f"{books.group}/{one['topic']}/{one['partition']}", one["key"]) for one in books.letters if one["blocks"]
    }
    for place, key in {place for place, why in keys.items() if why == "bug"} ^ blocking:
        yield Finding(4, f"{place} {key}", "is held behind a dead letter that is not there, or is not and should be")


def _gaps(books: Books) -> Iterator[str]:
    absent: Counter[str] = Counter()
    for lane in books.lanes:
        position = books.positions.get(lane, {})
        absent[lane[0]] += position.get("tally", {}).get("absent", 0)
        if position.get("start"):
            yield f"{books.group}: {lane[0]}/{lane[1]} before offset {position['start']}, gone before it was read"
    for topic, number in absent.items():
        if number:
            yield f"{books.group}: {number} offsets of {topic} hold no record (compacted, or cut off by retention)"
    for partition in sorted(books.letters_cut):
        yield f"{books.group}: the number of dead letters of partition {partition}, whose oldest are gone"


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    """What cannot be read now is a problem of the moment, not a finding."""
    try:
        yield
    except (KafkaError, PyMongoError, OSError, TimeoutError) as error:
        raise ProblemError(503, f"the audit could not read everything: {type(error).__name__}") from error


async def read_books(
    database: Database, session: AsyncClientSession, settings: Settings, handler: Handler[Any]
) -> Books:
    """Read them: the database first, so that what it counts is on the topic by then, or still in the position."""
    lanes = [(topic, partition) for topic in handler.topics for partition in range(settings.partitions)]
    books = Books(handler.group, lanes)
    documents = await database["positions"].find(session=session).to_list()
    books.positions = {_lane(one["_id"]): one for one in documents}
    books.held = await database["held"].find({}, {"value": 0, "headers": 0}, session=session).to_list()
    books.held_keys = await database["held_keys"].find(session=session).to_list()
    fields = ["topic", "partition", "offset", "key", "status", "blocks", "edited"]
    books.letters = await database["dead_letters"].find({}, fields, session=session).to_list()
    history = History(settings, f"{handler.group}.dead-letters")
    async for records in history.read():
        for record in records:
            _note(books, record.headers, f"{record.partition}/{record.offset}")
    for position in documents:
        for topic, partition, _, _, headers in position["events"]:
            if topic == history.topic:
                _note(books, headers, f"{partition} (not published yet)")
    books.letters_cut = history.cut
    return books


def _lane(position_id: str) -> Lane:
    _, topic, partition = position_id.split("/")
    return topic, int(partition)


def _note(books: Books, headers: Sequence[tuple[str, bytes | None]], name: str) -> None:
    """Later headers are ours, earlier ones the record's own."""
    said = {key: bytes(value or b"").decode(errors="replace") for key, value in headers}
    try:
        lane = said["lernbus-topic"], int(said["lernbus-partition"])
        offset, reason = int(said["lernbus-offset"]), said["lernbus-reason"]
    except (KeyError, ValueError):
        books.unreadable.append(name)
        return
    if not reason:
        books.unreadable.append(name)
    books.reported.setdefault(lane, set()).add(offset)
