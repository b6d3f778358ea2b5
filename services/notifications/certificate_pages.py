"""Certificates over HTTP: whether a code is valid, for all; the file itself, for the training office."""

from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.notifications import certificate_pdf
from services.notifications.certificates import grouped, read_code
from services.notifications.certified import Certificate
from services.notifications.documents import contact_of
from services.notifications.extras import CODES, office_of
from services.notifications.links import Links
from services.notifications.messages import Contact
from services.notifications.reader_words import WORDS
from services.notifications.settings import Settings
from services.notifications.store import Database
from shared.formats import LANGUAGES
from shared.pages import Pages
from shared.web import ProblemError

HTML: Final = Path(__file__).parent / "html"
PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def router(database: Database, links: Links, settings: Settings) -> APIRouter:
    """GET /notifications/certificates/{code} and /notifications/bookings/{booking_id}/certificate.pdf."""
    routes = APIRouter(prefix="/notifications", include_in_schema=False)
    pages = Pages("notifications", HTML, WORDS, settings.zone)

    @routes.get("/certificates/")
    async def ask(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> Response:
        if read := read_code(code):
            language = request.query_params.get("lang")
            chosen = f"?lang={language}" if language in LANGUAGES else ""
            return RedirectResponse(CODES + grouped(read) + chosen, 303)
        return pages.answer(request, "certificate.html", 404 if code else 200, valid=False if code else None, code=code)

    @routes.get("/certificates/{code}")
    async def check(request: Request, code: str) -> Response:
        read = read_code(code)
        valid = read is not None and await is_valid(database, read)
        shown = grouped(read) if read else ""
        return pages.answer(request, "certificate.html", 200 if valid else 404, valid=valid, code=shown)

    @routes.get("/bookings/{booking_id}/certificate.pdf")
    async def file(booking_id: str) -> Response:
        return await _file(database, links, settings, booking_id, settings.zone)

    return routes


async def is_valid(database: Database, code: str) -> bool:
    """Whether a certificate with this code was issued, was not withdrawn, and its person is not erased."""
    found = await database["certificates"].find_one({"code": code, "valid": True}, ["person_id"])
    return found is not None and not _is_erased(await _contact(database, found["person_id"]))


async def _file(database: Database, links: Links, settings: Settings, booking_id: str, zone: ZoneInfo) -> Response:
    found = await database["certificates"].find_one({"_id": booking_id, "valid": True})
    contact = await _contact(database, found["person_id"]) if found else None
    if found is None or contact is None or contact.person is None:
        raise ProblemError(404, "there is no valid certificate for this booking, or nobody has told the person's name")
    certificate = msgspec.convert(found, Certificate)
    pdf = await certificate_pdf.render(certificate, contact.person, office_of(settings), links.url(CODES), zone)
    name = certificate_pdf.file_name(contact.person.language)
    return Response(
        pdf, media_type="application/pdf", headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    )


async def _contact(database: Database, person_id: str) -> Contact | None:
    found = await database["contacts"].find_one({"_id": person_id})
    return contact_of(found) if found else None


def _is_erased(contact: Contact | None) -> bool:
    return contact is not None and contact.person is None
