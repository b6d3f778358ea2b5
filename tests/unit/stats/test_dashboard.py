"""What the dashboard makes of reports, sums and seats."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.stats import dashboard, places
from services.stats.dashboard import Row
from services.stats.rows import Seats
from services.stats.view import View, view_of
from shared.events import Delegation
from shared.pages import Missing
from tests.support.stats_world import at, offering

NOW = datetime(2023, 6, 1, 8, tzinfo=UTC)


def label(_: str, row: Row) -> str:
    return str(row["label"])


def rows(*figures: tuple[str, int | None]) -> list[Row]:
    return [{"key": name, "label": name, "bookings": n} for name, n in figures]


def seats(organisations: dict[str | None, dict[str, int]], **fields: Any) -> Seats:
    whole = {status: 0 for row in organisations.values() for status in row}
    for row in organisations.values():
        for status, number in row.items():
            whole[status] += number
    return Seats(offering(sessions={"S1": at(2023, 7)}, **fields), whole, organisations)


def kept(organisation_id: str, number: int, release_at: datetime | None = None) -> Delegation:
    return Delegation(organisation_id=organisation_id, seats=number, release_at=release_at)


def test_totals_are_live_but_for_people() -> None:
    sums: dict[str | None, dict[str, float]] = {
        "o1": {"bookings": 5, "participants": 2},
        "o2": {"bookings": 1},
        None: {"leave_days": 2.5},
    }
    told = {one.name: (one.value, one.live) for one in dashboard.totals({"persons": 2}, dashboard.summed(sums))}
    assert told["bookings"] == (6, True)
    assert told["leave_days"] == (2.5, True)
    assert told["persons"] == (2, False)
    assert told["leave_persons"] == (0, False)


def test_an_order_does_not_tell_what_is_withheld() -> None:
    found = dashboard.breakdown("department", rows(("a", 5), ("z", None), ("b", 7), ("y", None)), label)
    assert found is not None
    assert [line.key for line in found.lines] == ["b", "a", "y", "z"]
    assert found.chart is not None
    assert [group.marks[0].value for group in found.chart.groups] == [7, 5, None, None]


def test_a_breakdown_has_no_column_of_zeros_and_no_row_of_zeros() -> None:
    found = dashboard.breakdown("course", rows(("a", 5), ("b", 0)), label)
    assert found is not None
    assert (found.columns, [line.key for line in found.lines]) == (["bookings"], ["a"])
    assert found.chart is None  # a single bar compares with nothing
    assert dashboard.breakdown("course", rows(("b", 0)), label) is None


def test_of_many_rows_the_first_are_shown() -> None:
    found = dashboard.breakdown("course", rows(*((f"c{n:03}", n) for n in range(1, 70))), label)
    assert found is not None
    assert found.chart is not None
    assert (len(found.lines), found.more, len(found.chart.groups)) == (50, 19, 12)
    assert found.lines[0].key == "c069"


def test_all_months_are_there() -> None:
    found = dashboard.months(rows(("2023-05", 3), ("2022-06", 4)), 2023, "M{}".format)
    assert found is not None
    assert [line.figures["bookings"] for line in found.lines] == [0, 0, 0, 0, 3, *[0] * 7]
    assert dashboard.months([], 2023, str) is None


def test_whoever_misses_most_comes_first() -> None:
    told = [{"cohort": name, "offering_id": "o", "open": n} for name, n in (("a", 0), ("b", None), ("c", 9))]
    assert [one["cohort"] for one in dashboard.cohorts(told)] == ["c", "a", "b"]
    assert dashboard.fulfilled_share({"assigned": 8, "fulfilled": 2}) == 25
    assert dashboard.fulfilled_share({"assigned": 8, "fulfilled": None}) is None


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (2026, range(2022, 2027)),
        (2024, range(2022, 2027)),
        (2020, range(2018, 2021)),
        (2030, [*range(2023, 2027), 2030]),
    ],
)
def test_the_last_five_years_stand_side_by_side(asked: int, shown: list[int]) -> None:
    assert dashboard.years_shown(range(2018, 2027), asked, 2026) == [*shown]


def test_a_waiting_list_says_which_seats_are_free() -> None:
    there: dict[str | None, dict[str, int]] = {"a": {"confirmed": 4}, "b": {"confirmed": 1}, None: {"waiting": 3}}
    delegations = [kept("a", 2), kept("b", 3), kept("c", 2)]
    [[found], count, people] = places.waiting_lists(
        [seats(there, capacity=10, delegations=delegations, released=["c"]), seats({None: {"confirmed": 1}})], NOW
    )
    assert (found.free, found.kept, found.waiting, count, people) == (3, 2, 3, 1, 3)  # 10 - 5 - (3 - 1)
    [[unlimited], *_] = places.waiting_lists([seats(there, capacity=None)], NOW)
    assert unlimited.free is None


def test_the_next_release_comes_first() -> None:
    first = seats({"a": {"confirmed": 4}}, offering_id="o1", delegations=[kept("a", 2, at(2023, 8)), kept("b", 2)])
    second = seats({}, offering_id="o2", delegations=[kept("a", 5, at(2023, 7))])
    told, count = places.delegations([first, second], None)
    assert [[(one.organisation_id, one.share) for one in rows] for rows in told] == [[("a", 0)], [("a", 100), ("b", 0)]]
    assert count == 3
    assert places.delegations([first, second], "b")[1] == 1


def test_an_address_is_read() -> None:
    assert view_of({"year": "", "organisation": "", "only": ""}, 2024) == View(2024)
    asked = view_of({"year": "2023", "organisation": "o", "only": "topic:a:b"}, 2024)
    assert asked == View(2023, "o", ("topic", "a:b"))
    assert (asked.asked, asked.is_whole) == ("topic:a:b", False)


@pytest.mark.parametrize(
    "query", [{"year": "1899"}, {"only": "person:x"}, {"only": "course"}, {"organisation": "o" * 201}]
)
def test_what_no_report_is_about_is_missing(query: dict[str, str]) -> None:
    with pytest.raises(Missing):
        view_of(query, 2024)
