"""Enrolment over HTTP: the door for what an LMS pushes, and the offerings as JSON (design section 4)."""

import asyncio
from typing import Annotated, Final, NoReturn, TypedDict

from fastapi import APIRouter, Path, Request, Response
from pymongo.errors import PyMongoError

from services.enrolment import door
from services.enrolment.answers import BookingAnswer, booking_answers
from services.enrolment.cohorts import AssignedCohort, cohorts_of
from services.enrolment.records import attributes_of
from services.enrolment.settings import Settings
from services.enrolment.store import write_person
from services.enrolment.views import OfferingAnswer, Views
from shared import marks
from shared.clock import Clock
from shared.cloudevents import Event
from shared.errors import Unpublished
from shared.events import Person, PersonErased
from shared.guard import sender_of
from shared.openapi import both, says, takes
from shared.publisher import Publisher
from shared.runtime import Database
from shared.web import Json, ProblemError

PUBLISH_SECONDS: Final = 10
OfferingId = Annotated[str, Path(description="The offering's id, as the LMS gave it; it may hold slashes.")]


class Accepted(TypedDict):
    """How many events were taken in, all of them acknowledged by Kafka."""

    accepted: int


PUSH: Final = both(says(Accepted, 400, 401, 403, 413, 415, 503, status=202), takes(*door.described()))


class Door:
    """Takes events in: all of a request, or none of it."""

    def __init__(self, database: Database, publisher: Publisher, settings: Settings, clock: Clock) -> None:
        self._people, self._views = database["people"], Views(database)
        self._publisher, self._settings, self._clock = publisher, settings, clock

    async def receive(self, request: Request) -> int:
        """Accept a request; the number of its events, once Kafka has acknowledged all."""
        body = await _body(request)
        try:
            events = door.read_request(request.headers.get("content-type", ""), request.headers, body)
        except door.RefusedError as refused:
            raise ProblemError(400, str(refused), errors=refused.errors) from refused
        if events is None:
            raise ProblemError(415, "send a CloudEvent in structured, binary or batch mode")
        if errors := door.of_others(events, sender_of(request)):
            raise ProblemError(403, f"{len(errors)} events of a source that this key is not for", errors=errors)
        return len(await self.take(events))

    async def take(self, events: list[Event]) -> list[int]:
        """Put events that were checked onto the log; their offsets there, once Kafka has acknowledged all."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                return await self._accept(events)
        except (Unpublished, PyMongoError, TimeoutError) as error:
            raise ProblemError(503, "the event bus cannot take events now", {"Retry-After": "5"}) from error

    async def mark(self) -> marks.Places:
        """Put a mark behind everything that was accepted."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                return await marks.append_everywhere(self._publisher, self._clock, self._settings.partitions)
        except (Unpublished, TimeoutError) as error:
            raise ProblemError(503, "the event bus cannot take events now", {"Retry-After": "5"}) from error

    async def _accept(self, events: list[Event]) -> list[int]:
        missing = door.incomplete(events)
        filled = door.fill(events, await self._views.attributes(missing) if missing else {})
        outs = [door.place(event, self._settings.partitions) for event in filled]
        if any(len(out.value or b"") > door.MAX_BYTES for out in outs):
            raise ProblemError(413, "an event is larger than 1 MiB once it is complete")
        offsets = await self._publisher.publish(outs)
        await self._keep(filled, offsets)
        return offsets

    async def _keep(self, events: list[Event], offsets: list[int]) -> None:
        """Keep what people's records say before the answer, so that the next request finds it."""
        placed = zip(events, offsets, strict=True)
        people = [(event.data, at) for event, at in placed if isinstance(event.data, (Person, PersonErased))]
        writes = [write_person(one.person_id, attributes_of(one, at)) for one, at in people]
        if writes:
            await self._people.bulk_write(writes)


async def _body(request: Request) -> bytes:
    """The body, up to 1 MiB; a larger one is not read to its end."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > door.MAX_BYTES:
            raise ProblemError(413, "a request may have 1 MiB at most")
    return bytes(body)


def router(entrance: Door, views: Views, clock: Clock) -> APIRouter:
    """The routes of the contract."""
    routes = APIRouter(prefix="/enrolment")

    @routes.post("/lms/events", status_code=202, openapi_extra=PUSH)
    async def receive(request: Request) -> Response:
        """CloudEvents over HTTP, structured, binary or batch: all of a request is accepted, or nothing of it."""
        return Json({"accepted": await entrance.receive(request)}, 202)

    @routes.post("/api/marks", status_code=202, openapi_extra=says(marks.Places, 503, status=202))
    async def mark() -> Response:
        """Append a mark to every partition of both LMS topics; the answer says where: topic, partition, offset."""
        return Json(await entrance.mark(), 202)

    @routes.get("/api/offerings/{offering_id:path}/bookings", openapi_extra=says(list[BookingAnswer], 404))
    async def bookings(offering_id: OfferingId) -> Response:
        """All bookings of an offering, in the order of the requests on the log, and why each is what it is."""
        ledger = await views.ledger(offering_id) or _missing(offering_id)
        names = await views.organisations({one.organisation_id for one in ledger.offering.delegations})
        claimants = await views.claimants(offering_id)
        # a long queue takes seconds to put into words, and the consumer shares this loop
        return Json(await asyncio.to_thread(booking_answers, ledger, claimants, names, clock.now()))

    @routes.get("/api/offerings/{offering_id:path}/cohorts", openapi_extra=says(list[AssignedCohort], 404))
    async def cohorts(offering_id: OfferingId) -> Response:
        """Who was assigned to an offering, and who has fulfilled it, in this run or in another one of its course."""
        offering = (await views.ledger(offering_id) or _missing(offering_id)).offering
        return Json(cohorts_of(offering_id, offering.course_id, await views.assigned(offering)))

    @routes.get("/api/offerings/{offering_id:path}", openapi_extra=says(OfferingAnswer, 404))
    async def offering(offering_id: OfferingId) -> Response:
        """One offering with its seats and delegations."""
        found = await views.offering(offering_id)
        return Json(found.answer() if found else _missing(offering_id))

    return routes


def _missing(offering_id: str) -> NoReturn:
    raise ProblemError(404, f"there is no offering {offering_id}")
