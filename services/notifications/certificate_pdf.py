"""A certificate as an accessible PDF (PDF/UA-1 and PDF/A-2a), the same bytes for the same certificate."""

import asyncio
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import format_decimal

from services.notifications.certificates import grouped
from services.notifications.certified import Certificate, Module
from services.notifications.dates import day
from shared.events import Person
from shared.formats import Language

TEMPLATE: Final = Path(__file__).parent / "certificate.typ"
LOCALES: Final = {"de": "de_DE", "en": "en_GB"}
WORDS: Final[dict[Language, dict[str, str]]] = {
    "de": {
        "title": "Teilnahmebescheinigung",
        "attended": "hat teilgenommen an",
        "course": "Kurs",
        "modules": "Module",
        "module": "Modul",
        "date": "Datum",
        "hours": "Stunden",
        "total": "Stunden insgesamt",
        "competencies": "Gefördert wurden diese Kompetenzen",
        "check": "Ob diese Bescheinigung gültig ist, lässt sich hier prüfen:",
        "code": "Code",
        "machine": "Maschinell erstellt und ohne Unterschrift gültig.",
        "issued": "Ausgestellt am {day}",
        "no_date": "ohne festen Termin",
        "page": "Seite",
        "of": "von",
    },
    "en": {
        "title": "Certificate of participation",
        "attended": "has taken part in",
        "course": "Course",
        "modules": "Modules",
        "module": "Module",
        "date": "Date",
        "hours": "Hours",
        "total": "Hours in all",
        "competencies": "It served these competencies",
        "check": "Whether this certificate is valid can be checked here:",
        "code": "Code",
        "machine": "Made by machine and valid without a signature.",
        "issued": "Issued on {day}",
        "no_date": "no fixed date",
        "page": "Page",
        "of": "of",
    },
}
_rendering = asyncio.Semaphore(1)


def file_name(language: Language) -> str:
    """What the file is called: no name of a person, for names of files end up in lists."""
    return {"de": "teilnahmebescheinigung.pdf", "en": "certificate.pdf"}[language]


async def render(certificate: Certificate, person: Person, office: str, page: str, zone: ZoneInfo) -> bytes:
    """The file, made outside of the event loop, one at a time: the compiler takes some 25 MB while it works."""
    data = contents(certificate, person, office, page, zone)
    async with _rendering:
        return await asyncio.to_thread(_compile, data, int(certificate.issued_at.timestamp()))


def contents(certificate: Certificate, person: Person, office: str, page: str, zone: ZoneInfo) -> dict[str, Any]:
    """All that is printed, in the person's language. `office`: who issues it; `page`: where its code is checked."""
    language = person.language
    words, issued = WORDS[language], certificate.issued_at.astimezone(zone).date()
    return {
        "language": language,
        "region": {"de": "DE", "en": "GB"}[language],
        "words": words,
        "office": office,
        "name": person.display_name,
        "title": certificate.title,
        "course": certificate.course if certificate.course != certificate.title else None,
        "modules": [_row(module, language, zone) for module in certificate.modules],
        "total": _number(certificate.hours, language) if certificate.hours else None,
        "competencies": [*certificate.competencies],
        "issued": words["issued"].format(day=day(issued, language)),
        "code": grouped(certificate.code),
        "page": page,
        "link": f"{page}{grouped(certificate.code)}?lang={language}",
    }


def _row(module: Module, language: Language, zone: ZoneInfo) -> dict[str, str]:
    hours = "" if module.hours is None else _number(module.hours, language)
    return {"title": module.title, "date": _date(module, language, zone), "hours": hours}


def _date(module: Module, language: Language, zone: ZoneInfo) -> str:
    if module.starts_at is None or module.ends_at is None:
        return WORDS[language]["no_date"]
    first, last = (moment.astimezone(zone).date() for moment in (module.starts_at, module.ends_at))
    days = [one.strftime("%d.%m.%Y" if language == "de" else "%d/%m/%Y") for one in (first, last)]
    return days[0] if first == last else " – ".join(days)


def _number(value: float, language: Language) -> str:
    return str(format_decimal(round(value, 2), locale=LOCALES[language]))


def _compile(data: dict[str, Any], timestamp: int) -> bytes:
    import typst  # noqa: PLC0415 (only a service that has certificates to write pays for it)

    return typst.compile(
        TEMPLATE.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs={"data": msgspec.json.encode(data).decode()},
        pdf_standards=["ua-1", "a-2a"],
        timestamp=timestamp,
    )
