"""Numbers, days and times as people in German and English offices write them. Pure."""

from datetime import datetime, tzinfo
from typing import Final, Literal, get_args

Language = Literal["de", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_DAYS: Final = {
    "de": ("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_JOINER: Final = "\u2060"
"""No line breaks here."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float, language: Language) -> str:
    """1.234,5 or 1,234.5; two decimals at most, and none that is not needed."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,")) if language == "de" else text


def date(value: datetime, language: Language) -> str:
    """Do., 21.11.2024 or Thu 21 Nov 2024, with spaces at which no line breaks."""
    if language == "de":
        return f"{_DAYS['de'][value.weekday()]},\u00a0{value:%d.%m.%Y}"
    return "\u00a0".join([_DAYS["en"][value.weekday()], str(value.day), _MONTHS[value.month - 1], str(value.year)])


def moment(value: datetime, language: Language, zone: tzinfo) -> str:
    """Do., 21.11.2024, 09:00 Uhr or Thu 21 Nov 2024, 09:00, in this zone."""
    local = value.astimezone(zone)
    return f"{date(local, language)}, {local:%H:%M}{_oclock(language)}"


def span(start: datetime, end: datetime, language: Language, zone: tzinfo) -> str:
    """Do., 21.11.2024, 09:00–12:30 Uhr; with both days where they differ."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.date() != last.date():
        return f"{moment(start, language, zone)} – {moment(end, language, zone)}"
    return f"{date(first, language)}, {first:%H:%M}{_JOINER}–{_JOINER}{last:%H:%M}{_oclock(language)}"


def _oclock(language: Language) -> str:
    return "\u00a0Uhr" if language == "de" else ""


def preferred(accept: str) -> Language:
    """The first of our languages by an Accept-Language header (RFC 9110, 12.5.4); German where it names none."""
    wanted = [(-_quality(parameters), tag.strip()[:2].lower()) for tag, _, parameters in _ranges(accept)]
    known: list[Language] = [
        language for quality, tag in sorted(wanted, key=_first) if quality for language in LANGUAGES if language == tag
    ]
    return known[0] if known else "de"


def _ranges(accept: str) -> list[tuple[str, str, str]]:
    return [part.partition(";") for part in accept.split(",")]


def _first(wanted: tuple[float, str]) -> float:
    return wanted[0]


def _quality(parameters: str) -> float:
    """q=0.8; 1 where none is given, 0 (not acceptable) where it is no number."""
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
