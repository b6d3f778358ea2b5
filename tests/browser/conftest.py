"""One embedded stack and one browser per file; they end with the file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import browsing
from tests.support.stack import NOW, Running, running


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    with running("up", "--port", "0", "--now", NOW) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser
