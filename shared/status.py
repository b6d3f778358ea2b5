"""What every service says of itself: health, and how far it has read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, TypedDict

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from shared.marks import Places
from shared.openapi import says
from shared.runtime import Service
from shared.web import Json, problem


class Live(TypedDict):
    """The process answers."""

    status: Literal["live"]


class Ready(TypedDict):
    """All partitions are read."""

    status: Literal["ready"]


class Progress(TypedDict):
    """How far a service has read.

    `marks`: topic -> partition -> offset of the last mark; `tally`: topic -> outcome -> number of records; `newest`:
    when the newest record read came onto its log; `lag`: records between this process's positions and the ends of
    their logs; `dead_letters`: those that wait for an operator; `due`: what the clock has made due and is not done yet.
    """

    topics: list[str]
    marks: Places
    tally: dict[str, dict[str, int]]
    newest: str | None
    lag: int
    dead_letters: int
    due: NotRequired[int]


def router(service: Service) -> APIRouter:
    """`/<service>/health/live`, `/health/ready`, `/metrics` and `/api/progress`."""
    routes = APIRouter(prefix=f"/{service.name}")

    @routes.get("/health/live", openapi_extra=says(Live))
    async def live() -> Response:
        """The process answers; never depends on a neighbour."""
        return Json({"status": "live"})

    @routes.get("/health/ready", openapi_extra=says(Ready, 503))
    async def ready() -> Response:
        """All partitions are read, there is progress, and the neighbours are there (shared/health.py)."""
        verdict = service.watch.verdict()
        if verdict.status != "ready":
            return problem(503, verdict.why, {"Retry-After": "1"})
        return Json({"status": "ready"})

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """For Prometheus (docs/metrics.md); its format is no JSON, so it is not described there."""
        return Response(await service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @routes.get("/api/progress", openapi_extra=says(Progress))
    async def progress() -> Response:
        """How far the service has read: marks, outcomes, lag, dead letters, and the service's own figures."""
        positions = await service.database["positions"].find({}, {"events": 0}).to_list()
        read = summary({position["_id"]: position for position in positions})
        left = {
            "newest": _newest(positions),
            "lag": sum(filter(None, service.kernel.lag().values())),
            "dead_letters": await service.database["dead_letters"].count_documents({"status": "open"}),
        }
        return Json({"topics": [*service.handler.topics], **read, **left, **await service.also()})

    return routes


def _newest(positions: Iterable[Mapping[str, Any]]) -> str | None:
    at = max((position.get("at", -1) for position in positions), default=-1)
    return None if at < 0 else datetime.fromtimestamp(at / 1_000, UTC).isoformat().replace("+00:00", "Z")


def summary(positions: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """{marks: {topic: {partition: offset}}, tally: {topic: {outcome: n}}} of all position documents of a group."""
    marks: dict[str, dict[str, int]] = {}
    tally: dict[str, Counter[str]] = {}
    for name, position in positions.items():
        _, topic, partition = name.split("/")
        marks.setdefault(topic, {})[partition] = position.get("mark", {}).get("offset", -1)
        tally.setdefault(topic, Counter()).update(position["tally"])
    return {"marks": marks, "tally": tally}
