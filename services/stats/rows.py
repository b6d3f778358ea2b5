"""stats' documents, made from what counts, and read back. Pure; `store.py` says what they look like."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateOne

from services.stats.counters import Counts
from services.stats.domain import Fact, LeaveFact, OfferingFact, year_of
from services.stats.state import Place, State
from services.stats.traces import AnyTrace, Trace, key_of, years_of
from shared.handler import WriteOne

DERIVED: Final = ("counters", "sums", "seats")
"""What is made from the facts and could be made again."""
_TRACES: Final[msgspec.json.Decoder[AnyTrace]] = msgspec.json.Decoder(AnyTrace)
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seats:
    """Who is where on an offering now: {status: number} of the whole and of each organisation (None: without one)."""

    offering: OfferingFact
    whole: Mapping[str, int]
    organisations: Mapping[str | None, Mapping[str, int]]


def of_entities(state: State) -> dict[str, list[WriteOne]]:
    """Every entity that has changed, whole; new ones first: they are one command, in which nothing is looked for."""
    writes: dict[str, list[WriteOne]] = defaultdict(list)
    for place in sorted(state.changed, key=state.known.__contains__):
        collection, key = place
        document = {"_id": key, **_document(place, state)}
        known = place in state.known
        writes[collection].append(ReplaceOne({"_id": key}, document, upsert=True) if known else InsertOne(document))
    return writes


def of_counts(counts: Counts) -> dict[str, list[WriteOne]]:
    """What is added to counters, sums and seats; a counter that comes to 0 goes."""
    changes = [(name, by) for name, by in counts.counters.items() if by]
    counters: list[WriteOne] = [_counting(name, counts.traces[name], by) for name, by in changes]
    if fewer := [name for name, by in changes if by < 0]:
        counters.append(DeleteMany({"_id": {"$in": fewer}, "n": 0}))
    return {"counters": counters, "sums": _of_sums(counts), "seats": _of_seats(counts)}


def of_progress(as_of: Mapping[int, datetime], since: Mapping[int, datetime]) -> list[WriteOne]:
    """The newest and the oldest times of what was read, by partition."""
    newest = {one: {"$max": {"as_of": at}} for one, at in as_of.items()}
    oldest = {one: {"$min": {"since": at}} for one, at in since.items()}
    return [
        UpdateOne({"_id": one}, newest.get(one, {}) | oldest.get(one, {}), upsert=True)
        for one in newest.keys() | oldest.keys()
    ]


def trace_in(counter: Mapping[str, Any]) -> AnyTrace:
    """The trace of a counter's document."""
    return _TRACES.decode(counter["trace"])


def seats_of(offering: OfferingFact, now: Mapping[str, Mapping[str, int]]) -> Seats:
    """The offering with its document of seats read."""
    whole: dict[str, int] = defaultdict(int)
    for row in now.values():
        for status, number in row.items():
            whole[status] += number
    return Seats(offering, dict(whole), {_value(name): row for name, row in now.items() if any(row.values())})


def _document(place: Place, state: State) -> Document:
    entity, zone = state.entities[place], state.counts.zone
    document: Document = msgspec.to_builtins(entity)
    match entity:
        case OfferingFact():
            years = {year_of(one.starts_at, zone) for one in entity.sessions if one.starts_at}
            return document | {"years": sorted(years), "ends": entity.ends_at}
        case Fact() | LeaveFact():
            name = state.names[place]
            if name is None:
                return document | {"key": None, "years": []}
            key = msgspec.json.encode(key_of(entity, name)).decode()
            return document | {"key": key, "years": years_of(state.counts.traces[name])}
    return document


def _counting(name: str, trace: AnyTrace, by: int) -> UpdateOne:
    fields = {
        "partition": trace.partition,
        "offering_id": trace.offering_id if isinstance(trace, Trace) else None,
        "years": years_of(trace),
        "trace": msgspec.json.encode(trace).decode(),
    }
    return UpdateOne({"_id": name}, {"$inc": {"n": by}, "$setOnInsert": fields}, upsert=True)


def _of_sums(counts: Counts) -> list[WriteOne]:
    changes: dict[tuple[int, str | None, int], dict[str, int]] = defaultdict(dict)
    for (partition, offering_id, year, measure), by in counts.sums.items():
        if by:
            changes[partition, offering_id, year][measure] = by
    return [
        UpdateOne(
            {"_id": msgspec.json.encode(key).decode()},
            {"$inc": by, "$setOnInsert": {"offering_id": key[1], "year": key[2]}},
            upsert=True,
        )
        for key, by in changes.items()
    ]


def _of_seats(counts: Counts) -> list[WriteOne]:
    changes: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for (partition, offering_id, organisation_id, status), by in counts.seats.items():
        if by:
            changes[partition, offering_id][f"now.{_field(organisation_id)}.{status}"] = by
    return [
        UpdateOne(
            {"_id": msgspec.json.encode(key).decode()},
            {"$inc": by, "$setOnInsert": {"offering_id": key[1]}},
            upsert=True,
        )
        for key, by in changes.items()
    ]


def _field(value: str | None) -> str:
    """An id as the name of a field, in which dots and dollars mean something."""
    return "none" if value is None else f"_{urlsafe_b64encode(value.encode()).decode()}"


def _value(field: str) -> str | None:
    return None if field == "none" else urlsafe_b64decode(field[1:]).decode()
