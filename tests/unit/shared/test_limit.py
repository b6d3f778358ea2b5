"""When a partition has too many dead letters."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from shared import limit


def stops_at(outcomes: Iterable[bool]) -> int | None:
    """After how many records the limit is reached."""
    window = limit.NONE
    for number, dead in enumerate(outcomes, 1):
        window = limit.pushed(window, dead)
        if limit.reached(window):
            return number
    return None


def test_fifty_in_a_row_from_the_beginning() -> None:
    assert stops_at([True] * 60) == 50
    assert stops_at([True] * 49 + [False] + [True] * 49) is None


def test_a_fifth_of_the_last_200_and_not_before_there_are_200() -> None:
    assert stops_at(([True] * 40 + [False] * 159) * 1) is None
    assert stops_at([True] * 40 + [False] * 160) == 200
    assert stops_at(([True] + [False] * 4) * 100) == 200
    assert stops_at(([True] * 39 + [False] * 161) * 5) is None


def test_what_is_older_than_200_records_counts_no_more() -> None:
    assert stops_at([False] * 1_000 + [True] * 39 + [False] * 200 + [True] * 39) is None


@given(st.lists(st.booleans(), max_size=450))
def test_it_is_as_the_sentence_says(outcomes: list[bool]) -> None:
    def over(seen: list[bool]) -> bool:
        row = len(seen) >= 50 and all(seen[-50:])
        return row or (len(seen) >= 200 and sum(seen[-200:]) >= 40)

    window = limit.NONE
    for number, dead in enumerate(outcomes, 1):
        window = limit.pushed(window, dead)
        assert bool(limit.reached(window)) == over(outcomes[:number])
