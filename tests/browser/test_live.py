"""What a page keeps while it takes over what has changed: a page of its own, so that each case is in it."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from playwright.sync_api import Browser, Page, Route, expect

from lernbus import serve
from shared.live import Live
from shared.pages import HEADERS
from tests.support.browser import page_of

FRAME = """<!doctype html><html lang="en"><title>Live</title>
<script type="module" src="/static/live.js"></script>
<main data-live="/live?seen={seen}"><h1>Live</h1><div data-part="all">{content}</div></main>
<p id="live-said"></p></html>"""
CONTENT = """<p id="version">{n}</p>{first}
<form id="busy"><input type="hidden" name="version" value="{n}">
<label>A <input name="a" value="{n}"></label><select name="s"><option>x<option>y</select></form>
<form id="idle"><input type="hidden" name="version" value="{n}">
<label>B <input name="b" value="{n}"></label></form>
<details><summary>More</summary><p>version {n}</p></details>
<ul>{items}</ul>"""


class Site:
    """A page that changes when told, on a server in a thread of its own."""

    def __init__(self) -> None:
        self.n, self.items, self.url = 1, ["a", "b", "c"], ""
        self.started, self.ended = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        app, changes = serve.application([]), Live(self._fingerprint)

        @app.get("/")
        async def page() -> HTMLResponse:
            items = "".join(f'<li data-key="{one}"><a href="#{one}">{one} {self.n}</a></li>' for one in self.items)
            first = "<p>new</p>" if self.n > 1 else ""
            content = CONTENT.format(n=self.n, items=items, first=first)
            return HTMLResponse(FRAME.format(seen=await changes.mark(), content=content), headers=HEADERS)

        @app.get("/live")
        async def live(request: Request) -> Response:
            return changes.answer(request)

        with serve.listen("127.0.0.1", 0) as sock:
            async with serve.serving(app, sock):
                self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
                self.started.set()
                await asyncio.to_thread(self.ended.wait)

    async def _fingerprint(self) -> int:
        return self.n


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.thread.start()
    assert site.started.wait(10)
    yield site
    site.ended.set()
    site.thread.join(10)
    assert not site.thread.is_alive()


@pytest.fixture
def page(site: Site, browser: Browser) -> Iterator[Page]:
    with page_of(browser, site.url) as page:
        page.goto("/")
        yield page


def change(site: Site, page: Page, items: list[str] | None = None) -> None:
    site.items = items or site.items
    site.n += 1
    expect(page.locator("#version")).to_have_text(str(site.n))


def test_a_form_that_is_being_filled_in_stays_and_the_others_follow(site: Site, page: Page) -> None:
    page.get_by_label("A").fill("half-typ")
    change(site, page)
    expect(page.get_by_label("A")).to_have_value("half-typ")
    expect(page.get_by_label("A")).to_be_focused()
    expect(page.get_by_label("B")).to_have_value("2")
    versions = [page.locator(f"#{form} [name=version]").get_attribute("value") for form in ("busy", "idle")]
    assert versions == ["1", "2"]  # what somebody began with is what they are asked about
    page.get_by_label("B").focus()  # the other one has been changed, if not by hand right now
    change(site, page)
    expect(page.get_by_label("A")).to_have_value("half-typ")


def test_open_details_and_the_focus_stay_where_they_are(site: Site, page: Page) -> None:
    page.locator("summary").click()
    page.get_by_role("link", name="b").focus()
    change(site, page, ["z", "b", "a"])
    expect(page.get_by_text("version 2")).to_be_visible()
    expect(page.locator("li")).to_have_text(["z 2", "b 2", "a 2"])
    expect(page.get_by_role("link", name="b 2")).to_be_focused()


def test_the_reader_stays_where_they_are(site: Site, page: Page) -> None:
    page.evaluate("document.body.style.minHeight = '5000px'")
    page.evaluate("window.scrollTo(0, 700)")
    change(site, page)
    assert abs(page.evaluate("window.scrollY") - 700) < 60


def test_nothing_is_missed_between_two_looks(site: Site, browser: Browser) -> None:
    """What changed after the page was made and before it listened."""

    def change_meanwhile(route: Route) -> None:
        site.n = 5
        route.continue_()

    with page_of(browser, site.url) as page:
        page.route("**/live.js", change_meanwhile)
        page.goto("/")
        expect(page.locator("#version")).to_have_text("5")
