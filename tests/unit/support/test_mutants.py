"""How `make mutants` counts."""

import pytest

from tests.support.mutants import report


@pytest.mark.parametrize(("survivors", "enough"), [(1, True), (2, False)])
def test_nine_of_ten_have_to_die_by_a_failure_or_a_loop(survivors: int, *, enough: bool) -> None:
    codes: dict[str, int | None] = {f"a.b.x_f__mutmut_{number}": (1, 36)[number % 2] for number in range(10)}
    codes |= {f"a.b.x_f__mutmut_{number}": (0, None)[number] for number in range(survivors)}
    lines, is_enough = report(codes)
    assert is_enough == enough
    assert lines[:survivors] == [f"lives: a.b.x_f__mutmut_{number}" for number in range(survivors)]
    assert lines[survivors] == f"a.b: {10 - survivors} of 10"


def test_no_mutants_at_all_are_not_enough() -> None:
    assert not report({})[1]
