"""The council report for spreadsheets: CSV (RFC 4180, as German offices open it) and XLSX. Pure."""

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.stats.figures import COHORT, LEARNING, MEASURES, OPEN_DIMENSIONS
from services.stats.paper import Figure, Paper, Table
from services.stats.words import WORDS

LEAD: Final = ("year", "organisation", "as_of", "dimension", "key", "label")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by a spreadsheet (OWASP, "CSV Injection")."""
_SHEET_NAME: Final = 31


def as_csv(paper: Paper) -> bytes:
    """A line per row: UTF-8 with BOM, semicolons, decimal comma; `withheld` names the figures that are not told."""
    out = StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow([*LEAD, *MEASURES, *COHORT, "withheld"])
    for one in (paper.totals, *paper.tables):
        table.writerows(_csv_lines(paper, one))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _csv_lines(paper: Paper, table: Table) -> Iterator[list[str]]:
    as_of = paper.as_of.isoformat() if paper.as_of else ""
    names = [column.name for column in table.columns]
    counted = COHORT if table.name == "cohorts" else LEARNING if table.name in OPEN_DIMENSIONS else MEASURES
    for line in table.lines:
        figures = dict.fromkeys(counted, 0) | dict(zip(names, line.figures, strict=True))
        lead = [str(paper.year), paper.organisation or "", as_of, table.name, line.key or "", line.label]
        counts = [_decimal(figures[name]) if name in figures else "" for name in (*MEASURES, *COHORT)]
        yield [*map(harmless, lead), *counts, " ".join(name for name in names if figures[name] is None)]


def harmless(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _decimal(value: Figure) -> str:
    return "" if value is None else str(value).replace(".", ",")


def as_xlsx(paper: Paper) -> bytes:
    """A workbook: the totals, a sheet per dimension, and what the figures mean; figures are numbers."""
    out, words = BytesIO(), WORDS[paper.language]
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": paper.title, "comments": paper.state})
        bold, wrap = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"text_wrap": True})
        for table in (paper.totals, *paper.tables):
            _sheet(book.add_worksheet(_name(table.head or table.title)), paper, table, bold)
        _notes(book.add_worksheet(_name(words["definitions"])), paper, bold, wrap)
    return out.getvalue()


def _sheet(sheet: Worksheet, paper: Paper, table: Table, bold: Format) -> None:
    words = WORDS[paper.language]
    keyed = table.name not in ("totals", "cohorts")
    heads = [table.head, *[words["key"]] * keyed, *(column.head for column in table.columns)]
    sheet.write_row(0, 0, heads, bold)
    sheet.freeze_panes(1, 1)
    for number, line in enumerate(table.lines, 1):
        _cells(sheet, number, [line.label, *[line.key or ""] * keyed, *line.figures])
    sheet.set_column(0, 0, min(60, max(len(line.label) for line in table.lines) + 2))
    sheet.set_column(1, len(heads) - 1, 16)
    if table.note:
        sheet.write_string(len(table.lines) + 2, 0, table.note)


def _cells(sheet: Worksheet, number: int, values: Sequence[Any]) -> None:
    """Text is written as text whatever it begins with; what is withheld is a mark and no number."""
    for column, value in enumerate(values):
        if isinstance(value, str):
            sheet.write_string(number, column, value)
        elif value is None:
            sheet.write_string(number, column, "•")
        else:
            sheet.write_number(number, column, value)


def _notes(sheet: Worksheet, paper: Paper, bold: Format, wrap: Format) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, paper.title, bold)
    sheet.write_string(1, 0, paper.state)
    definitions = [(column.head, column.definition) for column in paper.totals.columns]
    method = [("", sentence) for sentence in (*paper.missing, *paper.method)]
    for number, (head, text) in enumerate([*definitions, *method], 3):
        sheet.write_string(number, 0, head)
        sheet.write_string(number, 1, text, wrap)


def _name(text: str) -> str:
    """What Excel takes for a sheet's name."""
    return "".join(letter for letter in text if letter not in "[]:*?/\\")[:_SHEET_NAME]
