"""What enrolment shows to Prometheus besides what every service does.

No label names an offering: there are thousands, and Prometheus keeps each value for ever. Which offering is full is
seen on its page; here stands how many seats are left, by format.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from prometheus_client.core import Metric
from pymongo.asynchronous.database import AsyncDatabase

from shared.clock import Clock
from shared.metrics import Question, gauge

FORMATS: Final = ("in_person", "online", "web_based", "blended")
STATES: Final = ("free", "full", "unlimited")
_KEPT: Final = {
    "$reduce": {
        "input": "$tallies",
        "initialValue": 0,
        "in": {"$add": ["$$value", {"$max": [0, {"$subtract": ["$$this.seats", "$$this.confirmed"]}]}]},
    }
}
"""Seats set aside for an organisation that are not taken (seats.open_free)."""
_FREE: Final = {"$subtract": ["$offering.capacity", {"$add": ["$confirmed", _KEPT]}]}
_LIMITED: Final = {"$ne": ["$offering.capacity", None]}
_OPEN: Final = {"$cond": [_LIMITED, {"$max": [0, _FREE]}, None]}
_STATE: Final = {"$cond": [_LIMITED, {"$cond": [{"$gt": [_FREE, 0]}, "free", "full"]}, "unlimited"]}
_ENDS: Final = {
    "$max": {"$map": {"input": "$offering.sessions", "in": {"$toDate": {"$ifNull": ["$$this.ends_at", None]}}}}
}


def seats(database: AsyncDatabase[dict[str, Any]], clock: Clock) -> Question:
    """Seats of the offerings that can still take place: one pass, for an index would cost each booking a write."""

    async def ask() -> Sequence[Metric]:
        future = {"$match": {"$expr": {"$or": [{"$eq": [_ENDS, None]}, {"$gte": [_ENDS, clock.now()]}]}}}
        group = {
            "_id": {"format": "$offering.format", "state": _STATE},
            "n": {"$sum": 1},
            "free": {"$sum": _OPEN},
            "waiting": {"$sum": "$waiting"},
        }
        stages: list[dict[str, Any]] = [
            {"$match": {"offering.status": {"$ne": "cancelled"}}},
            future,
            {"$group": group},
        ]
        rows = [row async for row in await database["offerings"].aggregate(stages)]
        return _shown(rows)

    return ask


def _shown(rows: Sequence[dict[str, Any]]) -> list[Metric]:
    offerings = {(form, state): 0 for form in FORMATS for state in STATES}
    free, waiting = (Counter[str](dict.fromkeys(FORMATS, 0)) for _ in range(2))
    for row in rows:
        form = row["_id"]["format"]
        offerings[form, row["_id"]["state"]] = row["n"]
        free[form] += row["free"]
        waiting[form] += row["waiting"]
    return [
        gauge("offerings", "Offerings that can still take place.", ["format", "state"], offerings),
        gauge("free_seats", "Open seats of these.", ["format"], {(form,): n for form, n in free.items()}),
        gauge("waiting", "Places on their waiting lists.", ["format"], {(form,): n for form, n in waiting.items()}),
    ]
