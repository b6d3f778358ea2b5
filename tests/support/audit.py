"""What the log says must have happened: a naive fold that knows no batches, steps or crashes. Shares no code with the
service that it audits."""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiokafka.structs import ConsumerRecord

Origin = tuple[str, int, int]
REPLAYED, DROPPED = "lernbus.dead-letter.replayed.v1", "lernbus.dead-letter.dropped.v1"
CONTROL = {"lernbus.mark.v1", REPLAYED, DROPPED}
KINDS = {f"test.{kind}.v1" for kind in ("scheduled", "requested", "withdrawn", "raised")} | CONTROL
TROUBLE = {"bug", "huge", "unloadable", "unwritable", "deafening"}


@dataclass
class Expected:
    """The end of everything that stands in the log."""

    offerings: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, list[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    """Offering -> (person, status, cause) of versions 1..n."""
    dead: dict[Origin, str] = field(default_factory=dict)
    """Origin -> reason, of the letters that are open."""
    letters: dict[Origin, str] = field(default_factory=dict)
    """Origin -> the last reason, of every letter that there ever was."""
    settled: dict[Origin, str] = field(default_factory=dict)
    """Origin -> what came of a letter in the end: `replayed` or `dropped`."""
    records: dict[Origin, ConsumerRecord] = field(default_factory=dict)
    held: dict[str, list[ConsumerRecord]] = field(default_factory=dict)
    blocked: dict[str, Origin] = field(default_factory=dict)
    """Keys behind a bug, and the letter that blocks them."""
    group: str = ""
    cured: bool = False
    """True while a letter is replayed and while what waited behind it is let go."""


def origin(record: ConsumerRecord) -> Origin:
    return record.topic, record.partition, record.offset


def fold(records: Sequence[ConsumerRecord], group: str = "") -> Expected:
    """Fold a log, in the order of each partition. Whose letters are replayed and dropped, `group` says."""
    expected = Expected(group=group)
    for record in sorted(records, key=origin):
        _take(expected, record)
    expected.held = {key: waiting for key, waiting in expected.held.items() if waiting}
    return expected


def _take(expected: Expected, record: ConsumerRecord) -> None:
    event, fault = _parsed(record)
    expected.records[origin(record)] = record
    if fault:
        _dead(expected, record, fault)
    elif event["type"] in (REPLAYED, DROPPED):
        _settle(expected, event)
    elif event["type"] not in CONTROL:
        _take_event(expected, record, event)


def _dead(expected: Expected, record: ConsumerRecord, reason: str, key: str | None = None) -> None:
    expected.dead[origin(record)] = expected.letters[origin(record)] = reason
    if key is not None:
        expected.blocked[key] = origin(record)


def _settle(expected: Expected, event: dict[str, Any]) -> None:
    """Replay or drop a letter: it is as if its record stood here."""
    data = event["data"]
    where = data["topic"], data["partition"], data["offset"]
    if data["service"] != expected.group or where not in expected.dead:
        return
    record = expected.records[where]
    key = next((key for key, letter in expected.blocked.items() if letter == where), None)
    del expected.dead[where]
    if key is not None:
        del expected.blocked[key]
    if event["type"] == DROPPED:
        expected.settled[where] = "dropped"
    else:
        value = data.get("value")
        edited = record if value is None else replace(record, value=b64decode(value))
        expected.cured = True
        _take(expected, edited)
        expected.cured = False
        expected.records[where] = record
        if where in expected.dead:  # in vain
            if key is not None:
                expected.blocked[key] = where
            return
        expected.settled[where] = "replayed"
    if key is not None:
        _let_go(expected, key)


def _let_go(expected: Expected, name: str) -> None:
    waiting = sorted(expected.held.pop(name, []), key=origin)
    expected.cured = True
    for one in waiting:
        _take(expected, one)
    expected.cured = False


def _parsed(record: ConsumerRecord) -> tuple[dict[str, Any], str]:
    try:
        event = json.loads(record.value)
        kind = event["type"]
    except (TypeError, ValueError, RecursionError):
        return {}, "not_json"
    if kind not in KINDS:
        return {}, "unknown_type"
    if not isinstance(event["data"].get("capacity", 0), int):
        return {}, "invalid"
    if kind not in CONTROL and record.key != event["data"]["offering_id"].encode():
        return {}, "wrong_key"
    return event, ""


def _take_event(expected: Expected, record: ConsumerRecord, event: dict[str, Any]) -> None:
    name, person, kind = event["data"]["offering_id"], event["data"].get("person_id"), event["type"].split(".")[1]
    known = name in expected.offerings
    if name in expected.blocked:
        expected.held.setdefault(name, []).append(record)
    elif kind == "scheduled":
        _schedule(expected, event["data"])
    elif not known:
        expected.held.setdefault(name, []).append(record)
    elif person == "refused":
        _dead(expected, record, "refused")
    elif person in TROUBLE or (person == "moody" and not expected.cured):
        _dead(expected, record, "bug", name)
    else:
        _apply(expected, expected.offerings[name], kind, event)


def _schedule(expected: Expected, data: dict[str, Any]) -> None:
    name = data["offering_id"]
    if name not in expected.offerings:
        expected.offerings[name] = {"capacity": data["capacity"], "confirmed": [], "waiting": [], "version": 0}
        _let_go(expected, name)


def _apply(expected: Expected, offering: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    data, person = event["data"], event["data"].get("person_id", "")
    free = len(offering["confirmed"]) < offering["capacity"]
    said: list[tuple[str, str]]
    if kind == "requested":
        offering["confirmed" if free else "waiting"].append(person)
        said = [(person, "confirmed" if free else "waiting")]
    elif kind == "withdrawn":
        for queue in (offering["confirmed"], offering["waiting"]):
            if person in queue:
                queue.remove(person)
        said = [(person, "withdrawn")]
    else:
        offering["capacity"] = data["capacity"]
        said = [("", "raised")]
    while kind != "requested" and offering["waiting"] and len(offering["confirmed"]) < offering["capacity"]:
        promoted = offering["waiting"].pop(0)
        offering["confirmed"].append(promoted)
        said.append((promoted, "promoted"))
    offering["version"] += len(said)
    expected.published[data["offering_id"]] += [(*one, event["id"]) for one in said]


def check_published(expected: Expected, records: Sequence[ConsumerRecord]) -> int:
    """Every published event, repeats too, says what the fold says; without repeats versions run 1..n in order.

    Returns the number of repeats.
    """
    last: dict[str, int] = defaultdict(int)
    repeats = 0
    for record in sorted(records, key=origin):
        event = json.loads(record.value)
        if event["type"] in CONTROL:
            continue
        data = event["data"]
        name, version = data["offering_id"], data["version"]
        assert record.key == name.encode()
        assert event["id"] == f"{name}.{version}"
        said = (data["person_id"], data["status"], data["cause"])
        assert version <= len(expected.published[name]), f"{name}: version {version} must not be"
        assert said == expected.published[name][version - 1], f"{name}: version {version}"
        if version <= last[name]:
            repeats += 1
        else:
            assert version == last[name] + 1, f"{name}: {last[name]} is followed by {version}"
            last[name] = version
    assert last == {name: len(said) for name, said in expected.published.items() if said}
    return repeats
