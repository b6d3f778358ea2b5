"""The benchmark's statistics."""

import pytest

from lernbus.bench.figures import RATIOS, Spread, first_reached, percentile, ratios, spread


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1, 100), (0, 1), (0.001, 1), (0.991, 100)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_a_spread_is_median_and_range() -> None:
    assert spread([3, 1, 2, 10]) == Spread(2.5, 1, 10)


def test_ratios_are_taken_within_each_round_before_the_median() -> None:
    measured = {name: [1.0, 1.0, 1.0] for one in RATIOS for name in (one.over, one.under)}
    measured |= {"enrolment": [10.0, 100.0, 30.0], "bare": [20.0, 50.0, 30.0]}
    assert ratios(measured)["throughput_vs_bare"] == Spread(1, 0.5, 2)


def test_rounds_that_do_not_match_are_refused() -> None:
    measured = {name: [1.0, 1.0] for one in RATIOS for name in (one.over, one.under)}
    with pytest.raises(ValueError, match="shorter"):
        ratios({**measured, "bare": [1.0]})


@pytest.mark.parametrize(("offset", "moment"), [(0, 0.1), (2, 0.1), (3, 0.2), (6, 0.2), (7, 0.3)])
def test_an_offset_is_reached_with_the_first_commit_beyond_it(offset: int, moment: float) -> None:
    assert first_reached([(0, 0.0), (3, 0.1), (7, 0.2), (9, 0.3)], offset) == moment
