"""The training office's pages: offerings with their seats, and one offering with its queue and bookings. No names."""

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.enrolment import shown
from services.enrolment.lists import BOOKINGS, OFFERINGS, Lists
from services.enrolment.settings import Settings
from services.enrolment.state import Ledger
from services.enrolment.views import OfferingView, offering_view
from services.enrolment.words import WORDS
from shared.clock import Clock
from shared.events import Booking
from shared.pages import Missing, Pages, whole_page
from shared.runtime import Database


def router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """GET /enrolment/ and /enrolment/offerings/{offering_id}."""
    routes = APIRouter(prefix="/enrolment", include_in_schema=False)
    lists = Lists(database)
    pages = Pages("enrolment", Path(__file__).parent / "html", WORDS, settings.zone)

    @routes.get("/")
    async def offerings(request: Request, page: str = "1") -> Response:
        try:
            return pages.answer(request, "offerings.html", **await _offerings(lists, page, clock.now()))
        except Missing:
            return pages.missing(request)

    @routes.get("/offerings/{offering_id:path}")
    async def offering(request: Request, offering_id: str, page: str = "1") -> Response:
        try:
            return pages.answer(request, "offering.html", **await _offering(lists, offering_id, page, clock.now()))
        except Missing:
            return pages.missing(request)

    return routes


async def _offerings(lists: Lists, asked: str, now: datetime) -> dict[str, Any]:
    count = await lists.count()
    page, pages = whole_page(asked, count, OFFERINGS)
    found = await lists.offerings(now, page)
    courses = await lists.courses({one.offering.course_id for one in found})
    rows = [_summary(one, now) | {"course": courses.get(one.offering.course_id)} for one in found]
    return {"now": now, "rows": rows, "count": count, "page": page, "pages": pages}


def _summary(view: OfferingView, now: datetime) -> dict[str, Any]:
    """What both pages say of an offering's seats."""
    return {
        "view": view,
        "offering": view.offering,
        "seats": view.seats,
        "next": shown.next_session(view.offering, now),
        "state": shown.state(view.offering, view.seats, now),
        "bar": shown.bar(view.offering, view.seats),
        "kept": shown.kept(view.seats),
    }


async def _offering(lists: Lists, offering_id: str, asked: str, now: datetime) -> dict[str, Any]:
    ledger = await lists.ledger(offering_id)
    if ledger is None:
        raise Missing
    page, pages = whole_page(asked, ledger.requests, BOOKINGS)
    queue = [one.live for one in await lists.queue(offering_id) if one.live is not None]
    claims = await lists.bookings(offering_id, page)
    view = offering_view(ledger)
    people = [*queue, *(claim.booking for claim in claims)]
    return {
        **_summary(view, now),
        "now": now,
        "course": (await lists.courses([view.offering.course_id])).get(view.offering.course_id),
        "names": await lists.organisations(_organisations(view, people)),
        "queue": queue,
        "bookings": [_booking(claim.seq, claim.booking, ledger, now) for claim in claims],
        "requests": ledger.requests,
        "page": page,
        "pages": pages,
    }


def _organisations(view: OfferingView, bookings: list[Booking]) -> set[str]:
    named = {view.offering.host_organisation_id, *(one.organisation_id for one in view.delegations)}
    return named | {one.organisation_id for one in bookings if one.organisation_id is not None}


def _booking(number: int, booking: Booking, ledger: Ledger, now: datetime) -> dict[str, Any]:
    overdue = shown.overdue(booking, ledger.offering, now)
    return {"number": number, "booking": booking, "overdue": overdue, "present": shown.present(booking)}
