"""The structure of the report, its labels, what is unavailable, and the two stories."""

from typing import Any

from services.stats.report import is_known
from shared.events import Organisation
from tests.support.naive_stats import Data
from tests.support.stats_world import SPRING, at, course, data, fact, known_of, leave, offering, present, report, row

DUESSELDORF = Organisation(organisation_id="de.duesseldorf", name="Landeshauptstadt Düsseldorf")


def duesseldorf() -> Data:
    """2023: 17 participants in person, 181 bookings of a WBT, 49 people on leave; nobody's department was told."""
    where: dict[str, Any] = {"organisation_id": "de.duesseldorf"}
    attendees = [fact(**where, attendance=[present()]) for _ in range(17)]
    learners = [fact(**where, offering_id="WBT", course_id="C2", completed_at=SPRING) for _ in range(181)]
    on_leave = [leave(**where) for _ in range(49)]
    return data(
        *attendees,
        *learners,
        *on_leave,
        offerings=[offering(), offering("WBT", {"S9": None}, course_id="C2", format="web_based")],
        courses=[
            course("C1", "Erweiterung der interkulturellen Kompetenz", ["Interkulturalität"]),
            course("C2", "Interkulturelle Kommunikation in Teams", ["Interkulturalität"]),
        ],
        organisations=[DUESSELDORF],
    )


def test_the_councils_question_of_2023() -> None:
    found = report(duesseldorf())
    assert found["totals"] == {
        "bookings": 198,
        "persons": 198,
        "participants": 198,
        "waiting": 0,
        "cancelled": 0,
        "no_shows": 0,
        "completions": 181,
        "leave_persons": 49,
        "leave_days": 245,
    }
    assert [(one["label"], one["participants"]) for one in found["by"]["course"]] == [
        ("Erweiterung der interkulturellen Kompetenz", 17),
        ("Interkulturelle Kommunikation in Teams", 181),
    ]
    assert set(found["unavailable"]) == {"department", "status_group", "competency"}
    assert row(found, "department", None)["label"] == "nicht angegeben"


def test_the_report_has_the_members_of_the_contract_in_their_order() -> None:
    found = report(duesseldorf())
    assert list(found) == [
        "year",
        "organisation",
        "as_of",
        "totals",
        "by",
        "cohorts",
        "unavailable",
        "coverage",
        "since",
        "small_cells",
    ]
    dimensions = ["course", "format", "topic", "competency", "department", "status_group", "organisation", "month"]
    assert list(found["by"]) == dimensions
    assert (found["year"], found["organisation"], found["as_of"]) == (2023, None, None)


def test_the_only_organisation_narrowed_is_the_whole() -> None:
    whole, narrowed = report(duesseldorf()), report(duesseldorf(), organisation="de.duesseldorf")
    assert narrowed["totals"] == whole["totals"]
    assert narrowed["by"] == whole["by"]
    assert narrowed["organisation"] == "de.duesseldorf"


def test_a_year_in_which_nothing_happened() -> None:
    found = report(duesseldorf(), 2020)
    assert set(found["totals"].values()) == {0}
    assert found["by"] == {name: [] for name in found["by"]}
    assert found["unavailable"] == {}


def test_delegations_of_2024_by_organisation() -> None:
    cities = {"Jena": 6, "Bonn": 5, "Aachen": 9}
    facts = [
        fact(organisation_id=city, seated_at=at(2024), attendance=[present(recorded_at=at(2024))])
        for city, seats in cities.items()
        for _ in range(seats)
    ]
    known = data(*facts, offerings=[offering(sessions={"S1": at(2024)})])
    found = report(known, 2024)
    counted = [(one["label"], one["bookings"], one["persons"]) for one in found["by"]["organisation"]]
    assert counted == [("Aachen", 9, 9), ("Bonn", 5, 5), ("Jena", 6, 6)]
    assert report(known, 2024, "Bonn")["totals"]["participants"] == 5


def test_what_is_missing_is_a_row_of_its_own_and_comes_last() -> None:
    facts = [fact(status_group=group) for group in ("Zoll", None, "azubi") for _ in range(5)]
    found = report(data(*facts))
    assert [one["label"] for one in found["by"]["status_group"]] == ["azubi", "Zoll", "nicht angegeben"]
    assert "status_group" not in found["unavailable"]


def test_labels_are_names_and_else_the_id() -> None:
    found = report(data(*(fact(organisation_id="x") for _ in range(5)), organisations=[DUESSELDORF]))
    assert row(found, "course", "C1")["label"] == "C1"
    assert row(found, "organisation", "x")["label"] == "x"


def test_an_organisation_nobody_knows() -> None:
    assert not is_known("nowhere", known_of(duesseldorf()))


def test_a_known_organisation_without_figures_has_zeros_and_no_rows() -> None:
    idle = Organisation(organisation_id="idle", name="Stadt Ohne")
    known = data(*(fact(organisation_id="D") for _ in range(3)), organisations=[idle])
    found = report(known, organisation="idle")
    assert set(found["totals"].values()) == {0}
    assert found["by"] == {name: [] for name in found["by"]}


def test_the_state_is_that_of_the_newest_event() -> None:
    known = duesseldorf()
    known.as_of = at(2023, 7, 1, 10, 30)
    assert report(known)["as_of"] == "2023-07-01T10:30:00Z"
