"""Cross tables: what is told of two values together, and how it stands in every format."""

import csv
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest

from services.stats.columns import ALL, Cell, Owner
from services.stats.layout import laid_out
from services.stats.paper import Table
from services.stats.printed import as_html, as_pdf
from services.stats.report import Figures, Known, Question, report_of
from services.stats.sheets import as_csv, as_xlsx
from services.stats.text import render_text
from tests.support.stats_world import BERLIN

EVIL = "=1+1"


def counts(bookings: int | None, participants: int | None = 0) -> dict[str, int | None]:
    return {"bookings": bookings, "participants": participants}


def known(groups: int = 2, topics: int = 1) -> Known:
    """Each group has 6 bookings of the first topic; the first also 4 without one, which are withheld."""
    names = [EVIL, *(f"Gruppe {n:02}" for n in range(1, groups))]
    about = [f"Thema {n:02}" for n in range(topics)]
    whole: dict[Cell, Figures] = {ALL: counts(6 * groups + 4), ("topic", None): counts(4)}
    whole |= {("topic", topic): counts(6 * groups if topic == about[0] else 0) for topic in about}
    told: dict[Owner, dict[Cell, Figures]] = {None: whole}
    for name in names:
        own: dict[Cell, Figures] = {ALL: counts(None if name in names[:2] else 6)}
        told["status_group", name] = own | {("topic", topic): counts(6, 1) for topic in about}
    told["status_group", EVIL]["topic", None] = counts(None, 0)
    return Known(told, k=7)


def crossed(*by: str, **more: int) -> dict[str, Any]:
    first, second = by or ("topic", "status_group")
    return report_of(Question(2023, by=(first, second)), known(**more), BERLIN)


def test_rows_have_both_keys_in_the_order_of_the_question() -> None:
    found = crossed()["cross"]
    assert found["by"] == ["topic", "status_group"]
    assert [row["key"] for row in found["rows"]] == [["Thema 00", EVIL], ["Thema 00", "Gruppe 01"], [None, EVIL]]
    figures = {"persons": 0, "participants": 1, "waiting": 0, "cancelled": 0, "no_shows": 0, "completions": 0}
    assert found["rows"][1] == {
        "key": ["Thema 00", "Gruppe 01"],
        "label": ["Thema 00", "Gruppe 01"],
        "bookings": 6,
        **figures,
    }
    assert crossed("status_group", "topic")["cross"]["rows"][1]["key"] == [EVIL, None]


def test_what_is_withheld_is_null_and_says_why_with_the_limit_that_is_set() -> None:
    withheld = crossed()["cross"]["rows"][2]
    assert withheld["bookings"] is None
    assert "1 bis 6 Personen" in withheld["withheld"]
    assert withheld["label"] == ["nicht angegeben", EVIL]


def test_no_cross_table_where_none_was_asked_for() -> None:
    assert "cross" not in report_of(Question(2023), known(), BERLIN)


def tables(report: dict[str, Any]) -> list[Table]:
    return [one for one in laid_out(report, "de", BERLIN).tables if one.name.startswith("cross")]


def test_the_open_dimension_stands_at_the_side_and_sums_at_the_ends() -> None:
    for by in (("topic", "status_group"), ("status_group", "topic")):
        participants, bookings = tables(crossed(*by))
        assert (participants.title, bookings.title) == (
            "Teilnahmen: Thema nach Statusgruppe",
            "Buchungen: Thema nach Statusgruppe",
        )
        assert [column.head for column in bookings.columns] == [EVIL, "Gruppe 01", "Insgesamt"]
        assert [(line.label, line.cells) for line in bookings.lines] == [
            ("Thema 00", [6, 6, 12]),
            ("nicht angegeben", [None, 0, 4]),
            ("Insgesamt", [None, None, 16]),
        ]


@pytest.mark.parametrize(("groups", "topics", "columns"), [(12, 3, [5]), (12, 14, [11, 3]), (10, 14, [11])])
def test_what_is_too_wide_for_a_page_is_turned_or_cut(groups: int, topics: int, columns: list[int]) -> None:
    found = [one for one in tables(crossed(groups=groups, topics=topics)) if one.title.startswith("Buchungen")]
    assert [len(one.columns) for one in found] == columns
    assert len({one.title for one in found}) == len(found)
    heads = [column.head for one in found for column in one.columns[:-1]]
    assert len(heads) == len(set(heads)) == (groups if columns != [5] else topics + 1)


def test_csv_has_a_line_for_each_pair_and_no_formula() -> None:
    found = [*csv.DictReader(StringIO(as_csv(laid_out(crossed(), "de", BERLIN))[3:].decode()), delimiter=";")]
    pairs = [row for row in found if row["by_dimension"]]
    assert [(row["key"], row["by_key"], row["bookings"], row["withheld"]) for row in pairs] == [
        ("Thema 00", f"'{EVIL}", "6", ""),
        ("Thema 00", "Gruppe 01", "6", ""),
        ("", f"'{EVIL}", "", "bookings"),
    ]
    assert {(row["dimension"], row["by_dimension"]) for row in pairs} == {("topic", "status_group")}
    assert not [cell for row in found for cell in row.values() if cell.startswith("=")]


def test_the_workbook_has_one_sheet_more() -> None:
    book = openpyxl.load_workbook(BytesIO(as_xlsx(laid_out(crossed(), "de", BERLIN))))
    assert book.sheetnames[:2] == ["Insgesamt", "Thema × Statusgruppe"]
    sheet = book["Thema × Statusgruppe"]
    first = [cell.value for cell in sheet[2]]
    assert first[:5] == ["Thema 00", EVIL, "Thema 00", EVIL, 6]
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {"s", "n"}
    assert sheet["E4"].value == "•"


def test_it_stands_in_text_html_and_pdf() -> None:
    report = crossed()
    assert "Buchungen: Thema nach Statusgruppe" in render_text(report)
    assert "Bookings: topic by status group" in render_text(report, "en")
    paper = laid_out(report, "de", BERLIN)
    assert ">Buchungen: Thema nach Statusgruppe</h2>" in as_html(paper).decode()
    assert as_pdf(paper).startswith(b"%PDF")


def test_where_nobody_supplied_the_dimension_the_reason_stands_instead() -> None:
    told: dict[Owner, dict[Cell, Figures]] = {None: {ALL: counts(9), ("topic", "T"): counts(9)}}
    told["status_group", None] = {ALL: counts(9), ("topic", "T"): counts(9)}
    found = report_of(Question(2023, by=("topic", "status_group")), Known(told), BERLIN)
    assert tables(found) == []
    [why] = [one for one in laid_out(found, "de", BERLIN).missing if one.startswith("Statusgruppe")]
    assert "wurde eine Statusgruppe gemeldet" in why
