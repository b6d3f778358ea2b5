"""Where bars and columns stand."""

from itertools import pairwise

import pytest

from services.stats.charts import HEIGHT, LONGEST, TOP, bars, columns, scale, shortened

SERIES = ["bookings", "participants"]


def test_the_longest_bar_takes_the_room_and_the_others_their_share() -> None:
    chart = bars([("A", {"bookings": 200, "participants": 50}), ("B", {"bookings": 100})], SERIES)
    assert [[mark.width for mark in group.marks] for group in chart.groups] == [
        [LONGEST, LONGEST / 4],
        [LONGEST / 2, 0],
    ]
    assert chart.peak == ("A", "bookings", 200)
    edges = [(mark.y, mark.y + mark.height) for group in chart.groups for mark in group.marks]
    assert all(below[0] >= above[1] for above, below in pairwise(edges))
    assert edges[-1][1] <= chart.height


def test_a_withheld_figure_has_a_size_that_says_nothing() -> None:
    small, large = (
        bars([("A", {"bookings": most}), ("B", {"bookings": None})], ["bookings"]).groups[1].marks[0].width
        for most in (9, 9_000)
    )
    assert small == large > 4
    assert bars([("A", {"bookings": 9}), ("B", {"bookings": None})], ["bookings"]).withheld
    assert not bars([("A", {"bookings": 9})], ["bookings"]).withheld


def test_where_nothing_is_told_nothing_is_the_most() -> None:
    assert bars([("A", {"bookings": None}), ("B", {})], ["bookings"]).peak is None
    assert columns([("A", {})], SERIES).peak is None


def test_columns_stand_on_the_ground_under_the_highest_line() -> None:
    chart = columns([(name, {"bookings": n, "participants": n / 2}) for n, name in enumerate("ABC", 9)], SERIES)
    marks = [mark for group in chart.groups for mark in group.marks]
    assert {mark.y + mark.height for mark in marks} == {TOP + HEIGHT}
    assert chart.lines[-1] == (15, TOP)
    assert max(mark.height for mark in marks) == round(HEIGHT * 11 / 15, 2)
    starts = [(mark.x, mark.x + mark.width) for mark in marks]
    assert all(left[1] <= right[0] for left, right in pairwise(starts))
    assert all(0 <= left < right <= 100 for left, right in starts)


@pytest.mark.parametrize(
    ("most", "lines"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (20, [0, 5, 10, 15, 20]),
        (21, [0, 10, 20, 30]),
        (601, [0, 200, 400, 600, 800]),
        (1_000_000, [0, 500_000, 1_000_000]),
    ],
)
def test_a_scale_has_few_round_figures(most: int, lines: list[int]) -> None:
    assert scale(most) == lines


def test_long_labels_are_shortened() -> None:
    assert shortened("a" * 42) == "a" * 42
    assert shortened("wort " * 20) == "wort wort wort wort wort wort wort wort w…"
