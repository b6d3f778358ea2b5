"""`/enrolment/api/restatements`: the operator has everything said again, and sees how far that is."""

from typing import TypedDict

from fastapi import APIRouter, Response

from services.enrolment.restate import DONE, Restating
from shared.openapi import says
from shared.web import Json, ProblemError


class BegunAnswer(TypedDict):
    """The restatement that is under way now; `joined`: it was already."""

    generation: int
    joined: bool


class RestatementAnswer(TypedDict):
    """How far the last restatement is: documents said, about how many there are, and whether it is over."""

    generation: int
    said: int
    entities: int
    over: bool


def router(restating: Restating) -> APIRouter:
    """Like everything that is not for senders: behind a login or the operator's key."""
    routes = APIRouter(prefix="/enrolment/api/restatements")

    @routes.post("", status_code=202, openapi_extra=says(BegunAnswer, status=202))
    async def begin() -> Response:
        """Say the present state of everything again on enrolment.events: stats counts it anew, and nobody is told."""
        return Json((await restating.begin())._asdict(), 202)

    @routes.get("", openapi_extra=says(RestatementAnswer, 404))
    async def state() -> Response:
        """The last restatement."""
        found = await restating.state()
        if found is None:
            raise ProblemError(404, "nothing was restated yet")
        shown = {name: found[name] for name in ("generation", "said", "entities")}
        return Json({**shown, "over": found["stage"] == DONE})

    return routes
