"""The council report to be read or sent: as PDF/UA-1 and PDF/A-2a (ISO 14289-1, ISO 19005-2), and as one HTML file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.stats.paper import Figure, Paper, Table, cell
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

    def shown(value: Figure) -> str:
        return cell(value, paper.language)

    template = _PAGES.get_template("report.html")
    return template.render(paper=paper, words=_words(paper), cell=shown).encode()


def as_pdf(paper: Paper) -> bytes:
    """The report on A4. Takes a tenth of a second, and longer the first time: not for an event loop."""
    import typst  # noqa: PLC0415 - 80 MB that a service without readers of reports does not need in its memory

    told = msgspec.json.encode(_told(paper)).decode()
    return typst.compile(
        TEMPLATE,
        format="pdf",
        sys_inputs={"paper": told},
        pdf_standards=["ua-1", "a-2a"],
        timestamp=paper.as_of or NEVER,
        ignore_system_fonts=True,
    )


def _told(paper: Paper) -> dict[str, Any]:
    """The paper as the template takes it: text only."""
    language = paper.language
    totals = zip(paper.totals.columns, paper.totals.lines[0].figures, strict=True)
    return {
        "language": language,
        "title": paper.title,
        "state": paper.state,
        "words": _words(paper),
        "totals": [[column.head, cell(value, language), column.definition] for column, value in totals],
        "tables": [_table(table, language) for table in paper.tables],
        "missing": paper.missing,
        "method": paper.method,
    }


def _words(paper: Paper) -> dict[str, str]:
    names = ("totals", "unavailable", "method", "figure", "number", "definition")
    return {name: WORDS[paper.language][name] for name in names}


def _table(table: Table, language: Language) -> dict[str, Any]:
    chart = table.chart
    return {
        "title": table.title,
        "head": table.head,
        "heads": [column.head for column in table.columns],
        "rows": [[line.label, *(cell(value, language) for value in line.figures)] for line in table.lines],
        "charted": chart.title if chart else "",
        "shares": [bar.share for bar in chart.bars] if chart else None,
        "note": table.note,
    }
