"""Years side by side: each year's figures, the difference where both are told, and what a year lacks."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import openpyxl

from services.stats.columns import ALL, Cell, Owner
from services.stats.compared import laid_out_years, spread
from services.stats.paper import Paper, Table, cell
from services.stats.printed import as_html, as_pdf
from services.stats.report import Figures, Known, Question, report_of
from services.stats.sheets import as_csv, as_xlsx
from services.stats.text import render_text
from shared.formats import Language
from tests.support.stats_world import BERLIN

BOOKED = {2022: 40, 2023: 30, 2024: 65}


def known(year: int) -> Known:
    """Amt 10 has 10 bookings more every year, and 2023 those of Amt 50 are withheld; one course that ended in 2023."""
    booked = BOOKED[year]
    whole: dict[Cell, Figures] = {ALL: {"bookings": booked, "participants": booked, "leave_days": 2.5}}
    whole["month", f"{year}-05"] = {"bookings": booked}
    if year < 2024:
        whole["course", "c1"] = {"bookings": booked}
    told: dict[Owner, dict[Cell, Figures]] = {None: whole, ("organisation", "D"): whole}
    told["department", "Amt 10"] = {ALL: {"bookings": 10 * (year - 2021)}}
    told["department", "Amt 50"] = {ALL: {"bookings": None if year == 2023 else 9}}
    moments = datetime(2024, 6, 1, 8, tzinfo=UTC), datetime(2022, 2, 1, 8, tzinfo=UTC)
    return Known(told, {"c1": "Kurs"}, {"D": "Stadt"}, *moments)


def compared(*years: int, organisation: str | None = None) -> dict[str, Any]:
    reports = [report_of(Question(year, organisation), known(year), BERLIN) for year in years]
    return {"years": [*years], "organisation": organisation, "reports": reports}


def paper(*years: int, language: Language = "de", organisation: str | None = None) -> Paper:
    return laid_out_years(compared(*(years or BOOKED), organisation=organisation), language, BERLIN)


def table(told: Paper, title: str) -> Table:
    [one] = [one for one in told.tables if one.title == title]
    return one


def test_years_stand_beside_each_other_with_their_difference() -> None:
    totals = paper().tables[0]
    assert [column.head for column in totals.columns] == ["2022", "2023", "± 2023", "2024", "± 2024"]
    assert {line.label: line.cells for line in totals.lines}["Buchungen"] == [40, 30, -10, 65, 35]


def test_a_difference_is_told_only_where_both_figures_are() -> None:
    departments = table(paper(), "Nach Amt: Buchungen")
    assert {line.label: line.cells for line in departments.lines} == {
        "Amt 10": [10, 20, 10, 30, 10],
        "Amt 50": [9, None, None, 9, None],
    }
    assert spread([None, 3]) == [None, 3, None]


def test_of_many_years_only_the_first_and_the_last_are_compared() -> None:
    assert spread([1, 2, 3, 4]) == [1, 2, 1, 3, 1, 4, 1]
    assert spread([1, 2, 3, 4, 9]) == [1, 2, 3, 4, 9, 8]
    assert spread([7]) == [7]
    assert spread([0.1, 0.3]) == [0.1, 0.3, 0.2]


def test_a_row_that_a_year_does_not_have_is_0_there() -> None:
    assert table(paper(), "Nach Kurs: Buchungen").lines[0].cells == [40, 30, -10, 0, -30]


def test_the_same_month_of_each_year_is_one_row() -> None:
    [may] = table(paper(language="en"), "By month: Bookings").lines
    assert (may.label, may.cells) == ("May", [40, 30, -10, 65, 35])


def test_changes_have_a_sign() -> None:
    assert [cell(value, "de", "change") for value in (1_234, -5, 0, None)] == ["+1.234", "\N{MINUS SIGN}5", "±0", "•"]


def test_what_a_year_lacks_is_said_with_the_year_and_what_all_lack_once() -> None:
    missing = paper().missing
    early = "2022: Aus der Zeit vor Di.,\N{NO-BREAK SPACE}01.02.2022 liegen keine Ereignisse vor; was davor lag, fehlt"
    assert [one for one in missing if one.startswith(early)]
    assert len([one for one in missing if one.startswith("2024: Die Daten dieses Jahres reichen bis ")]) == 1
    late = report_of(
        Question(2030),
        Known({None: {}}, as_of=datetime(2024, 6, 1, tzinfo=UTC), since=datetime(2022, 2, 1, tzinfo=UTC)),
        BERLIN,
    )
    both = {"years": [2030, 2031], "organisation": None, "reports": [late, {**late, "year": 2031}]}
    [once] = laid_out_years(both, "en", BERLIN).missing
    assert once.startswith("In the data this year has not begun; the newest event is of Sat")
    assert late["unavailable"] == {"period": "Das jüngste Ereignis, das vorliegt, ist vom 01.06.2024."}


def test_the_years_are_drawn_beside_their_table() -> None:
    told = paper()
    assert told.trend is not None
    assert [(one.label, one.values[2], one.shares[2]) for one in told.trend.groups] == [
        ("2022", 40, 61.54), ("2023", 30, 46.15), ("2024", 65, 100.0),
    ]  # fmt: skip
    assert paper(2023).trend is None
    assert "  Buchungen   2024  ████████████████████████████████████████ 65" in render_text(compared(*BOOKED))
    assert as_html(told).decode().count('class="year"') == 3
    assert as_pdf(told).startswith(b"%PDF")


def test_the_title_names_the_years_and_the_organisation() -> None:
    assert paper(2022, 2023).title == "Fortbildung 2022 bis 2023: Bericht an den Rat"
    assert paper(2023, language="en", organisation="D").title == "Training in 2023: report to the council, Stadt"


def test_csv_has_a_line_per_year() -> None:
    found = [*csv.DictReader(StringIO(as_csv(paper())[3:].decode()), delimiter=";")]
    totals = [(row["year"], row["bookings"], row["leave_days"]) for row in found if row["dimension"] == "totals"]
    assert totals == [("2022", "40", "2,5"), ("2023", "30", "2,5"), ("2024", "65", "2,5")]
    small = [(row["year"], row["bookings"], row["withheld"]) for row in found if row["key"] == "Amt 50"]
    assert small == [("2022", "9", ""), ("2023", "", "bookings"), ("2024", "9", "")]


def test_the_workbook_has_all_figures_of_all_years() -> None:
    book = openpyxl.load_workbook(BytesIO(as_xlsx(paper())))
    sheet = book["Amt"]
    assert [one.value for one in sheet[1]] == [
        "Amt",
        "Schlüssel",
        "Buchungen 2022",
        "Buchungen 2023",
        "Buchungen ± 2023",
        "Buchungen 2024",
        "Buchungen ± 2024",
    ]
    assert [one.value for one in sheet[3]] == ["Amt 50", "Amt 50", 9, "•", "•", 9, "•"]
    assert [one.value for one in book["Insgesamt"][2]] == ["Buchungen", 40, 30, -10, 65, 35]
