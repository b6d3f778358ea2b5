"""`/<service>/dead-letters`: the page for what could not be processed. Forms with POST, no JavaScript."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from shared.dead_letters import DeadLetters
from shared.dead_letters_api import moment
from shared.letter_words import WORDS, detail_of
from shared.letters import Document
from shared.pages import HEADERS, Pages
from shared.runtime import Service
from shared.web import ProblemError

SHOWN: Final = 50
FORM_BYTES: Final = 4 * 1024 * 1024
"""A form may escape every byte of an edited record by three."""
STATUSES: Final = ("open", "replayed", "dropped")


class _Site:
    """The pages of one service."""

    def __init__(self, service: Service) -> None:
        self.base = f"/{service.name}/dead-letters"
        self.letters = DeadLetters(service)
        self.pages = Pages(service.name, Path(__file__).parent / "html", WORDS, service.settings.zone)

    async def overview(self, request: Request, status: int = 200, refused: str = "") -> Response:
        """What stands still, the reasons, and one page of letters. Raises ProblemError."""
        asked = {name: request.query_params.get(name, "") for name in ("reason", "status", "after")}
        wanted = asked["status"] if asked["status"] in (*STATUSES, "all") else "open"
        query = {"status": "" if wanted == "all" else wanted, "reason": asked["reason"]}
        found = await self.letters.page({k: v for k, v in query.items() if v}, asked["after"], SHOWN + 1)
        values = {
            "letters": [_shown(one) for one in found[:SHOWN]],
            "more": found[SHOWN - 1]["_id"] if len(found) > SHOWN else None,
            "reasons": await self.letters.reasons(),
            "stopped": await self.letters.stopped(),
            "asked": {"reason": asked["reason"], "status": wanted},
            "statuses": STATUSES,
        }
        return self._answer(request, "dead_letters.html", status, refused, values)

    async def detail(
        self, request: Request, letter_id: str, status: int = 200, refused: str = "", typed: str | None = None
    ) -> Response:
        """One letter; `typed` is what somebody has edited in vain. Raises ProblemError."""
        letter = await self.letters.one(letter_id)
        behind, _ = await self.letters.behind(letter)
        values = {"letter": _shown(letter), "behind": behind, **_content(letter)}
        return self._answer(
            request, "dead_letter.html", status, refused, values if typed is None else {**values, "typed": typed}
        )

    async def settle_all(self, request: Request) -> Response:
        """What one of the overview's forms asks for."""
        form = await _form(request)
        try:
            match form.get("action"):
                case "resume":
                    await self.letters.resume(form.get("place", ""))
                case "replay" | "drop" as what:
                    await self.letters.settle_all(what, form.get("reason", ""))
        except ProblemError as error:
            return await self.overview(request, error.status, error.detail)
        return self._again(request, self.base)

    async def settle(self, request: Request, letter_id: str) -> Response:
        """What one of a letter's forms asks for."""
        form = await _form(request)
        typed = form.get("value", "") if form.get("action") == "edit" else None
        what = "drop" if form.get("action") == "drop" else "replay"
        try:
            await self.letters.settle(what, [letter_id], None if typed is None else typed.encode())
        except ProblemError as error:
            return await self.detail(request, letter_id, error.status, error.detail, typed)
        return self._again(request, f"{self.base}/{letter_id}")

    def _answer(self, request: Request, template: str, status: int, refused: str, values: dict[str, Any]) -> Response:
        was_asked = request.query_params.get("asked") == "1"
        said = {"base": self.base, "was_asked": was_asked, "refused": refused}
        return self.pages.answer(request, template, status, **said, **values)

    def _again(self, request: Request, path: str) -> Response:
        """To where the person came from, with the word that the order is accepted."""
        query = {"asked": "1", **{name: value for name, value in request.query_params.items() if name == "lang"}}
        return RedirectResponse(f"{quote(path)}?{urlencode(query)}", 303, HEADERS)


def router(service: Service) -> APIRouter:
    """The routes of one service."""
    site = _Site(service)
    routes = APIRouter(prefix=site.base, include_in_schema=False)

    async def or_missing(request: Request, page: Awaitable[Response]) -> Response:
        try:
            return await page
        except ProblemError:
            return site.pages.missing(request)

    @routes.get("")
    async def listed(request: Request) -> Response:
        return await or_missing(request, site.overview(request))

    @routes.post("")
    async def settle_all(request: Request) -> Response:
        return await site.settle_all(request)

    @routes.get("/{topic}/{partition}/{offset}")
    async def one(request: Request, topic: str, partition: str, offset: str) -> Response:
        return await or_missing(request, site.detail(request, f"{topic}/{partition}/{offset}"))

    @routes.post("/{topic}/{partition}/{offset}")
    async def settle(request: Request, topic: str, partition: str, offset: str) -> Response:
        return await or_missing(request, site.settle(request, f"{topic}/{partition}/{offset}"))

    return routes


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form. A browser writes a line's end as two characters; JSON does not mind."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise ProblemError(413, "a form may have 4 MiB at most")
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _shown(letter: Document) -> dict[str, Any]:
    return {**letter, "id": letter["_id"], "received": moment(letter["timestamp"]), "said": detail_of(letter)}


def _content(letter: Document) -> dict[str, Any]:
    text, edited = _text(letter["value"]), _text(letter["edited"])
    headers = [(name, _text(value)) for name, value in letter["headers"]]
    return {"content": text, "edited": edited, "headers": headers, "typed": text if edited is None else edited}


def _text(content: bytes | None) -> str | None:
    """Bytes as far as they are a text."""
    return None if content is None else content.decode(errors="backslashreplace")
