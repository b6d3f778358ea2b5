"""What the pages of the three services share: layout, language of a request, and headers that let nothing in."""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared import formats
from shared.formats import LANGUAGES, Language
from shared.words import COMMON, Words

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would hide the origin of our own forms
    "Cache-Control": "no-store",  # names and bookings stay in no cache
    "Vary": "Accept-Language",
}
SERVICES: Final = ("enrolment", "notifications", "stats")


class Missing(Exception):
    """There is nothing at this address."""


class Pages:
    """The templates of one service, those in `shared/html` behind them; `words` are the service's own."""

    def __init__(self, service: str, folder: Path, words: Words, zone: ZoneInfo) -> None:
        self._service, self._zone = service, zone
        self._words = {language: {**COMMON[language], **words[language]} for language in LANGUAGES}
        self._environment = Environment(
            loader=FileSystemLoader([folder, Path(__file__).parent / "html"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def answer(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a template in the language of the request."""
        language = language_of(request)
        context = {
            **_formats(language, self._zone),
            **_links(request),
            **_speech(self._words[language]),
            "language": language,
            "others": [(one, COMMON[one]["language"], _switched(request, one)) for one in LANGUAGES if one != language],
            "service": self._service,
            "services": SERVICES,
            "zone": self._zone.key,
            **values,
        }
        return HTMLResponse(self._environment.get_template(template).render(context), status, HEADERS)

    def missing(self, request: Request) -> HTMLResponse:
        """Say that there is nothing at this address: 404."""
        return self.answer(request, "missing.html", 404)


def language_of(request: Request) -> Language:
    """`?lang=` where it is one of ours, else what the browser prefers."""
    chosen = _chosen(request)
    return chosen or formats.preferred(request.headers.get("accept-language", ""))


def whole_page(text: str, items: int, size: int) -> tuple[int, int]:
    """The page asked for and how many there are. Raises Missing for a page that does not exist; the first one does."""
    pages = max(1, ceil(items / size))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= pages):  # noqa: PLR2004
        raise Missing
    return int(text), pages


def _chosen(request: Request) -> Language | None:
    asked = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == asked), None)


def _links(request: Request) -> dict[str, Any]:
    """`url` to a page of ours, in the chosen language; `chosen` is None where the browser chose."""
    chosen = _chosen(request)

    def url(path: str, **query: object) -> str:
        given = {name: value for name, value in {**query, "lang": chosen}.items() if value not in (None, "")}
        return quote(path) + (f"?{urlencode(given)}" if given else "")

    return {"url": url, "chosen": chosen}


def _switched(request: Request, language: Language) -> str:
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{quote(request.scope['path'])}?{urlencode([*query, ('lang', language)])}"


def _formats(language: Language, zone: ZoneInfo) -> dict[str, Any]:
    def number(value: float) -> str:
        return formats.number(value, language)

    def moment(value: datetime) -> str:
        return formats.moment(value, language, zone)

    def span(start: datetime, end: datetime) -> str:
        return formats.span(start, end, language, zone)

    return {"number": number, "moment": moment, "span": span}


def _speech(words: Mapping[str, str]) -> dict[str, Any]:
    """`t` gives a text, `word` the text of a fixed word, or the word itself where it is none of ours."""

    def t(key: str, **values: object) -> str:
        return words[key].format(**values)

    def word(kind: str, value: str) -> str:
        return words.get(f"{kind}.{value}", value)

    return {"t": t, "word": word}
