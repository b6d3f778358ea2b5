"""The addresses that a reader of mails has: their own calendar, and the end of optional mails. No login, a signed link.

A GET changes nothing, for link scanners fetch every address in a mail: it shows a button; programs POST (RFC 8058).
"""

import hashlib
import pathlib
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from services.notifications.around import CALENDAR, UNSUBSCRIBE
from services.notifications.calendars import Office, Seat, subscription
from services.notifications.choices import Choice, choices_of, renew_links, unsubscribe
from services.notifications.documents import contact_of, entry_of
from services.notifications.links import Links
from services.notifications.moved import dropped_since
from services.notifications.reader_words import WORDS
from services.notifications.state import Known
from services.notifications.store import Database
from services.notifications.subscription_words import MORE
from shared.clock import Clock
from shared.events import Person
from shared.formats import LANGUAGES
from shared.openapi import says
from shared.pages import Pages
from shared.web import ProblemError
from shared.words import Words

Token = Annotated[str, Path(description="What stands in the address that a mail tells.")]
PersonId = Annotated[str, Path(description="The pseudonym of the calendar's reader.")]
HEADERS: Final = {
    "Cache-Control": "private, max-age=300",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": 'inline; filename="lernbus.ics"',
}


class Readers:
    """Who is behind a link, and their seats."""

    def __init__(self, database: Database, links: Links) -> None:
        self.database, self._links = database, links

    async def of_calendar(self, token: str) -> Person | None:
        """The person, unless erased, or given other links since."""
        match self._links.read(CALENDAR, token):
            case [str(person_id), int(links)]:
                choice = (await choices_of(self.database, [person_id])).get(person_id, Choice())
                return await self._person(person_id) if choice.links == links else None
        return None

    async def of_unsubscribe(self, token: str) -> Person | None:
        """The person, unless erased."""
        match self._links.read(UNSUBSCRIBE, token):
            case [str(person_id)]:
                return await self._person(person_id)
        return None

    async def seats(self, person_id: str) -> list[Seat]:
        """The confirmed ones, and those that were lost with their offering."""
        held = {"person_id": person_id, "status": {"$in": ["confirmed", "cancelled"]}}
        entries = [entry_of(one) async for one in self.database["bookings"].find(held).sort("version")]
        entries = [entry for entry in entries if entry.status == "confirmed" or entry.seated_at is not None]
        found = self.database["offerings"].find({"_id": {"$in": sorted({entry.offering_id for entry in entries})}})
        offerings = {one["_id"]: msgspec.convert(one, Known) async for one in found}
        seats: dict[str, Seat] = {}
        for entry in entries:
            known = offerings.get(entry.offering_id)
            if known and (entry.status == "confirmed" or known.offering.status == "cancelled"):
                gone = dropped_since(known.gone, entry.since)
                seats[entry.offering_id] = Seat(known.offering, gone, entry.version)
        return [*seats.values()]

    async def _person(self, person_id: str) -> Person | None:
        found = await self.database["contacts"].find_one({"_id": person_id})
        return contact_of(found).person if found else None


def router(readers: Readers, office: Office, clock: Clock) -> APIRouter:
    """GET /notifications/calendar/{token}.ics, GET and POST /notifications/unsubscribe/{token}."""
    routes = APIRouter(prefix="/notifications")
    pages = Pages("notifications", pathlib.Path(__file__).parent / "html", _words(), office.zone)

    @routes.head("/calendar/{token}.ics", include_in_schema=False)
    @routes.get("/calendar/{token}.ics", response_class=Response, openapi_extra=says(str, 404, media="text/calendar"))
    async def calendar(request: Request, token: Token) -> Response:
        """Everybody's own calendar (RFC 5545), to subscribe to: the token is in the mails."""
        person = await readers.of_calendar(token)
        if person is None:
            raise ProblemError(404, "this address has not been given to anybody, or is no longer in use")
        seats = await readers.seats(person.person_id)
        version = hashlib.sha256(msgspec.json.encode([person.language, seats])).hexdigest()[:32]
        headers = HEADERS | {"ETag": f'"{version}"'}
        if version in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        text = subscription(person.person_id, seats, person.language, office, clock.now())
        return Response(text, headers=headers, media_type="text/calendar")

    @routes.post("/api/people/{person_id}/links/renew", status_code=204, response_class=Response)
    async def renew(person_id: PersonId) -> Response:
        """Make the calendar's address known to others worthless: the next mail has a new one."""
        await renew_links(readers.database, person_id)
        return Response(None, 204)

    @routes.get("/unsubscribe/{token}", include_in_schema=False)
    async def show(request: Request, token: str) -> Response:
        person = await readers.of_unsubscribe(token)
        if person is None:
            return pages.answer(request, "link_unknown.html", 404)
        chosen = (await choices_of(readers.database, [person.person_id])).get(person.person_id, Choice())
        return pages.answer(request, "unsubscribe.html", unsubscribed=chosen.unsubscribed)

    @routes.post("/unsubscribe/{token}", include_in_schema=False)
    async def end(request: Request, token: str) -> Response:
        person = await readers.of_unsubscribe(token)
        if person is None:
            return pages.answer(request, "link_unknown.html", 404)
        unsubscribed = request.query_params.get("again") is None
        await unsubscribe(readers.database, person.person_id, unsubscribed=unsubscribed)
        return pages.answer(request, "unsubscribe.html", unsubscribed=unsubscribed)

    return routes


def _words() -> Words:
    return {language: {**WORDS[language], **MORE[language]} for language in LANGUAGES}
