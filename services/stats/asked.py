"""What can be asked of the reports, and in one clear sentence what cannot. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.stats.columns import OPEN, PERSONAL
from services.stats.report import Question

MOST_YEARS: Final = 10
_PAIR: Final = f"a cross table is of one of {', '.join(PERSONAL)} by one of {', '.join(OPEN)}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for each year. `side_by_side`: the years are compared, even if there is only one."""

    questions: Sequence[Question]
    side_by_side: bool

    @property
    def name(self) -> str:
        """2023, or 2022-2024."""
        first, last = self.questions[0].year, self.questions[-1].year
        return f"{first}-{last}" if self.side_by_side else str(first)


def asked(year: int, until: int | None, organisation: str | None, by: Sequence[str]) -> Asked:
    """The question; `until` None: of a single year. Raises ValueError: what cannot be asked."""
    last = year if until is None else until
    if last < year:
        raise ValueError(f"years run forwards: {last} to {year}, not {year} to {last}")
    if last - year >= MOST_YEARS:
        raise ValueError(f"at most {MOST_YEARS} years stand side by side, and {year} to {last} are {last - year + 1}")
    crossed = _crossed(by)
    if crossed and until is not None:
        raise ValueError("a cross table is of one year, not of years side by side")
    if crossed and organisation is not None:
        raise ValueError("cross tables are of the whole report, not of one organisation's")
    return Asked([Question(one, organisation, crossed) for one in range(year, last + 1)], until is not None)


def _crossed(by: Sequence[str]) -> tuple[str, str] | None:
    if not by:
        return None
    unknown = [name for name in by if name not in (*PERSONAL, *OPEN)]
    if unknown:
        raise ValueError(f"there is no dimension {unknown[0]!r}: {_PAIR}")
    if len(by) != 2:  # noqa: PLR2004 (a table has two sides)
        raise ValueError(f"{_PAIR}, not of {len(by)} dimension{'s' * (len(by) > 1)}")
    if sum(name in PERSONAL for name in by) != 1:
        raise ValueError(f"{_PAIR}, not of {by[0]} by {by[1]}")
    return by[0], by[1]
