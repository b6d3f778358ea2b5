"""One embedded stack for all tests here, with a clock that can be moved: each test has ids of its own."""

from collections.abc import Iterator

import pytest

from tests.support.stack import NOW, Running, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    with running("up", "--port", "0", "--now", NOW) as stack:
        yield stack
