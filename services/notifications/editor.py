"""`/notifications/templates`: the office reads, changes, tries and restores the texts of the mails; no script."""

from pathlib import Path
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.notifications import preview
from services.notifications.messages import Kind
from services.notifications.own_texts import Kept, OwnTexts, Place, Version
from services.notifications.pages import MAIL_HEADERS
from services.notifications.samples import judge, shape
from services.notifications.settings import Settings
from services.notifications.store import Database
from services.notifications.texts import FRAME, Wording, built_in
from services.notifications.wording import WordingError
from services.notifications.words import WORDS
from shared.clock import Clock
from shared.formats import LANGUAGES, Language
from shared.guard import user_of
from shared.pages import HEADERS, Missing, Pages, language_of
from shared.web import ProblemError

TEXTS: Final = (FRAME, *get_args(Kind))
FORM_BYTES: Final = 256 * 1024
Fields = dict[str, str]


class Tried(NamedTuple):
    """The text in the editor; `form`: as somebody has sent it."""

    wording: Wording
    form: Fields | None = None
    fault: WordingError | None = None
    conflict: bool = False


class Editor:
    """The pages of the texts."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database, self._texts, self._clock = database, OwnTexts(database), clock
        self._zone, self._office = settings.zone, settings.sender.display_name
        self.pages = Pages("notifications", Path(__file__).parent / "html", WORDS, settings.zone)

    async def overview(self, request: Request) -> Response:
        """All kinds, and which of them the office has changed."""
        kept = await self._texts.all()
        return self.pages.answer(request, "templates.html", texts=TEXTS, languages=LANGUAGES, kept=kept)

    async def form(self, request: Request, place: Place) -> Response:
        """The text in force, or the version that is asked for. Raises Missing."""
        kept, asked = await self._texts.one(place), request.query_params.get("version", "")
        wording = _version(kept, place, asked) if asked else kept.wording or built_in(*place)
        return await self._answer(request, place, kept, Tried(wording))

    async def act(self, request: Request, place: Place) -> Response:
        """Preview, save or restore, as the form says. Raises Missing."""
        form, kept = await form_of(request), await self._texts.one(place)
        if form.get("action") == "restore":
            return await self._restore(request, place, kept, form)
        tried = Tried(Wording(form.get("subject", ""), form.get("text", "").replace("\r\n", "\n")), form)
        try:
            judge(*place, self._zone, tried.wording)
        except WordingError as error:
            return await self._answer(request, place, kept, tried._replace(fault=error))
        if form.get("action") != "save":
            return await self._answer(request, place, kept, tried)
        if _is_outdated(form, kept):
            return await self._answer(request, place, kept, tried._replace(conflict=True))
        return await self._save(request, place, kept, tried)

    async def _save(self, request: Request, place: Place, kept: Kept, tried: Tried) -> Response:
        """A text that equals the one in force makes no version."""
        if _same(tried.wording, kept.wording or built_in(*place)):
            return self._again(request, "same")
        return await self._write(request, place, tried.wording, kept.number)

    async def _restore(self, request: Request, place: Place, kept: Kept, form: Fields) -> Response:
        wording = _version(kept, place, form.get("version", ""))
        if _is_outdated(form, kept):
            return await self._answer(request, place, kept, Tried(wording, form, conflict=True))
        return await self._write(request, place, wording, kept.number, of=wording.number)

    async def _write(
        self, request: Request, place: Place, wording: Wording, number: int, *, of: int | None = None
    ) -> Response:
        """A new version behind this number; `of` = 0: ours is in force again."""
        is_ours = of is not None and not wording.number
        version = Version(
            number=number + 1,
            subject=None if is_ours else wording.subject.strip(),
            text=None if is_ours else wording.text,
            who=user_of(request),
            at=self._clock.now(),
            of=of,
        )
        if await self._texts.save(place, version) == "conflict":
            return await self._answer(request, place, await self._texts.one(place), Tried(wording, {}, conflict=True))
        return self._again(request, "saved" if of is None else "restored")

    async def _answer(self, request: Request, place: Place, kept: Kept, tried: Tried) -> Response:
        """The editor with this text in it, and how it reads."""
        kind, language = place
        choices = await preview.data_for(self._database, kind, language, self._zone)
        key = (request.query_params if tried.form is None else tried.form).get("data", "")
        data = next((one for one in choices if one.key == key), choices[0])
        shown, fault = await self._shown(place, tried, data)
        about = {"kind": kind, "text_language": language, "languages": LANGUAGES, "frame": FRAME, "kept": kept}
        seen = {"tried": tried, "fault": fault, "shown": shown, "choices": choices, "data": data}
        more = {"values": paths(shape(kind)), "done": request.query_params.get("done", "")}
        status = 409 if tried.conflict else 422 if tried.fault else 200
        answer = self.pages.answer(request, "template.html", status, **about, **seen, **more)
        answer.headers.update(MAIL_HEADERS)
        return answer

    async def _shown(
        self, place: Place, tried: Tried, data: preview.Data
    ) -> tuple[preview.Shown | None, WordingError | None]:
        if tried.fault is not None:
            return None, tried.fault
        try:
            return preview.show(place, tried.wording, data, await self._texts.current(), self._office), None
        except WordingError as error:
            return None, error

    def _again(self, request: Request, done: str) -> Response:
        chosen = request.query_params.get("lang")
        query = f"?done={done}" + (f"&lang={language_of(request)}" if chosen else "")
        return RedirectResponse(f"{request.scope['path']}{query}", 303, HEADERS)


def router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """GET /notifications/templates, GET and POST /notifications/templates/{kind}/{language}."""
    site = Editor(database, settings, clock)
    routes = APIRouter(prefix="/notifications/templates", include_in_schema=False)

    @routes.get("")
    async def overview(request: Request) -> Response:
        return await site.overview(request)

    @routes.get("/{kind}")
    async def kind(request: Request, kind: str) -> Response:
        return RedirectResponse(f"/notifications/templates/{kind}/{language_of(request)}", 303, HEADERS)

    @routes.get("/{kind}/{language}")
    async def form(request: Request, kind: str, language: str) -> Response:
        try:
            return await site.form(request, _place(kind, language))
        except Missing:
            return site.pages.missing(request)

    @routes.post("/{kind}/{language}")
    async def act(request: Request, kind: str, language: str) -> Response:
        try:
            return await site.act(request, _place(kind, language))
        except Missing:
            return site.pages.missing(request)

    return routes


def _place(kind: str, language: str) -> Place:
    known: Language | None = next((one for one in LANGUAGES if one == language), None)
    if kind not in TEXTS or known is None:
        raise Missing
    return kind, known


def _version(kept: Kept, place: Place, number: str) -> Wording:
    """The words of a version; 0 is ours. Raises Missing."""
    if number == "0":
        return built_in(*place)
    found = next((one for one in kept.versions if str(one.number) == number), None)
    if found is None:
        raise Missing
    return found.wording or built_in(*place)


def _is_outdated(form: Fields, kept: Kept) -> bool:
    """True if somebody else has changed the text since the form was shown."""
    return form.get("number") != str(kept.number)


def _same(one: Wording, other: Wording) -> bool:
    return (one.subject.strip(), one.text.strip()) == (other.subject.strip(), other.text.strip())


def paths(known: Any, name: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 - plain data
    """Every value that can be printed, with a sample: `reader.display_name`, `sessions.title`, ..."""
    if isinstance(known, dict):
        return [found for key, value in known.items() for found in paths(value, f"{name}.{key}" if name else key)]
    if isinstance(known, list):
        return paths({key: next((one[key] for one in known if one[key]), "") for key in known[0]}, name)
    return [(name, "" if known is None else str(known))]


async def form_of(request: Request) -> Fields:
    """The fields of a form. Raises ProblemError (413)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise ProblemError(413, "a form may have 256 KiB at most")
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
