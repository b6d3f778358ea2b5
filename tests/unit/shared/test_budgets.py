from itertools import pairwise

import pytest
from pydantic import ValidationError

from shared.settings import Budgets

RUNGS = [*pairwise(Budgets().model_dump())]


@pytest.mark.parametrize(("earlier", "later"), RUNGS)
def test_each_budget_must_be_smaller_than_the_next(earlier: str, later: str) -> None:
    sizes = Budgets().model_dump()
    with pytest.raises(ValidationError, match=rf"{earlier} .* must be smaller than {later}"):
        Budgets(**{**sizes, earlier: sizes[later]})


def test_the_budgets_are_those_of_the_design() -> None:
    assert [*Budgets().model_dump().values()] == [2, 5, 10, 12, 20, 30, 45, 60, 120, 300, 14 * 24 * 3600]
