"""The messages as JSON (design section 4). Names and addresses appear here and nowhere else."""

from datetime import datetime
from typing import Annotated, Final, TypedDict

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from services.notifications.messages import Kind, MessageStatus
from services.notifications.store import Database, list_messages, raw_mail
from shared.openapi import says
from shared.web import Json, ProblemError

Limit = Annotated[int, Query(ge=1, le=1_000, description="So many at most.")]


class MessageView(TypedDict):
    """One message to one reader (person_id)."""

    message_id: str
    kind: Kind
    person_id: str | None
    offering_id: str | None
    session_id: str | None
    to: str | None
    subject: str | None
    language: str | None
    status: MessageStatus
    reason: str | None
    created_at: datetime
    sent_at: datetime | None


MAIL: Final = says(str, 404, media="message/rfc822")


def router(database: Database) -> APIRouter:
    """The routes below /notifications/api."""
    routes = APIRouter(prefix="/notifications/api")

    @routes.get("/messages", openapi_extra=says(list[MessageView], 400))
    async def messages(
        person_id: Annotated[str, Query(description="Only what is told to this person.")] = "",
        offering_id: Annotated[str, Query(description="Only what is about this offering.")] = "",
        kind: Annotated[str, Query(description="Only messages of this kind.")] = "",
        after: Annotated[str, Query(description="Only messages created after this message_id.")] = "",
        limit: Limit = 100,
    ) -> Response:
        """Messages in the order of their creation."""
        query = {"person_id": person_id, "offering_id": offering_id, "kind": kind}
        found = await list_messages(
            database, {name: value for name, value in query.items() if value}, after or None, limit
        )
        if found is None:
            raise ProblemError(400, "after: no such message", errors=[{"field": "after", "reason": "no such message"}])
        return Json(found)

    @routes.get(
        "/messages/{message_id}/raw", openapi_extra=says(str, 404, media="message/rfc822"), response_class=Response
    )
    async def raw(message_id: Annotated[str, Path(description="The message's id.")]) -> Response:
        """The mail as it was sent (RFC 5322)."""
        mail = await raw_mail(database, message_id)
        if mail is None:
            raise ProblemError(404, "no such mail: it was not sent, or its reader was erased")
        return Response(mail, media_type="message/rfc822")

    return routes
