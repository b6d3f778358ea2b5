"""What of the figures somebody wants to see, as it stands in the address. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.stats.dashboard import OPEN
from shared.pages import Missing

FIRST, LAST = 1900, 2199
"""The years that a report can be asked for."""
_DIGITS: Final = 4
_LONGEST: Final = 200
"""Characters of an id or a topic (the contract's)."""


@dataclass(frozen=True, slots=True)
class View:
    """A year, whole or narrowed. `only`: an open dimension and its value."""

    year: int
    organisation: str | None = None
    only: tuple[str, str] | None = None

    @property
    def is_whole(self) -> bool:
        """True if nothing is narrowed."""
        return self.organisation is None and self.only is None

    @property
    def asked(self) -> str:
        """`only` as it stands in the address."""
        return ":".join(self.only) if self.only else ""

    @property
    def filters(self) -> dict[str, str | None]:
        """What narrows it, as it stands in the address."""
        return {"organisation": self.organisation, "only": self.asked or None}

    @property
    def question(self) -> dict[str, int | str | None]:
        """What a report as a file is asked for; it tells all courses and topics."""
        return {"year": self.year, "organisation": self.organisation}


def view_of(query: Mapping[str, str], this_year: int) -> View:
    """Read an address. Raises Missing for what no report could be about; what is empty is not asked."""
    organisation = query.get("organisation", "")
    if len(organisation) > _LONGEST:
        raise Missing
    year = _year(query["year"]) if query.get("year") else this_year
    return View(year, organisation or None, _only(query.get("only", "")))


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == _DIGITS and FIRST <= int(text) <= LAST):
        raise Missing
    return int(text)


def _only(text: str) -> tuple[str, str] | None:
    dimension, colon, value = text.partition(":")
    if not text:
        return None
    if dimension not in OPEN or not colon or not 0 < len(value) <= _LONGEST:
        raise Missing
    return dimension, value
