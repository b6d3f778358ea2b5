"""`/<service>/api/dead-letters`: what could not be processed, as JSON, and what can be done about it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypedDict, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from shared.dead_letters import FIELDS, MOST, DeadLetters
from shared.letters import Document
from shared.openapi import both, says, takes
from shared.runtime import Service
from shared.schemas import schemas
from shared.web import Json, ProblemError

Status = Literal["open", "replayed", "dropped"]
Limit = Annotated[int, Query(ge=1, le=1_000, description="So many at most.")]
Topic = Annotated[str, Path(description="The topic of the record.")]
Number = Annotated[int, Path(description="Its partition, and its offset there.")]
BODY_BYTES: Final = 1024 * 1024
T = TypeVar("T")


class Last(TypedDict):
    """What came of the last control event about a letter, and where on the log that stands."""

    control: int
    outcome: str


class LetterView(TypedDict):
    """A record that could not be processed. `withheld`: nothing of it is kept; `blocks`: its key waits behind it."""

    id: str
    topic: str
    partition: int
    offset: int
    received_at: datetime | None
    key: str | None
    reason: str
    field: str
    detail: str
    source: str | None
    event_id: str | None
    type: str | None
    size: int
    status: Status
    withheld: bool
    blocks: bool
    replays: int
    last: Last | None


class HeldView(TypedDict):
    """A record that waits behind a letter."""

    offset: int
    received_at: datetime | None


class LetterDetail(LetterView):
    """A letter with its content (base64) and what waits behind it: `held` records, the first 100 of them."""

    value: bytes | None
    edited: bytes | None
    headers: list[tuple[str, bytes | None]]
    held: int
    held_records: list[HeldView]


class Settling(msgspec.Struct, forbid_unknown_fields=True):
    """Which letters, and the value (base64) that one of them is to be replayed with."""

    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST)]
    value: bytes | None = None


class Settled(TypedDict):
    """Letter -> offset of the control event on the letter's own partition."""

    accepted: dict[str, int]


class Stopped(TypedDict):
    """topic/partition -> why it stands still."""

    stopped: dict[str, str]


class Resuming(msgspec.Struct, forbid_unknown_fields=True):
    """Which partition (topic/partition); all without it."""

    partition: str | None = None


class Resumed(TypedDict):
    """The partitions that go on."""

    resumed: list[str]


def router(service: Service) -> APIRouter:
    """The routes of one service."""
    routes = APIRouter(prefix=f"/{service.name}/api/dead-letters")
    letters = DeadLetters(service)

    @routes.get("", openapi_extra=says(list[LetterView], 400))
    async def listed(
        reason: Annotated[str, Query(description="Only letters with this fixed word.")] = "",
        status: Annotated[str, Query(description="Only open, replayed or dropped ones.")] = "",
        after: Annotated[str, Query(description="Only letters behind this one.")] = "",
        limit: Limit = 100,
    ) -> Response:
        """Letters in the order of topic, partition and offset."""
        query = {name: value for name, value in (("reason", reason), ("status", status)) if value}
        return Json([view(one) for one in await letters.page(query, after, limit)])

    @routes.get("/stopped", openapi_extra=says(Stopped))
    async def stopped() -> Response:
        """The partitions that stand still because of too many dead letters."""
        return Json({"stopped": await letters.stopped()})

    @routes.get("/{topic}/{partition}/{offset}", openapi_extra=says(LetterDetail, 404))
    async def one(topic: Topic, partition: Number, offset: Number) -> Response:
        """One letter, with its original bytes and what waits behind it."""
        found = await letters.one(f"{topic}/{partition}/{offset}")
        number, first = await letters.behind(found)
        held = [{"offset": one["offset"], "received_at": moment(one["timestamp"])} for one in first]
        content = {name: found[name] for name in ("value", "edited", "headers")}
        return Json({**view(found), **content, "held": number, "held_records": held})

    @routes.post("/replay", status_code=202, openapi_extra=_taking(Settling, Settled, 400, 404, 409, 413, 503))
    async def replay(request: Request) -> Response:
        """Have letters applied again, through the log."""
        asked = await _body(request, Settling)
        if asked.value is not None and len(asked.ids) > 1:
            raise ProblemError(400, "an edited value is for one letter")
        return Json({"accepted": await letters.settle("replay", asked.ids, asked.value)}, 202)

    @routes.post("/drop", status_code=202, openapi_extra=_taking(Settling, Settled, 400, 404, 409, 503))
    async def drop(request: Request) -> Response:
        """Give letters up, through the log: what waits behind them goes on."""
        asked = await _body(request, Settling)
        return Json({"accepted": await letters.settle("drop", asked.ids)}, 202)

    @routes.post("/resume", status_code=202, openapi_extra=_taking(Resuming, Resumed, 400))
    async def resume(request: Request) -> Response:
        """Let partitions go on that stand still because of too many dead letters; counting starts anew."""
        asked = await _body(request, Resuming)
        return Json({"resumed": await letters.resume(asked.partition)}, 202)

    return routes


def view(letter: Document) -> dict[str, Any]:
    """A letter without its content."""
    shown = {name: letter[name] for name in FIELDS if name != "timestamp"}
    return {"id": letter["_id"], **shown, "received_at": moment(letter["timestamp"])}


def moment(timestamp_ms: int) -> datetime | None:
    """When Kafka took a record, where its timestamp is one."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms >= 0 else None
    except (OverflowError, OSError, ValueError):  # producers may stamp what they like
        return None


def _taking(taken: type, said: type, *problems: int) -> dict[str, Any]:
    [shape], components = schemas([taken])
    return both(says(said, *problems, status=202), takes({"application/json": shape}, components))


async def _body(request: Request, shape: type[T]) -> T:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise ProblemError(413, "a request may have 1 MiB at most")
    try:
        return msgspec.json.decode(bytes(body) or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(400, f"the body is refused: {re.sub(' - at .*', '', str(error))}") from error
