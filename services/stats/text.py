"""The council report as text for a terminal. Pure."""

from collections.abc import Sequence
from textwrap import fill
from typing import Final
from zoneinfo import ZoneInfo

from services.stats.compared import laid_out_years
from services.stats.layout import laid_out
from services.stats.paper import Row, Table, Trend, cell
from services.stats.words import WORDS
from shared.formats import Language

LABEL_WIDTH: Final = 52
WIDTH: Final = 100
"""Of sentences; a table is as wide as it has to be."""
BAR: Final = 40


def render_text(report: Row, language: Language = "de", time_zone: str = "Europe/Berlin") -> str:
    """The whole report, or that of several years, from the structure of the contract; lines ending with a newline."""
    lay = laid_out_years if "reports" in report else laid_out
    paper = lay(report, language, ZoneInfo(time_zone))
    words = WORDS[language]
    totals, *tables = [_table(table, language) for table in paper.tables]
    parts = [
        f"{paper.title}\n{'=' * len(paper.title)}\n{_filled(paper.state)}",
        totals,
        *([_trend(paper.trend, paper.language)] if paper.trend else []),
        *tables,
        *_listed(words["unavailable"], paper.missing),
        *_listed(words["method"], paper.method),
    ]
    return "\n\n".join(parts) + "\n"


def number(value: float | None) -> str:
    """A figure as Germans write it: 1.234,5; what is withheld is a mark."""
    return cell(value, "de")


def _table(table: Table, language: Language) -> str:
    """Label and figures, each column as wide as it has to be; a text stands last."""
    heads = [table.title, *(column.head for column in table.columns)]
    rows = [
        [_short(line.label), *(cell(one, language, at.kind) for one, at in zip(line.cells, table.columns, strict=True))]
        for line in table.lines
    ]
    left = [True, *(column.kind == "text" for column in table.columns)]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if table.name == "totals":
        heads = [heads[0], *(["", ""] if any(left[1:]) else heads[1:])]
    lines = [_line(one, widths, left) for one in (heads, *rows)]
    rule = "-" * (len(lines[0]) if any(heads[1:]) else len(heads[0]))
    note = [_filled(table.note)] if table.note else []
    return "\n".join([lines[0], rule, *lines[1:], *note])


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    told = (
        f"{one:<{width}}" if is_left else f"{one:>{width}}"
        for one, width, is_left in zip(cells, widths, left, strict=True)
    )
    return "  ".join(told).rstrip()


def _trend(trend: Trend, language: Language) -> str:
    """A bar of each figure under the other."""
    wide = max(map(len, trend.series))
    lines = [trend.title]
    for place, name in enumerate(trend.series):
        for group in trend.groups:
            share, value = group.shares[place], group.values[place]
            bar = "" if share is None else "█" * round(share * BAR / 100)
            lines.append(f"  {name:<{wide}}  {group.label}  {bar} {cell(value, language)}".rstrip())
    return "\n".join(lines)


def _short(label: str) -> str:
    """Long ones without their middle: what tells them apart is often at the end."""
    end = LABEL_WIDTH // 3
    return label if len(label) <= LABEL_WIDTH else f"{label[: LABEL_WIDTH - 1 - end]}…{label[-end:]}"


def _listed(title: str, sentences: Sequence[str]) -> list[str]:
    lines = (fill(one, WIDTH, initial_indent="  ", subsequent_indent="    ") for one in sentences)
    return ["\n".join([title, *lines])] if sentences else []


def _filled(text: str) -> str:
    return fill(text, WIDTH)
