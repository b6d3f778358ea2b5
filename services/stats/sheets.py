"""The council report for spreadsheets: CSV (RFC 4180, as German offices open it) and XLSX. Pure."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.stats.figures import COHORT, MEASURES
from services.stats.paper import MARK, Column, Content, Figure, Paper, Record, Table
from services.stats.words import WORDS

LEAD: Final = ("year", "organisation", "as_of", "dimension", "key", "label", "by_dimension", "by_key", "by_label")
"""`by_...` is the other side of a cross table, and empty in all other rows."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by a spreadsheet (OWASP, "CSV Injection")."""
_SHEET_NAME: Final = 31
_CHANGE: Final = '+#,##0.##;"\N{MINUS SIGN}"#,##0.##;"±0"'


def as_csv(paper: Paper) -> bytes:
    """A line per row: UTF-8 with BOM, semicolons, decimal comma; `withheld` names the figures that are not told."""
    out = StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow([*LEAD, *MEASURES, *COHORT, "withheld"])
    table.writerows(map(_csv_line, paper.records))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _csv_line(record: Record) -> list[str]:
    place = [part or "" for one in record.place for part in one]
    lead = [str(record.year), record.organisation or "", record.as_of or "", *place, *[""] * (6 - len(place))]
    figures = record.figures
    counts = [_decimal(figures[name]) if name in figures else "" for name in (*MEASURES, *COHORT)]
    return [*map(harmless, lead), *counts, " ".join(name for name, value in figures.items() if value is None)]


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
        change = book.add_format({"num_format": _CHANGE})
        for table in paper.sheets:
            name = table.title if table.name in ("totals", "cross") else table.head
            _sheet(book.add_worksheet(_name(name)), _keyed(table, words["key"]), bold, change)
        _notes(book.add_worksheet(_name(words["definitions"])), paper, bold, wrap)
    return out.getvalue()


def _keyed(table: Table, head: str) -> Table:
    """The table with its keys as a column, where it has any."""
    if not table.keyed:
        return table
    lines = [type(line)(line.label, [line.key or "", *line.cells]) for line in table.lines]
    return Table(table.name, table.title, table.head, [Column(head, "text"), *table.columns], lines, note=table.note)


def _sheet(sheet: Worksheet, table: Table, bold: Format, change: Format) -> None:
    sheet.write_row(0, 0, [table.head, *(column.head for column in table.columns)], bold)
    sheet.freeze_panes(1, 1)
    formats = [None, *(change if column.kind == "change" else None for column in table.columns)]
    for number, line in enumerate(table.lines, 1):
        _cells(sheet, number, [line.label, *line.cells], formats)
    sheet.set_column(0, 0, min(60, max(len(line.label) for line in table.lines) + 2))
    for place, column in enumerate(table.columns, 1):
        long = column.kind == "text" and max(len(str(line.cells[place - 1])) for line in table.lines)
        sheet.set_column(place, place, min(80, max(16, long + 2)))
    if table.note:
        sheet.write_string(len(table.lines) + 2, 0, table.note)


def _cells(sheet: Worksheet, number: int, values: Sequence[Content], formats: Sequence[Format | None]) -> None:
    """Text is written as text whatever it begins with; what is withheld is a mark and no number."""
    for column, value in enumerate(values):
        if value is None or isinstance(value, str):
            sheet.write_string(number, column, MARK if value is None else value)
        else:
            sheet.write_number(number, column, value, formats[column])


def _notes(sheet: Worksheet, paper: Paper, bold: Format, wrap: Format) -> None:
    words = WORDS[paper.language]
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, paper.title, bold)
    sheet.write_string(1, 0, paper.state)
    definitions = [(words[f"figure.{name}"], words[f"definition.{name}"]) for name in MEASURES]
    notes = [(table.head, table.note) for table in paper.sheets if table.note]
    method = [("", sentence) for sentence in (*paper.missing, *paper.method)]
    for number, (head, text) in enumerate([*definitions, *notes, *method], 3):
        sheet.write_string(number, 0, head)
        sheet.write_string(number, 1, text, wrap)


def _name(text: str) -> str:
    """What Excel takes for a sheet's name."""
    return "".join(letter for letter in text if letter not in "[]:*?/\\")[:_SHEET_NAME]
