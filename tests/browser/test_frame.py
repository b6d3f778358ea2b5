"""What every page has: a frame that everybody can use."""

import pytest
from playwright.sync_api import Browser

from tests.support.browser import PHONE, axe, is_too_wide, page_of
from tests.support.stack import Running

PAGES = ("/enrolment/", "/notifications/", "/stats/")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out(stack: Running, browser: Browser, theme: str) -> None:
    with page_of(browser, stack.url, dark=theme == "dark") as page:
        for path in PAGES:
            page.goto(path)
            assert axe(page) == [], path


def test_axe_would_find_something(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto("/enrolment/")
        page.evaluate("document.querySelector('main').append(document.createElement('button'))")
        assert [found.partition(":")[0] for found in axe(page)] == ["button-name"]


def test_a_phone_shows_it_without_scrolling_sideways(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, size=PHONE, language="en") as page:
        for path in PAGES:
            page.goto(path)
            assert page.locator("html").get_attribute("lang") == "en"
            assert not is_too_wide(page), path


def test_the_keyboard_reaches_the_content_first(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, script=False) as page:
        page.goto("/enrolment/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#content")
