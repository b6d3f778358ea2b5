"""`/enrolment/office/{action}`: a form for each thing that the training office does, and what comes of sending it."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.enrolment import door, office
from services.enrolment.api import Door
from services.enrolment.history import OFFICE
from services.enrolment.lists import Lists
from services.enrolment.office import ACTIONS, Form, WrongError
from services.enrolment.office_words import OFFICE_WORDS
from services.enrolment.pending import Pending
from services.enrolment.settings import Settings
from services.enrolment.state import Ledger
from services.enrolment.words import WORDS
from shared.clock import Clock
from shared.cloudevents import BATCH, Event
from shared.events import Offering
from shared.formats import LANGUAGES
from shared.guard import user_of
from shared.keys import partition_of
from shared.pages import HEADERS, Missing, Pages
from shared.runtime import Database
from shared.web import ProblemError

FORM_BYTES: Final = 1024 * 1024
FIELDS: Final = 5_000
ALL_WORDS: Final = {one: {**WORDS[one], **OFFICE_WORDS[one]} for one in LANGUAGES}


class Office:
    """The desk of the training office."""

    def __init__(self, database: Database, settings: Settings, clock: Clock, entrance: Door) -> None:
        self._lists, self._pending, self._door = Lists(database), Pending(database), entrance
        self._settings, self._clock = settings, clock
        self._pages = Pages("enrolment", Path(__file__).parent / "html", ALL_WORDS, settings.zone)

    async def show(self, request: Request, action: str) -> Response:
        """The form. Raises Missing."""
        form = dict(request.query_params)
        return await self._form(request, action, form, await self._ledger(action, form))

    async def act(self, request: Request, action: str) -> Response:
        """Put it onto the log and go back; or the form again: with what is wrong, or asking once more."""
        form = await _read(request)
        ledger = await self._ledger(action, form)
        if _is_outdated(form, ledger.offering):
            return await self._form(request, action, form, ledger, errors={"": "outdated"}, status=409)
        read = office.Reading(form, ledger.offering, self._settings.zone, user_of(request))
        try:
            said = office.events(action, read)
            if said and office.needs_asking(action, said[0][1], ledger.confirmed) and form.get("sure") != "yes":
                return await self._form(request, action, form, ledger, sure=True)
            await self._send(action, said, read)
        except WrongError as wrong:
            return await self._form(request, action, form, ledger, errors=wrong.errors, status=422)
        except ProblemError as problem:
            return await self._form(request, action, form, ledger, errors={"": problem.detail}, status=problem.status)
        return RedirectResponse(_back(request, form, ledger.offering.offering_id), 303, HEADERS)

    def missing(self, request: Request) -> Response:
        """There is no such action or offering."""
        return self._pages.missing(request)

    async def _ledger(self, action: str, form: Form) -> Ledger:
        ledger = await self._lists.ledger(form.get("offering_id", ""))
        if ledger is None or action not in ACTIONS:
            raise Missing
        return ledger

    async def _send(self, action: str, said: list[tuple[str, dict[str, Any]]], read: office.Reading) -> None:
        """Through the door, as if an LMS had pushed it. Raises WrongError and ProblemError."""
        now = self._clock.now()
        events = _checked([Event(uuid4().hex, OFFICE, kind, now, data) for kind, data in said], read.form)
        if not events:
            return
        offering_id = read.offering.offering_id
        partition = partition_of(offering_id.encode(), self._settings.partitions)
        order = {
            "offering_id": offering_id,
            "action": action,
            "person_id": read.text("person_id"),
            "by": read.who,
            "at": now,
        }
        await self._pending.add(order, partition, await self._door.take(events))

    async def _form(
        self, request: Request, action: str, form: Form, ledger: Ledger, status: int = 200, **more: Any
    ) -> Response:
        """The page with the form. `errors`: by field; `sure`: asks once more."""
        offering, zone = ledger.offering, self._settings.zone
        values = {
            "action": action,
            "offering": offering,
            "confirmed": ledger.confirmed,
            "names": await self._lists.organisations([one.organisation_id for one in offering.delegations]),
            "form": form,
            "back": _back(request, form, offering.offering_id),
            "rows": _rows(action, form, offering, zone),
            "errors": {},
            "sure": False,
            "can": action == "attendance" or offering.status != "cancelled",
            **more,
        }
        return self._pages.answer(request, "office.html", status, **values)


def router(database: Database, settings: Settings, clock: Clock, entrance: Door) -> APIRouter:
    """GET and POST /enrolment/office/{action}."""
    desk, routes = Office(database, settings, clock, entrance), APIRouter(prefix="/enrolment/office")

    @routes.get("/{action}", include_in_schema=False)
    async def show(request: Request, action: str) -> Response:
        try:
            return await desk.show(request, action)
        except Missing:
            return desk.missing(request)

    @routes.post("/{action}", include_in_schema=False)
    async def act(request: Request, action: str) -> Response:
        try:
            return await desk.act(request, action)
        except Missing:
            return desk.missing(request)

    return routes


async def _read(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise ProblemError(413, "a form may have 1 MiB at most")
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise ProblemError(413, f"a form may have {FIELDS} fields at most") from error
    return {name: values[0] for name, values in fields.items()}


def _checked(events: list[Event], form: Form) -> list[Event]:
    """The same checks as for what an LMS pushes."""
    try:
        return door.read_request(BATCH, {}, msgspec.json.encode(events)) or []
    except door.RefusedError as refused:
        raise WrongError(office.fields_of(refused.errors, form)) from refused


def _is_outdated(form: Form, offering: Offering) -> bool:
    """Whether somebody else has changed the offering since the form was made; a form need not say what it saw."""
    return form.get("version", "") not in ("", str(offering.version))


def _back(request: Request, form: Form, offering_id: str) -> str:
    """Where the form says one came from, if that is a path of ours; else the offering's page."""
    back = form.get("back", "")
    if back.startswith("/") and not back.startswith("//") and back.isprintable() and "\\" not in back:
        return quote(back, safe="/?&=#%+:;,@!$'()*~")
    query = {name: value for name, value in request.query_params.items() if name == "lang"}
    return quote(f"/enrolment/offerings/{offering_id}") + (f"?{urlencode(query)}" if query else "")


def _rows(action: str, form: Form, offering: Offering, zone: Any) -> list[dict[str, str]]:  # noqa: ANN401 (a zone)
    """The sessions as rows of a form: as they were sent, or as they are; and two empty ones."""
    if action not in ("reschedule", "format"):
        return []
    names = ("session_id", "title", "format", "starts_at", "ends_at", "location", "join_url")
    sent = sorted({int(name.split(".")[1]) for name in form if name.startswith("session.") and _is_row(name)})
    if sent:
        return [
            {"n": str(row), **{name: form.get(f"session.{row}.{name}", "") for name in names}}
            for row in sent[: office.ROWS]
        ]
    shown = [
        {
            **{name: str(getattr(one, name) or "") for name in names},
            "starts_at": office.local(one.starts_at, zone) if one.starts_at else "",
            "ends_at": office.local(one.ends_at, zone) if one.ends_at else "",
        }
        for one in offering.sessions
    ]
    rows: list[dict[str, str]] = [*shown, *(dict.fromkeys(names, "") for _ in range(1 if shown else 2))]
    return [{"n": str(row), **one} for row, one in enumerate(rows)]


def _is_row(name: str) -> bool:
    return name.count(".") == 2 and name.split(".")[1].isdecimal()  # noqa: PLR2004 (session.<n>.<name>)
