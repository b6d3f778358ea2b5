"""The report as CSV, XLSX, HTML and PDF: the same figures in each, and nothing that a program takes for a formula."""

import csv
from collections.abc import Callable
from html import unescape
from io import BytesIO, StringIO
from itertools import takewhile
from typing import Any

import openpyxl
import pypdf
import pytest

from services.stats.layout import laid_out
from services.stats.paper import Paper
from services.stats.printed import as_html, as_pdf
from services.stats.sheets import as_csv, as_xlsx, harmless
from shared.formats import Language
from tests.support.stats_world import BERLIN, SPRING, at, course, data, fact, leave, offering, present, report

EVIL = '=HYPERLINK("http://evil.example";"Kurs")'


def paper(language: Language = "de", organisation: str | None = None) -> Paper:
    """Two departments and bookings without one; a course whose title is a formula; one small figure."""
    known = data(
        *(fact(organisation_id="D", department="Amt 10", attendance=[present()]) for _ in range(17)),
        *(fact(organisation_id="D", department="Amt 50", offering_id="W", completed_at=SPRING) for _ in range(181)),
        *(fact(organisation_id="D", department=None, offering_id="W") for _ in range(10)),
        *(leave(department="Amt 50", days=2.5) for _ in range(49)),
        leave(department="Amt 10", days=1.0),
        fact(organisation_id="D", department="Amt 10", assigned={"Azubis": SPRING}),
        offerings=[offering(), offering("W", {"S9": None}, course_id="C2", format="web_based")],
        courses=[course("C1", EVIL), course("C2", "<script>In & Teams</script>")],
    )
    known.as_of = at(2024, 1, 10, 11, 5)
    return laid_out(report(known, organisation=organisation), language, BERLIN)


def rows(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "without the mark Excel takes umlauts for something else"
    return list(csv.DictReader(StringIO(content[3:].decode()), delimiter=";"))


def test_csv_has_a_line_per_row_and_says_what_is_withheld() -> None:
    found = rows(as_csv(paper()))
    [totals] = [row for row in found if row["dimension"] == "totals"]
    assert (totals["bookings"], totals["leave_days"], totals["assigned"]) == ("209", "123,5", "")
    small = {row["key"]: row for row in found if row["dimension"] == "department"}
    assert (small["Amt 10"]["leave_days"], small["Amt 10"]["withheld"]) == ("", "leave_persons leave_days")
    assert small["Amt 50"]["bookings"] == "181"
    [cohort] = [row for row in found if row["dimension"] == "cohorts"]
    assert (cohort["label"], cohort["assigned"], cohort["bookings"]) == ("Azubis (O1)", "1", "")
    assert {row["leave_days"] for row in found if row["dimension"] == "course"} == {""}, "leave has no course"


def test_no_cell_of_the_csv_is_a_formula() -> None:
    [label] = [row["label"] for row in rows(as_csv(paper())) if row["key"] == "C1"]
    assert label == f"'{EVIL}"
    assert [harmless(text) for text in ("+1", "-1", "@a", "\tx", "\rx", "1=1", "")] == [
        "'+1", "'-1", "'@a", "'\tx", "'\rx", "1=1", "",
    ]  # fmt: skip


def test_the_workbook_has_a_sheet_per_dimension_with_a_fixed_head_and_real_numbers() -> None:
    book = openpyxl.load_workbook(BytesIO(as_xlsx(paper())))
    assert book.sheetnames[:4] == ["Insgesamt", "Kurs", "Format", "Amt"]
    sheet = book["Kurs"]
    assert sheet.freeze_panes == "B2"
    cells = {row[0].value: row for row in sheet.iter_rows(min_row=2)}
    assert (cells[EVIL][0].data_type, cells[EVIL][2].value, cells[EVIL][2].data_type) == ("s", 18, "n")
    withheld = [row[0].value for row in book["Amt"].iter_rows() for one in row if one.value == "•"]
    assert "Amt 10" in withheld


@pytest.mark.parametrize(
    ("language", "definitions"), [("de", "Was die Zahlen bedeuten"), ("en", "What the figures mean")]
)
def test_the_workbook_says_what_the_figures_mean(language: Language, definitions: str) -> None:
    sheet = openpyxl.load_workbook(BytesIO(as_xlsx(paper(language))))[definitions]
    texts = [str(one.value) for row in sheet.iter_rows() for one in row if one.value]
    assert [text for text in texts if text.endswith(paper(language).method[0])]


def pdf(language: Language) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(as_pdf(paper(language))))


def test_the_pdf_is_tagged_titled_and_in_its_language() -> None:
    reader = pdf("en")
    root: Any = reader.trailer["/Root"]
    assert (root["/MarkInfo"]["/Marked"], root["/Lang"], root["/ViewerPreferences"]["/DisplayDocTitle"]) == (
        True, "en", True,
    )  # fmt: skip
    described = root["/Metadata"].get_data().decode()
    assert "pdfuaid:part>1<" in described
    assert "pdfaid:part>2<" in described
    assert "pdfaid:conformance>A<" in described
    objects: list[Any] = [reader.get_object(number) for number in range(1, len(reader.xref[0]))]
    kinds = {one.get("/S") for one in objects if isinstance(one, dict)}
    assert {"/H1", "/Table", "/THead", "/TH", "/TD"} <= kinds, "headings and heads of tables are told as such"
    assert reader.metadata is not None
    assert reader.metadata.title == "Training in 2023: report to the council"


def test_the_same_figures_stand_in_every_format() -> None:
    told = paper()
    printed = "".join("".join(page.extract_text() for page in pdf("de").pages).split())
    page = unescape(as_html(told).decode())
    for table in told.tables:
        for line in table.lines:
            label = "".join(takewhile(lambda letter: letter not in "/:", line.label.replace(" ", "")))
            assert label in printed
            assert line.label in page
    assert "Amt:bekanntzu199von209Buchungen." in printed
    assert "Amt: bekannt zu 199 von 209 Buchungen." in page


def test_no_title_is_markup() -> None:
    page = as_html(paper()).decode()
    assert "<script" not in page
    assert "&lt;script&gt;In &amp; Teams&lt;/script&gt;" in page


@pytest.mark.parametrize("write", [as_csv, as_pdf, as_html])
def test_the_same_paper_is_the_same_file(write: Callable[[Paper], bytes]) -> None:
    assert write(paper()) == write(paper())


def test_an_empty_year_is_a_file_too() -> None:
    empty = laid_out(report(data()), "de", BERLIN)
    assert rows(as_csv(empty))[0]["bookings"] == "0"
    assert as_pdf(empty).startswith(b"%PDF")
    assert openpyxl.load_workbook(BytesIO(as_xlsx(empty))).sheetnames == ["Insgesamt", "Was die Zahlen bedeuten"]


def test_a_year_before_the_first_event_says_so() -> None:
    known = data()
    known.since = at(2024)
    found = report(known)
    assert found["unavailable"] == {"period": "Das älteste Ereignis, das vorliegt, ist vom 04.05.2024."}
    assert laid_out(found, "en", BERLIN).missing == [
        "There are no events of this year; the oldest one is of Sat 4 May 2024.".replace(
            " 4 May ", "\u00a04\u00a0May\u00a0"
        )
    ]


def test_coverage_tells_no_figure_that_is_withheld() -> None:
    few = data(*(fact(department="x") for _ in range(9)), *(fact(department="y") for _ in range(8)), fact())
    assert report(few)["coverage"]["department"] == {"known": None, "of": 18}
    assert [one.note for one in laid_out(report(few), "de", BERLIN).tables if one.name == "department"] == [
        "Amt: nicht zu allen Buchungen bekannt."
    ]
