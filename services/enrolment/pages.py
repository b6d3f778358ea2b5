"""The training office's pages: offerings with their seats, and one offering with its queue and bookings. No names."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.enrolment import shown
from services.enrolment.cohorts import cohorts_of
from services.enrolment.lists import BOOKINGS, STATUSES, Lists
from services.enrolment.office_words import OFFICE_WORDS
from services.enrolment.page_words import PAGE_WORDS
from services.enrolment.pending import Pending
from services.enrolment.settings import Settings
from services.enrolment.shelf import FORMATS, ONLY, STATES, WHEN, asked
from services.enrolment.state import Entry, Ledger
from services.enrolment.views import OfferingView, Views, offering_view
from services.enrolment.waiting import Claimant
from services.enrolment.why import say, why
from services.enrolment.words import WORDS
from shared.clock import Clock
from shared.events import Booking
from shared.formats import LANGUAGES, Language
from shared.live import Live
from shared.pages import Missing, Pages, language_of, whole_page
from shared.runtime import Database
from shared.series import attended_all

ALL_WORDS = {one: {**WORDS[one], **PAGE_WORDS[one], **OFFICE_WORDS[one]} for one in LANGUAGES}
LIVE = "/enrolment/live"
NOT_TOLD = {"cohort": None, "group_id": None, "released": (), "people": 0, "reason": None, "delegations": ()}


def router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """GET /enrolment/ and /enrolment/offerings/{offering_id}, and the streams of their changes."""
    routes = APIRouter(prefix="/enrolment", include_in_schema=False)
    site = Site(database, clock)
    pages = Pages("enrolment", Path(__file__).parent / "html", ALL_WORDS, settings.zone)

    @routes.get("/")
    async def offerings(request: Request) -> Response:
        try:
            return pages.answer(request, "offerings.html", **await site.offerings(request))
        except Missing:
            return pages.missing(request)

    @routes.get("/offerings/{offering_id:path}")
    async def offering(request: Request, offering_id: str) -> Response:
        try:
            return pages.answer(request, "offering.html", **await site.offering(request, offering_id))
        except Missing:
            return pages.missing(request)

    @routes.get("/live/offerings")
    async def live_list(request: Request) -> Response:
        return site.list_changes.answer(request)

    @routes.get("/live/offerings/{offering_id:path}")
    async def live_offering(request: Request, offering_id: str) -> Response:
        return site.changes.answer(request, offering_id)

    return routes


class Site:
    """Gathers what the pages show."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._lists, self._pending, self._clock = Lists(database), Pending(database), clock
        self._views = Views(database)
        self.list_changes = Live(self._lists.progress)
        self.changes = Live(self._fingerprint)

    async def offerings(self, request: Request) -> dict[str, Any]:
        """One page of the offerings that are looked for. Raises Missing."""
        what, now = asked(request.query_params), self._clock.now()
        live = f"{LIVE}/offerings?seen={await self.list_changes.mark()}"
        found, page, pages, count = await self._lists.offerings(what, now, request.query_params.get("page", "1"))
        courses = await self._lists.courses({one.offering.course_id for one in found})
        return {
            "live": live,
            "now": now,
            "asked": what,
            "hosts": await self._lists.hosts(),
            "choices": {"state": STATES, "format": FORMATS, "when": WHEN, "only": ONLY},
            "rows": [_summary(one, now) | {"course": courses.get(one.offering.course_id)} for one in found],
            "is_empty": not count and not await self._lists.any_offering(),
            "count": count,
            "page": page,
            "pages": pages,
        }

    async def offering(self, request: Request, offering_id: str) -> dict[str, Any]:
        """One offering with a page of its bookings and one of its history. Raises Missing."""
        live = f"{LIVE}/offerings/{quote(offering_id)}?seen={await self.changes.mark(offering_id)}"
        ledger, now = await self._lists.ledger(offering_id), self._clock.now()
        if ledger is None:
            raise Missing
        queue = await self._lists.queue(offering_id)
        listed = await self._listed(request, ledger)
        waiting = [(0, one, one.live) for one in queue if one.live is not None]
        names = await self._lists.organisations(_organisations(ledger, [*waiting, *listed["claims"]]))
        places = {one.id: place for place, one in enumerate(queue, 1)}
        places |= await self._lists.places(offering_id, [one for _, one, _ in listed["claims"] if one.id not in places])
        speak = Speaker(ledger, now, names, language_of(request), places)
        return {
            "live": live,
            "now": now,
            **_summary(offering_view(ledger), now),
            **{name: value for name, value in listed.items() if name != "claims"},
            **await self._history(request, offering_id),
            "course": (await self._lists.courses([ledger.offering.course_id])).get(ledger.offering.course_id),
            "names": names,
            "cohorts": cohorts_of(offering_id, ledger.offering.course_id, await self._views.assigned(ledger.offering)),
            "orders": await self._pending.latest(offering_id),
            "undecided": await self._undecided(ledger, speak),
            "attendance": await self._attendance(ledger, now),
            "queue": [speak.row(*one) for one in waiting],
            "bookings": [speak.row(*one) for one in listed["claims"]],
            "requests": ledger.requests,
        }

    async def _listed(self, request: Request, ledger: Ledger) -> dict[str, Any]:
        """Bookings by status, or one person's."""
        offering_id, query = ledger.offering.offering_id, request.query_params
        status = query.get("status", "") if query.get("status", "") in STATUSES else ""
        person = query.get("person", "").strip()[:200]
        ended = ledger.requests - ledger.live
        counts = {"": ledger.requests, "confirmed": ledger.confirmed, "waiting": ledger.waiting}
        counts |= {"awaiting_approval": ledger.awaiting, "ended": ended}
        page, pages = whole_page(query.get("page", "1"), 0 if person else counts[status], BOOKINGS)
        if person:
            claims = await self._lists.person(offering_id, person)
        else:
            claims = await self._lists.bookings(offering_id, status, page)
        first = (page - 1) * BOOKINGS + 1
        return {
            "claims": claims,
            "which": status,
            "person": person,
            "counts": counts,
            "first": first,
            "page": page,
            "pages": pages,
        }

    async def _undecided(self, ledger: Ledger, speak: "Speaker") -> list[dict[str, Any]]:
        """The first of those about whom the supervisor has not decided."""
        if not ledger.awaiting:
            return []
        return [
            speak.row(*one) for one in await self._lists.bookings(ledger.offering.offering_id, "awaiting_approval", 1)
        ]

    async def _attendance(self, ledger: Ledger, now: datetime) -> dict[tuple[str, str], int]:
        """Counted only once there can be any."""
        begins = [one.starts_at for one in ledger.offering.sessions if one.starts_at is not None]
        if begins and min(begins) > now:
            return {}
        return await self._lists.attendance(ledger.offering.offering_id)

    async def _history(self, request: Request, offering_id: str) -> dict[str, Any]:
        asked_for = request.query_params.get("history", "1")
        page, _ = whole_page(asked_for, 10**9, 1)
        entries, more = await self._lists.history(offering_id, page)
        return {"history": [_told(one) for one in entries], "history_page": page, "history_more": more}

    async def _fingerprint(self, offering_id: str) -> object:
        return await self._lists.version(offering_id), await self._pending.fingerprint(offering_id)


class Speaker:
    """Says of a booking why it is what it is."""

    def __init__(
        self, ledger: Ledger, now: datetime, names: dict[str, str], language: Language, places: dict[str, int]
    ) -> None:
        self._ledger, self._now, self._names = ledger, now, names
        self._language, self._places = language, places

    def row(self, number: int, claimant: Claimant, booking: Booking) -> dict[str, Any]:
        """A booking with its number among the requests, its place in the queue and the reason of its state."""
        ledger, is_waiting = self._ledger, booking.status == "waiting"
        place = self._places.get(claimant.id) if is_waiting else None
        reason = why(ledger, booking, self._now, place, approved=claimant.approved)
        return {
            "number": number,
            "booking": booking,
            "place": place,
            "why": say(reason, self._language, self._names),
            "overdue": shown.overdue(booking, ledger.offering, self._now),
            "present": shown.present(booking),
            "attended_all": attended_all(ledger.offering.sessions, booking.attendance),
        }


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
        "late": shown.is_overdue(view.offering, view.seats, now),
    }


def _organisations(ledger: Ledger, claims: Sequence[tuple[int, Claimant, Booking]]) -> set[str]:
    named = {ledger.offering.host_organisation_id, *(one.organisation_id for one in ledger.offering.delegations)}
    return named | {one.organisation_id for _, _, one in claims if one.organisation_id is not None}


def _told(entry: Entry) -> dict[str, Any]:
    """An entry of the history with its moments as moments."""
    details: dict[str, Any] = {**NOT_TOLD, **entry.details}
    for name in ("booking_opens_at", "booking_closes_at", "cancel_until"):
        if name in details:
            details[name] = [_moment(one) for one in details[name]]
    details["sessions"] = [(title, _moment(was), _moment(now)) for title, was, now in details.get("sessions", ())]
    return {"entry": entry, "at": _moment(entry.at), "details": details}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
