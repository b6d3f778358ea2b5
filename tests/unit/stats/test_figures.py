"""The definitions of the report, one by one (design section 4, "The report")."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from services.stats.domain import Fact, LeaveFact, OfferingFact
from shared.events import Presence
from tests.support.stats_world import SPRING, at, course, data, fact, leave, offering, present, report, row


def totals(*facts: Fact | LeaveFact, year: int = 2023, offerings: Sequence[OfferingFact] = ()) -> dict[str, Any]:
    """The figures that are not 0."""
    found: dict[str, Any] = report(data(*facts, offerings=offerings), year)["totals"]
    return {name: figure for name, figure in found.items() if figure}


def wbt(**fields: Any) -> OfferingFact:
    return offering(format="web_based", sessions={"S1": None}, **fields)


def waiting(since: datetime, until: datetime | None = None, status: str = "waiting", **fields: Any) -> Fact:
    return fact(status=status, seated_at=None, waiting_since=since, waiting_until=until, **fields)


def test_a_seat_counts_in_its_year_and_a_later_cancellation_does_not_take_it_away() -> None:
    cancelled_later = fact(status="cancelled", ended_at=at(2024))
    assert totals(fact(), cancelled_later) == {"bookings": 2, "cancelled": 1}
    assert totals(fact(), cancelled_later, year=2024) == {}


def test_a_booking_without_a_seat_is_no_booking_of_the_report() -> None:
    assert totals(fact(seated_at=None, status="refused"), fact(seated_at=None, status="cancelled")) == {}


@pytest.mark.parametrize(("minute", "year"), [(22 * 60 + 59, 2023), (23 * 60, 2024), (23 * 60 + 30, 2024)])
def test_new_year_is_berlins(minute: int, year: int) -> None:
    eve = at(2023, 12, 31, *divmod(minute, 60))
    assert totals(fact(seated_at=eve), year=year) == {"bookings": 1}
    assert totals(fact(seated_at=eve), year=2023 + 2024 - year) == {}


def test_participants_are_bookings_and_persons_are_people() -> None:
    twice = [fact("p", attendance=[present()]), fact("p", offering_id="O2", attendance=[present(status="partly")])]
    found = totals(*twice, offerings=[offering(), offering("O2")])
    assert found == {"bookings": 2, "participants": 2, "persons": 1}


@pytest.mark.parametrize("status", ["absent", "excused"])
def test_who_was_not_there_is_no_participant(status: Presence) -> None:
    assert "participants" not in totals(fact(attendance=[present(status=status)]))


def test_attendance_belongs_to_the_year_of_the_session_not_of_the_recording() -> None:
    late = fact(seated_at=at(2022), attendance=[present(recorded_at=at(2024, 1))])
    assert totals(late) == {"participants": 1, "persons": 1}
    assert totals(late, year=2024) == {}


def test_attendance_follows_a_session_that_moved() -> None:
    moved = offering(sessions={"S1": at(2024, 1)})
    attendee = fact(seated_at=at(2022), attendance=[present()])
    assert totals(attendee, offerings=[moved]) == {}
    assert totals(attendee, year=2024, offerings=[moved]) == {"participants": 1, "persons": 1}


def test_a_session_without_a_time_belongs_to_the_year_of_the_recording() -> None:
    attendee = fact(seated_at=at(2022), attendance=[present(recorded_at=at(2024, 1))])
    assert totals(attendee, year=2024, offerings=[wbt()]) == {"participants": 1, "persons": 1}


def test_a_completion_makes_a_participant_only_where_the_offering_is_web_based() -> None:
    completed = fact(completed_at=SPRING)
    assert totals(completed, offerings=[wbt()]) == {"bookings": 1, "completions": 1, "participants": 1, "persons": 1}
    assert totals(completed) == {"bookings": 1, "completions": 1}


def test_a_no_show_is_confirmed_and_absent_in_every_recorded_session() -> None:
    two = offering(sessions={"S1": at(2023), "S2": at(2024)})
    absent = [present("S1", "absent"), present("S2", "absent", at(2024))]
    never = fact(attendance=absent)
    once = fact(attendance=[absent[0], present("S2", "partly", at(2024))])
    excused = fact(attendance=[absent[0], present("S2", "excused", at(2024))])
    cancelled = fact(attendance=absent, status="cancelled")
    assert "no_shows" not in totals(never, offerings=[two])  # the year of the last recorded session counts
    assert totals(never, once, excused, cancelled, fact(), year=2024, offerings=[two])["no_shows"] == 1


def test_waiting_at_the_end_of_the_year_or_now() -> None:
    still = waiting(at(2022))
    until_new_year = waiting(at(2023), at(2023, 12, 31, 23, 30), "confirmed")
    promoted_in_the_year = waiting(at(2023), at(2023, 6), "confirmed")
    people = (still, until_new_year, promoted_in_the_year)
    assert [totals(*people, year=year).get("waiting") for year in (2021, 2022, 2023, 2024)] == [None, 1, 2, 1]


def test_who_left_the_queue_without_a_time_or_before_joining_does_not_wait() -> None:
    assert totals(waiting(SPRING, None, "cancelled"), waiting(SPRING, at(2022), "cancelled")) == {}


def test_leave_counts_people_and_days_in_the_year_in_which_it_starts() -> None:
    new_years_eve = {"starts_on": date(2023, 12, 31), "ends_on": date(2024, 1, 4)}
    leaves = [leave("p", days=2.5), leave("p"), leave("q", **new_years_eve), leave("r", ended_at=SPRING)]
    assert totals(*leaves) == {"leave_persons": 2, "leave_days": 12.5}
    assert totals(*leaves, year=2024) == {}


def test_leave_stands_in_the_rows_of_people_and_nowhere_else() -> None:
    found = report(data(*(leave(department="Amt 1") for _ in range(5)), fact(organisation_id="D", department="Amt 1")))
    assert row(found, "department", "Amt 1")["leave_days"] == 25
    assert row(found, "organisation", "D")["leave_persons"] == 5
    for dimension in ("course", "format", "topic", "competency"):
        assert all("leave_days" not in one and "leave_persons" not in one for one in found["by"][dimension])


def test_a_booking_counts_under_all_topics_and_a_participant_under_those_attended() -> None:
    modules = offering(sessions={"S1": SPRING, "S2": at(2023, 6)}, topics={"S1": ["A"], "S2": ["B", "K"]})
    known = data(
        fact(attendance=[present("S2", recorded_at=at(2023, 6))]),
        offerings=[modules],
        courses=[course(topics=["K"], competencies=["X", "Y"])],
    )
    found = report(known)
    counted = {one["key"]: (one["bookings"], one["participants"]) for one in found["by"]["topic"]}
    assert counted == {"A": (1, 0), "B": (1, 1), "K": (1, 1)}
    assert {one["key"]: one["bookings"] for one in found["by"]["competency"]} == {"X": 1, "Y": 1}


def test_format_is_the_present_one() -> None:
    found = report(data(fact(completed_at=SPRING), offerings=[wbt()]))
    assert [(one["key"], one["label"]) for one in found["by"]["format"]] == [("web_based", "WBT (Selbstlernen)")]


def test_a_cohort_counts_people_once_in_the_year_of_the_assignment() -> None:
    known = data(
        fact("p", {"Azubis": SPRING}, attendance=[present(status="partly")]),
        fact("q", {"Azubis": SPRING}, completed_at=at(2024)),
        fact("r", {"Azubis": SPRING}, status="cancelled"),
        fact("r", {"Azubis": at(2023, 6)}),
        fact("s", {"Azubis": at(2022)}, attendance=[present()]),
    )
    row_of_cohort = {"cohort": "Azubis", "offering_id": "O1"}
    assert report(known)["cohorts"] == [row_of_cohort | {"assigned": 3, "fulfilled": 2, "open": 1}]
    assert report(known, 2022)["cohorts"] == [row_of_cohort | {"assigned": 1, "fulfilled": 1, "open": 0}]
