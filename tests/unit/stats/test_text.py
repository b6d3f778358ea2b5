"""The report as text: what a council reads."""

import json
from typing import Any

from services.stats.text import number, render_text
from shared.events import Organisation
from tests.support.stats_world import SPRING, at, course, data, fact, leave, offering, present, report


def council_question() -> dict[str, Any]:
    """The report of a small city, through JSON as the command line gets it."""
    known = data(
        *(fact(organisation_id="D", department="Amt 10", attendance=[present()]) for _ in range(17)),
        *(fact(organisation_id="D", department="Amt 50", offering_id="W", completed_at=SPRING) for _ in range(1_181)),
        *(leave(department="Amt 50", days=2.5) for _ in range(49)),
        *(fact(organisation_id="D", assigned={"Azubis 2023": SPRING}, department="Amt 10") for _ in range(2)),
        offerings=[offering(), offering("W", {"S9": None}, course_id="C2", format="web_based")],
        courses=[course("C1", "Erweiterung der interkulturellen Kompetenz"), course("C2", "In Teams")],
        organisations=[Organisation(organisation_id="D", name="Landeshauptstadt Düsseldorf")],
    )
    known.as_of = at(2024, 1, 10, 11, 5)
    return json.loads(json.dumps(report(known)))  # type: ignore[no-any-return]


def test_title_state_and_totals_answer_the_question() -> None:
    lines = render_text(council_question()).splitlines()
    assert lines[0] == "Fortbildung 2023: Bericht an den Rat"
    assert lines[2].startswith("Stand der Daten: Mi.,\N{NO-BREAK SPACE}10.01.2024, 12:05\N{NO-BREAK SPACE}Uhr")
    totals = {line.split()[0]: line.split()[1] for line in lines[7:16]}
    assert totals["Buchungen"] == "1.200"
    assert totals["Teilnahmen"] == "1.198"
    assert totals["Urlaubstage"] == "122,5"


def test_tables_are_aligned_and_leave_out_columns_of_zeros() -> None:
    blocks = render_text(council_question()).split("\n\n")
    [table] = [block for block in blocks if block.startswith("Nach Kurs")]
    head, rule, *rows = table.splitlines()
    assert head.split() == ["Nach", "Kurs", "Buchungen", "Personen", "Teilnahmen", "Abschlüsse"]
    assert {len(line) for line in (head, rule, *rows)} == {len(head)}
    assert rows[0].split()[-4:] == ["19", "17", "17", "0"]


def test_what_is_missing_is_said_once_with_the_reason() -> None:
    text = render_text(council_question())
    assert "Was dieser Bericht nicht sagen kann" in text
    assert "  Statusgruppe: Zu keiner Buchung oder Freistellung dieses Jahres wurde eine Statusgruppe gemeldet." in text
    assert "Nach Statusgruppe" not in text


def test_marks_are_explained_where_there_are_any() -> None:
    few = render_text(report(data(*(fact(department="x") for _ in range(7)), fact(department="y"))))
    assert "•" in few
    assert "Zahlen, hinter denen 1 bis 4 Personen stehen, zurückgehalten" in " ".join(few.split())
    assert "keine Zahl zurückgehalten" not in few
    assert "In diesem Bericht ist keine Zahl zurückgehalten." in " ".join(render_text(council_question()).split())


def test_cohorts_show_all_three_figures() -> None:
    [table] = [block for block in render_text(council_question()).split("\n\n") if block.startswith("Zugewiesene")]
    assert table.splitlines()[0].split()[-3:] == ["Zugewiesen", "Erfüllt", "Offen"]
    assert table.splitlines()[2].split() == ["Azubis", "2023", "(O1)", "2", "0", "2"]


def test_a_narrowed_report_names_its_organisation() -> None:
    city = Organisation(organisation_id="D", name="Stadt Jena")
    found = report(data(*(fact(organisation_id="D") for _ in range(5)), organisations=[city]), organisation="D")
    assert render_text(found).startswith("Fortbildung 2023: Bericht an den Rat, Stadt Jena\n===")


def test_an_empty_year_is_a_report_too() -> None:
    text = render_text(report(data()))
    assert "Noch ohne Daten" in text
    assert "Nach " not in text


def test_numbers_are_written_as_germans_do() -> None:
    assert [number(n) for n in (0, 1_234_567, 1_234.5, 2.0, None)] == ["0", "1.234.567", "1.234,5", "2", "•"]
