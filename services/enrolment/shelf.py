"""How offerings are found: what is kept beside each one for the list, and the query for a search. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from services.enrolment import seats
from services.enrolment.state import Ledger
from shared.events import Format

Document = dict[str, Any]
WORDS: Final = 8
"""So many words of a search count."""
STATES: Final = ("cancelled", "over", "not_open", "closed", "unlimited", "full", "free")
"""Those of shown.py, the strongest first."""
FORMATS: Final[tuple[str, ...]] = get_args(Format)
WHEN: Final = ("upcoming", "past")
ONLY: Final = ("waiting", "overdue")
_LATER: Final = 2**62


class Asked(msgspec.Struct, frozen=True):
    """What somebody looks for; empty is everything. Fields and values are those of the page's address."""

    q: str = ""
    state: str = ""
    format: str = ""
    host: str = ""
    when: str = ""
    only: str = ""

    @property
    def words(self) -> list[str]:
        """The words that must all be found."""
        return self.q.split()[:WORDS]

    @property
    def given(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


def asked(query: Mapping[str, str]) -> Asked:
    """Read an address; a value that is none of ours counts as everything."""
    known = {"state": STATES, "format": FORMATS, "when": WHEN, "only": ONLY}
    chosen = {name: value for name, values in known.items() if (value := query.get(name, "")) in values}
    text = query.get("q", "").replace("\0", " ").strip()  # a pattern of the database must not have it
    return Asked(q=text[:200], host=query.get("host", "")[:200], **chosen)


def shelf_of(ledger: Ledger) -> Document:
    """What the list needs, as the database's own dates and numbers."""
    offering = ledger.offering
    times = sorted((one.starts_at, one.ends_at) for one in offering.sessions if one.starts_at and one.ends_at)
    free = seats.open_free(ledger)
    return {
        "words": f"{offering.title}\n{offering.offering_id}".casefold(),
        "times": [{"starts": starts, "ends": ends} for starts, ends in times],
        "first": times[0][0] if times else None,
        "last": max((ends for _, ends in times), default=None),
        "opens": offering.booking_opens_at,
        "closes": offering.booking_closes_at,
        "free": None if free is None else max(0, free),
    }


def query_of(
    what: Asked, now: datetime, courses: Sequence[Collection[str]], organisations: Sequence[Collection[str]]
) -> Document:
    """The query; of each word the courses and organisations that it names."""
    every: list[Document] = [
        _word(word, *named) for word, named in zip(what.words, zip(courses, organisations, strict=True), strict=True)
    ]
    if what.state:
        every += _state(what.state, now)
    if what.format:
        every.append({"offering.format": what.format})
    if what.host:
        every.append({"offering.host_organisation_id": what.host})
    if what.when:
        every.append({"shelf.last": {"$lt": now}} if what.when == "past" else _not("shelf.last", "$lt", now))
    if what.only == "waiting":
        every.append({"waiting": {"$gt": 0}})
    if what.only == "overdue":
        late = [{f"shelf.{name}": {"$lte": now}} for name in ("closes", "first")]
        every.append({"awaiting": {"$gt": 0}, "$or": late})
    return {"$and": every} if every else {}


def ranking(now: datetime) -> list[Document]:
    """What is to come by its next session, what has no dates, then what is over, the latest first; ids alone."""
    to_come = {"$filter": {"input": "$shelf.times", "as": "one", "cond": {"$gte": ["$$one.ends", now]}}}
    following = {"$min": {"$map": {"input": to_come, "as": "one", "in": "$$one.starts"}}}
    over = {"$and": [{"$gt": ["$shelf.last", None]}, {"$lt": ["$shelf.last", now]}]}
    return [
        {"$project": {"next": following, "last": "$shelf.last", "over": over}},
        {"$set": {"rank": {"$cond": ["$over", {"$subtract": [0, _number("$last")]}, _number("$next")]}}},
        {"$sort": {"over": 1, "rank": 1, "_id": 1}},
    ]


def _word(word: str, courses: Collection[str], organisations: Collection[str]) -> Document:
    where: list[Document] = [{"shelf.words": {"$regex": re.escape(word.casefold())}}]
    if courses:
        where.append({"offering.course_id": {"$in": sorted(courses)}})
    if organisations:
        where.append({"offering.host_organisation_id": {"$in": sorted(organisations)}})
        where.append({"offering.delegations.organisation_id": {"$in": sorted(organisations)}})
    return {"$or": where}


def _state(state: str, now: datetime) -> list[Document]:
    """The conditions of `shown.state`, strongest first: each excludes those before it."""
    steps: dict[str, tuple[Document, Document]] = {
        "cancelled": ({"offering.status": "cancelled"}, {"offering.status": {"$ne": "cancelled"}}),
        "over": ({"shelf.last": {"$lt": now}}, _not("shelf.last", "$lt", now)),
        "not_open": ({"shelf.opens": {"$gt": now}}, _not("shelf.opens", "$gt", now)),
        "closed": ({"shelf.closes": {"$lte": now}}, _not("shelf.closes", "$lte", now)),
        "unlimited": ({"shelf.free": None}, {"shelf.free": {"$ne": None}}),
        "full": ({"shelf.free": 0}, {"shelf.free": {"$gt": 0}}),
        "free": ({}, {}),
    }
    before = [no for name, (_, no) in steps.items() if [*steps].index(name) < [*steps].index(state)]
    return [one for one in (*before, steps[state][0]) if one]


def _not(field: str, how: str, moment: datetime) -> Document:
    return {field: {"$not": {how: moment}}}


def _number(field: str) -> Document:
    return {"$ifNull": [{"$toLong": field}, _LATER]}
