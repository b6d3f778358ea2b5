"""A real browser: Debian's Chromium through Playwright, and axe, which finds what shuts people out.

    with browsing() as browser, page_of(browser, stack.url, language="de") as page:
        page.goto("/enrolment/")
        assert axe(page) == []

Playwright's synchronous interface keeps an event loop running in this thread: end it before an asynchronous test, as
the fixture `browser` does with each file, and keep asynchronous tests out of tests/browser.
"""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP: Final = (1280, 900)
PHONE: Final = (390, 844)
PATIENCE_MS: Final = 15_000
"""A page may take so long on a busy machine."""
_GRAVE: Final = ("serious", "critical")
_FLAGS: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")  # root, and a container's small /dev/shm


def chromium() -> str:
    """The path of Chromium; a failure that says what to do where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the browser tests need Chromium: `make browser`, or apt-get install chromium"
    return found


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*_FLAGS])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of(
    browser: Browser,
    url: str,
    *,
    language: Literal["de", "en"] = "de",
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    script: bool = True,
) -> Iterator[Page]:
    """A page in a context of its own; what its scripts or our headers got wrong is an error at its end."""
    context = browser.new_context(
        base_url=url,
        locale={"de": "de-DE", "en": "en-GB"}[language],
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    page, faults = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        yield page
        assert faults == []
    finally:
        context.close()


def axe(page: Page) -> list[str]:
    """What axe finds serious or critical on this page: rule, what it is about, and where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {', '.join(' '.join(map(str, node['target'])) for node in one['nodes'][:5])}"
        for one in found
        if one["impact"] in _GRAVE
    ]


def is_too_wide(page: Page) -> bool:
    """True if a reader would have to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
