"""People of an offering by name, in a real browser: what the training office does with them arrives in enrolment."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import PHONE, axe, is_too_wide, page_of
from tests.support.stack import Running, event, offering, person, request, session

NAMES = {"anna": "Anna Zander", "bela": "Béla Müller", "cleo": "Cleo von Hohenstein-Oberhausen", "dora": "Dora Adler"}
ROSTER = "/notifications/offerings/reihe/2024"
PAGES = (
    ROSTER,
    f"{ROSTER}?show=waiting",
    "/notifications/offerings/genehmigt?show=awaiting_approval",
    f"{ROSTER}?q=a",
    f"{ROSTER}/attendance?session=s2",
    f"{ROSTER}/sheet?session=s1",
    "/notifications/people?q=dora",
)


@pytest.fixture(scope="module", autouse=True)
def people(stack: Running) -> None:
    sessions = [session("s1", "2024-10-01", title="Auftakt"), session("s2", "2024-10-02", title="Abschluss")]
    stack.push(
        event("organisation.changed", organisation_id="bonn", name="Bundesstadt Bonn"),
        *(person(one, display_name=name) for one, name in NAMES.items()),
        offering("reihe/2024", 2, title="Reihe der Städte", sessions=sessions),
        offering("genehmigt", 2, approval="supervisor"),
        *(request("reihe/2024", one, organisation_id="bonn") for one in ("anna", "bela", "cleo")),
        request("genehmigt", "anna"),
        request("genehmigt", "dora"),
    )


def bookings(stack: Running, offering_id: str = "reihe/2024") -> dict[str, dict[str, object]]:
    """What enrolment says of each person."""
    stack.settle()
    return {one["person_id"]: one for one in stack.get(f"/enrolment/api/offerings/{offering_id}/bookings")}


def attendance(stack: Running, person_id: str) -> list[tuple[str, str]]:
    recorded = bookings(stack)[person_id]["attendance"]
    assert isinstance(recorded, list)
    return [(one["session_id"], one["status"]) for one in recorded]


def choose(page: Page, name: str, presence: str) -> None:
    page.get_by_role("radiogroup", name=f"Anwesenheit von {name}").get_by_label(presence).check()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out(stack: Running, browser: Browser, theme: str, language: str) -> None:
    with page_of(browser, stack.url, dark=theme == "dark") as page:
        for path in PAGES:
            answer = page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
            assert answer is not None
            assert answer.ok, path
            assert page.locator("html").get_attribute("lang") == language
            assert axe(page) == [], path


def test_a_phone_shows_it_without_scrolling_sideways(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, size=PHONE) as page:
        for path in PAGES:
            page.goto(path)
            assert not is_too_wide(page), path


def test_attendance_is_ticked_and_recorded(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto(ROSTER)
        page.get_by_role("link", name="Anwesenheit erfassen: Auftakt").click()
        choose(page, "Anna Zander", "anwesend")
        page.get_by_role("button", name="Anwesenheit speichern").click()
        expect(page.get_by_text("Gesendet")).to_be_visible()
        assert attendance(stack, "anna") == [("s1", "attended")]
        assert attendance(stack, "bela") == []
        choose(page, "Anna Zander", "entschuldigt")  # a slip, corrected
        page.get_by_role("button", name="Anwesenheit speichern").click()
        expect(page.get_by_text("Gesendet")).to_be_visible()
        assert attendance(stack, "anna") == [("s1", "excused")]


def test_everybody_at_once_without_javascript(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, script=False) as page:
        page.goto(f"{ROSTER}/attendance?session=s2")
        page.get_by_role("link", name="Alle noch nicht Erfassten als anwesend ankreuzen").click()
        choose(page, "Béla Müller", "abwesend")
        page.get_by_role("button", name="Anwesenheit speichern").click()
        expect(page.get_by_text("Gesendet")).to_be_visible()
        assert ("s2", "attended") in attendance(stack, "anna")
        assert ("s2", "absent") in attendance(stack, "bela")
        page.get_by_role("link", name="Seite neu laden").click()
        row = page.get_by_role("radiogroup", name="Anwesenheit von Béla Müller")
        expect(row.get_by_label("abwesend")).to_be_checked()
        expect(row.get_by_label("nicht erfasst")).to_have_count(0)


def test_the_keyboard_is_enough(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto(f"{ROSTER}/attendance?session=s2")
        page.get_by_role("radiogroup", name="Anwesenheit von Anna Zander").locator("input:checked").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Gesendet")).to_be_visible()
        assert ("s2", "partly") in attendance(stack, "anna")


def test_somebody_is_found_and_booked(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto(ROSTER)
        page.get_by_label("Person suchen oder anmelden").fill("muell")
        page.keyboard.press("Enter")
        expect(page.get_by_role("rowheader", name="Béla Müller")).to_be_visible()
        expect(page.get_by_role("rowheader", name="Anna")).to_have_count(0)
        page.get_by_label("Person suchen oder anmelden").fill("adler")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Anmelden: Dora Adler").click()
        expect(page.get_by_text("Rang 2")).to_be_visible()  # by itself: the page is live
        assert bookings(stack)["dora"]["status"] == "waiting"


def test_an_approval_and_a_withdrawal(stack: Running, browser: Browser) -> None:
    path = "/notifications/offerings/genehmigt?show=awaiting_approval"
    with page_of(browser, stack.url) as page:
        page.goto(path)
        page.get_by_role("button", name="Genehmigen: Anna Zander").click()
        expect(page.get_by_role("rowheader", name="Anna Zander")).to_have_count(0)
        assert bookings(stack, "genehmigt")["anna"]["status"] == "confirmed"
        page.get_by_text("Abmelden: Dora Adler").click()
        page.get_by_label("Grund (freiwillig)").and_(page.locator(":visible")).fill("krank")
        page.get_by_role("button", name="Dora Adler abmelden").click()
        expect(page.get_by_text("Es wartet keine Anmeldung auf Genehmigung.")).to_be_visible()
        assert bookings(stack, "genehmigt")["dora"]["status"] == "cancelled"


def test_what_somebody_ticks_survives_news(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto(f"{ROSTER}/attendance?session=s1")
        choose(page, "Béla Müller", "teilweise")
        stack.push(request("reihe/2024", "nova"))
        page.wait_for_timeout(2_500)
        row = page.get_by_role("radiogroup", name="Anwesenheit von Béla Müller")
        expect(row.get_by_label("teilweise")).to_be_checked()


def test_the_sheet_is_printed_on_a4(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url) as page:
        page.goto(ROSTER)
        page.get_by_role("link", name="Unterschriftenliste: Auftakt").click()
        names = page.get_by_role("rowheader").all_inner_texts()
        assert names[:2] == ["Béla Müller", "Anna Zander"]
        page.emulate_media(media="print")
        expect(page.get_by_role("link")).to_have_count(0)
        pdf = page.pdf(prefer_css_page_size=True)
        assert re.search(rb"/MediaBox \[0 0 59[45][.\d]* 84[12]", pdf)


def test_both_pages_of_an_offering_lead_to_each_other(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, script=False) as page:
        page.goto(ROSTER)
        page.get_by_role("link", name="Plätze und Kontingente").click()
        assert page.url.endswith("/enrolment/offerings/reihe/2024")
        page.locator(f"a[href='{ROSTER}']").first.click()
        assert page.url.endswith(ROSTER)
