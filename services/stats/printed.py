"""The council report to be read or sent: as PDF/UA-1 and PDF/A-2a (ISO 14289-1, ISO 19005-2), and as one HTML file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.stats.paper import Content, Figure, Line, Paper, Table, Trend, cell
from services.stats.words import WORDS
from shared.formats import Language

TEMPLATE: Final = Path(__file__).with_name("report.typ")
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The date of a report without data: the same paper is the same file."""


_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("html")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def as_html(paper: Paper) -> bytes:
    """One file that loads nothing."""

    def shown(value: Content, kind: str = "number") -> str:
        return cell(value, paper.language, kind)

    template = _PAGES.get_template("report.html")
    return template.render(paper=paper, words=_words(paper), cell=shown).encode()


def as_pdf(paper: Paper) -> bytes:
    """The report on A4. Takes a tenth of a second, and longer the first time: not for an event loop."""
    import typst  # noqa: PLC0415 - 80 MB that a service without readers of reports does not need in its memory

    told = msgspec.json.encode(told_of(paper)).decode()
    return typst.compile(
        TEMPLATE,
        format="pdf",
        sys_inputs={"paper": told},
        pdf_standards=["ua-1", "a-2a"],
        timestamp=paper.as_of or NEVER,
        ignore_system_fonts=True,
    )


def told_of(paper: Paper) -> dict[str, Any]:
    """The paper as the template takes it: text only."""
    language = paper.language
    return {
        "language": language,
        "title": paper.title,
        "state": paper.state,
        "words": _words(paper),
        "tables": [_table(table, language) for table in paper.tables],
        "trend": _trend(paper.trend, language) if paper.trend else None,
        "missing": paper.missing,
        "method": paper.method,
    }


def _words(paper: Paper) -> dict[str, str]:
    return {name: WORDS[paper.language][name] for name in ("unavailable", "method", "withheld.mark")}


def _table(table: Table, language: Language) -> dict[str, Any]:
    chart = table.chart
    return {
        "name": table.name,
        "title": table.title,
        "head": table.head,
        "columns": [{"head": column.head, "is_text": column.kind == "text"} for column in table.columns],
        "rows": [_cells(line, table, language) for line in table.lines],
        "charted": chart.title if chart else "",
        "shares": chart.shares if chart else None,
        "note": table.note,
    }


def _cells(line: Line, table: Table, language: Language) -> list[str]:
    told = zip(line.cells, table.columns, strict=True)
    return [line.label, *(cell(value, language, column.kind) for value, column in told)]


def _trend(trend: Trend, language: Language) -> dict[str, Any]:
    def value(figure: Figure) -> str:
        return cell(figure, language)

    groups = [
        {"label": group.label, "shares": group.shares, "values": [*map(value, group.values)]} for group in trend.groups
    ]
    return {"title": trend.title, "series": trend.series, "groups": groups}
