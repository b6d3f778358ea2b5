"""What the interface's description shows of each kind of answer: short reports with figures that fit together."""

from typing import Final

from services.stats.figures import LEARNING, MEASURES
from services.stats.report import TOLD, WITHHELD, Row

_WITHHELD: Final = WITHHELD.format(most=4)


def _figures(names: tuple[str, ...], **told: float | None) -> Row:
    return {**dict.fromkeys(names, 0), **told}


def _report(year: int, participants: int, **more: Row) -> Row:
    leave = {"leave_persons": 49, "leave_days": 122.5}
    totals = _figures(MEASURES, bookings=181, persons=15, participants=participants, **leave)
    in_teams = {"key": "c-4711", "label": "Interkulturelle Kommunikation in Teams"}
    rows = [
        {"key": "Amt 10", "label": "Amt 10", **totals, **dict.fromkeys(MEASURES[1:3]), "withheld": _WITHHELD},
        {"key": None, "label": "nicht angegeben", **_figures(MEASURES, bookings=10)},
    ]
    return {
        "year": year,
        "organisation": None,
        "as_of": "2024-12-31T10:30:00Z",
        "totals": totals,
        "by": {
            **{name: [] for name in TOLD},
            "course": [in_teams | {name: totals[name] for name in LEARNING}],
            "department": rows,
        },
        "cohorts": [{"cohort": "Azubis", "offering_id": "o-1", "assigned": 16, "fulfilled": 12, "open": 4}],
        "unavailable": {"competency": "Zu keinem Kurs dieses Jahres wurden Kompetenzen gemeldet."},
        "coverage": {"department": {"known": 171, "of": 181}},
        "since": "2022-01-03T08:00:00Z",
        "small_cells": 5,
        **more,
    }


_PAIR: Final = {"key": ["Vielfalt", "Azubis"], "label": ["Vielfalt", "Azubis"]}
_FEW: Final = _figures(LEARNING, bookings=9, persons=None, participants=None)
_CROSS: Final = {"by": ["topic", "status_group"], "rows": [{**_PAIR, **_FEW, "withheld": _WITHHELD}]}
EXAMPLES: Final[Row] = {
    "application/json": {
        "year": {"summary": "?year=2023", "value": _report(2023, 17)},
        "cross": {"summary": "?year=2023&by=topic&by=status_group", "value": _report(2023, 17, cross=_CROSS)},
    },
    "application/vnd.lernbus.years+json": {
        "years": {
            "summary": "?year=2022&until=2023",
            "value": {"years": [2022, 2023], "organisation": None, "reports": [_report(2022, 12), _report(2023, 17)]},
        },
    },
}
"""By media type."""
