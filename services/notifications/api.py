"""The messages as JSON (design section 4). Names and addresses appear here and nowhere else."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.notifications.store import Database, list_messages, raw_mail
from shared.web import Json, ProblemError

Limit = Annotated[int, Query(ge=1, le=1_000)]


def router(database: Database) -> APIRouter:
    """The routes below /notifications/api."""
    routes = APIRouter(prefix="/notifications/api")

    @routes.get("/messages")
    async def messages(
        person_id: str = "", offering_id: str = "", kind: str = "", after: str = "", limit: Limit = 100
    ) -> Response:
        query = {"person_id": person_id, "offering_id": offering_id, "kind": kind}
        found = await list_messages(
            database, {name: value for name, value in query.items() if value}, after or None, limit
        )
        if found is None:
            raise ProblemError(400, "after: no such message", errors=[{"field": "after", "reason": "no such message"}])
        return Json(found)

    @routes.get("/messages/{message_id}/raw")
    async def raw(message_id: str) -> Response:
        mail = await raw_mail(database, message_id)
        if mail is None:
            raise ProblemError(404, "no such mail: it was not sent, or its reader was erased")
        return Response(mail, media_type="message/rfc822")

    return routes
