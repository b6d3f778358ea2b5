"""`/enrolment/api/restatements`: the operator has everything said again, and sees how far that is."""

from typing import Final, TypedDict

from fastapi import APIRouter, Response

from services.enrolment.restate import DONE, Restating
from shared.openapi import says
from shared.web import Json

NONE: Final = {"generation": 0, "said": 0, "entities": 0, "ends": {}, "stage": DONE}


class BegunAnswer(TypedDict):
    """The restatement that is under way now; `joined`: it was already."""

    generation: int
    joined: bool


class RestatementAnswer(TypedDict):
    """How far the last restatement is: documents said, about how many there are, and whether it is over.

    `ends`: partition of enrolment.events -> offset of the end mark, once it is over. `generation` 0: there was none.
    """

    generation: int
    said: int
    entities: int
    over: bool
    ends: dict[str, int]


def router(restating: Restating) -> APIRouter:
    """Like everything that is not for senders: behind a login or the operator's key."""
    routes = APIRouter(prefix="/enrolment/api/restatements")

    @routes.post("", status_code=202, openapi_extra=says(BegunAnswer, status=202))
    async def begin() -> Response:
        """Say the present state of everything again on enrolment.events: stats counts it anew, and nobody is told."""
        return Json((await restating.begin())._asdict(), 202)

    @routes.get("", openapi_extra=says(RestatementAnswer))
    async def state() -> Response:
        """The last restatement."""
        found = await restating.state() or NONE
        shown = {name: found[name] for name in ("generation", "said", "entities", "ends")}
        return Json({**shown, "over": found["stage"] == DONE})

    return routes
