"""The training officer in the morning: the dashboard in a real browser, on the whole stack."""

import re
import time
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import axe, is_too_wide, page_of
from tests.support.stack import Running, event, offering, request, session

SMALL = (360, 780)
LIVE_SECONDS = 2
"""So soon a booking is seen by whoever looks at the page."""
MOST_TRIES = 9
SERVICES = ("enrolment", "notifications", "stats")


@pytest.fixture(scope="module", autouse=True)
def city(stack: Running) -> None:
    """A year before and this one (2024): courses, delegations, waiting lists, a cohort, attendance, leave."""
    stack.push(
        event("organisation.changed", organisation_id="bonn", name="Stadt Bonn"),
        event("organisation.changed", organisation_id="jena", name="Stadt Jena an der Saale, Amt für Gleichstellung"),
        *(
            event("course.changed", course_id=one, title=f"Kurs {one}", topics=[topic], competencies=["Haltung"])
            for one, topic in (("ikk", "Vielfalt"), ("dsgvo", "Datenschutz und Informationssicherheitsbeauftragte"))
        ),
        offering("alt", capacity=None, course_id="ikk", sessions=[session(day="2023-05-04")]),
        offering("jetzt", capacity=None, course_id="ikk", sessions=[session(day="2024-09-16")], format="in_person"),
        offering("voll", capacity=2, course_id="dsgvo", title="Datenschutz, die volle Veranstaltung"),
        offering("platz", capacity=9, course_id="ikk", delegations=[{"organisation_id": "jena", "seats": 4}]),
    )
    stack.push(*asked("alt", range(8), time="2023-03-01T10:00:00+01:00"), *asked("jetzt", range(64)))
    stack.push(*asked("voll", range(5)), *asked("platz", range(20, 22)), *assigned("platz", range(70, 74)))
    stack.push(*attended("alt", range(6), "2023"), *attended("jetzt", range(54), "2024"))
    stack.push(*(granted(n) for n in range(12)))


def known(number: int) -> dict[str, str]:
    """Whose person with this number is; one works alone in the smaller office."""
    departments = ["Jugendamt", "Ordnungsamt", "Feuerwehr"]
    department = "Amt eins" if number == 3 else departments[number % 3]
    return {"organisation_id": "jena" if number % 4 == 1 else "bonn", "department": department, "status_group": "TVöD"}


def asked(offering_id: str, numbers: range, **more: str) -> list[dict[str, Any]]:
    return [request(offering_id, f"p{one}", **known(one), **more) for one in numbers]


def attended(offering_id: str, numbers: range, year: str) -> list[dict[str, Any]]:
    told = {"offering_id": offering_id, "session_id": "s1", "status": "attended"}
    return [
        event("attendance.recorded", time=f"{year}-10-01T10:00:00+02:00", person_id=f"p{one}", **told)
        for one in numbers
    ]


def assigned(offering_id: str, numbers: range) -> list[dict[str, Any]]:
    people = [{"person_id": f"p{one}", **known(one)} for one in numbers]
    return [event("cohort.assigned", offering_id=offering_id, cohort="Neu im Dienst", mandatory=True, people=people)]


def granted(number: int) -> dict[str, Any]:
    what: dict[str, Any] = {"subject": "Politische Bildung", "provider": "Volkshochschule", "days": 2.5}
    data = {"leave_id": f"l{number}", "person_id": f"p{number}", "starts_on": "2024-03-04", "ends_on": "2024-03-06"}
    return event("leave.granted", **{**known(number), **what, **data})


@pytest.fixture
def page(stack: Running, browser: Browser) -> Iterator[Page]:
    with page_of(browser, stack.url) as page:
        yield page


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"[data-part=totals] [data-key={name}] .glance__figure")


def value(page: Page, name: str) -> int:
    return int(figure(page, name).inner_text().replace(".", ""))


def test_a_booking_is_seen_within_two_seconds(stack: Running, page: Page) -> None:
    """From its acceptance at the door, through both services, to the page, which is not loaded again."""
    page.goto("/stats/")
    page.evaluate("window.stillHere = true")
    waits, before = list[float](), value(page, "bookings")
    while len(waits) < MOST_TRIES and not (len(waits) >= 3 and median(waits[-3:]) < LIVE_SECONDS):
        page.wait_for_timeout(1_500)  # nothing else is on its way
        answer = stack.post([request("jetzt", f"neu-{uuid4().hex[:6]}", **known(0))])
        assert answer.status_code == 202
        began, before = time.monotonic(), before + 1
        expect(figure(page, "bookings")).to_have_text(str(before))
        waits.append(time.monotonic() - began)
    assert median(waits[-3:]) < LIVE_SECONDS, waits  # one may be held up by what else the machine does
    assert page.evaluate("window.stillHere")
    expect(page.locator("#live-said")).to_have_text(re.compile(rf"{before} Buchungen"))


def test_a_waiting_list_and_its_seats_are_live(stack: Running, page: Page) -> None:
    page.goto("/stats/")
    row = page.locator("[data-part=waiting] tr[data-key=waiting-voll]")
    expect(row.locator("td")).to_have_text(["3", "0"])
    stack.push(event("offering.capacity_changed", offering_id="voll", capacity=4))
    expect(row.locator("td")).to_have_text(["1", "0"])
    row.get_by_role("link", name="Datenschutz, die volle Veranstaltung").click()
    expect(page).to_have_url(re.compile(r"/enrolment/offerings/voll$"))


def test_the_fill_of_delegations_is_live(stack: Running, page: Page) -> None:
    page.goto("/stats/")
    row = page.locator("[data-part=delegations] tr[data-key=kept-platz-jena]")
    expect(row).to_contain_text("2 von 4")
    stack.push(request("platz", "p41", **known(41)))
    expect(row).to_contain_text("3 von 4")
    expect(row.get_by_role("img")).to_have_accessible_name("3 von 4 Plätzen vergeben")


def test_filters_stand_in_the_address_and_back_goes_back(page: Page) -> None:
    page.goto("/stats/")
    whole = value(page, "bookings")
    page.get_by_label("Kurs, Format, Thema oder Kompetenz").select_option("topic:Vielfalt")
    page.get_by_role("button", name="Anzeigen").click()
    expect(page).to_have_url(re.compile(r"only=topic%3AVielfalt"))
    expect(page.locator("[data-part=head]")).to_contain_text("Thema „Vielfalt“")
    assert value(page, "bookings") < whole
    page.get_by_role("link", name="2023", exact=True).click()
    expect(page).to_have_url(re.compile(r"year=2023&only=topic%3AVielfalt"))
    expect(figure(page, "bookings")).to_have_text("8")
    page.go_back()
    page.go_back()
    expect(figure(page, "bookings")).to_have_text(str(whole))
    expect(page.get_by_label("Kurs, Format, Thema oder Kompetenz")).to_have_value("")


def test_filters_work_without_javascript(stack: Running, browser: Browser) -> None:
    with page_of(browser, stack.url, script=False) as page:
        page.goto("/stats/")
        page.get_by_label("Organisation", exact=True).select_option("bonn")
        page.get_by_role("button", name="Anzeigen").click()
        expect(page.locator("[data-part=head]")).to_contain_text("Eingegrenzt auf Stadt Bonn")
        assert "organisation=bonn" in (page.get_by_role("link", name="Bericht als PDF").get_attribute("href") or "")
        page.get_by_role("link", name="Eingrenzung aufheben").click()
        expect(page).to_have_url(re.compile(r"/stats/\?year=2024$"))
        expect(page.get_by_text("Ohne JavaScript: Der Name führt")).to_be_visible()
        page.locator("[data-service=stats]").get_by_role("link", name="Auswertung", exact=True).click()
        assert '"ready"' in page.content()


def test_a_row_leads_to_its_own_view(page: Page) -> None:
    page.goto("/stats/")
    page.get_by_role("region", name="Nach Kurs").get_by_role("link", name="Kurs ikk").click()
    expect(page.locator("[data-part=head]")).to_contain_text("Kurs „Kurs ikk“")


def test_what_is_withheld_is_hatched_and_never_nothing(page: Page) -> None:
    page.goto("/stats/?year=2024")
    row = page.get_by_role("region", name="Nach Amt").get_by_role("row", name=re.compile("Amt eins"))
    expect(row.locator("td").first).to_have_text("•zurückgehalten")
    chart = page.locator("[data-part=breakdowns] svg[aria-labelledby=table-by-department-title]")
    hatched = chart.locator("rect.chart__withheld")
    assert hatched.count() > 0
    assert all(one.bounding_box()["width"] > 5 for one in hatched.all())  # type: ignore[index]


def test_every_service_says_how_it_is(stack: Running, page: Page) -> None:
    stack.push(event("attendance.recorded", offering_id="jetzt", session_id="s1", person_id="niemand", status="absent"))
    page.goto("/stats/")
    for name in SERVICES:
        row = page.locator(f"[data-service={name}]")
        expect(row.locator("[data-state=ready]")).to_be_visible()
        expect(row.locator("[data-figure=newest]")).to_have_text(re.compile(r"\d{2}\.\d{2}\.\d{4}, \d{2}:\d{2}:\d{2}"))
        expect(row.locator("[data-figure=lag]")).to_have_text("0")
    letters = page.locator("[data-service=enrolment] [data-figure=dead_letters]")
    expect(letters).to_have_text("1")
    letters.click()
    expect(page).to_have_url(re.compile("/enrolment/dead-letters"))


def test_a_service_that_does_not_answer_is_said_to_be_away(page: Page) -> None:
    page.route("**/notifications/**", lambda route: route.abort())
    page.goto("/stats/")
    row = page.locator("[data-service=notifications]")
    expect(row.locator("[data-state=away]")).to_be_visible()
    expect(row.locator("[data-figure=lag]")).to_have_text("–")
    expect(page.locator("[data-service=enrolment] [data-state=ready]")).to_be_visible()


VIEWS = (
    "/stats/",
    "/stats/?year=2023",
    "/stats/?year=1999",
    "/stats/?organisation=bonn",
    "/stats/?only=topic:Vielfalt",
    "/stats/?year=nonsense",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "size"), [("de", (1280, 900)), ("en", SMALL)], ids=["desktop", "phone"])
def test_nobody_is_shut_out(stack: Running, browser: Browser, theme: str, language: Any, size: Any) -> None:  # noqa: ANN401
    with page_of(browser, stack.url, dark=theme == "dark", language=language, size=size) as page:
        for path in VIEWS:
            page.goto(path)
            assert axe(page) == [], path
            assert not is_too_wide(page), path


def test_printed_it_is_the_figures_and_nothing_to_press(page: Page) -> None:
    page.goto("/stats/")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Anzeigen")).to_be_hidden()
    expect(page.get_by_role("navigation").first).to_be_hidden()
    expect(page.locator("[data-part=totals]")).to_be_visible()
    page.set_viewport_size({"width": 718, "height": 1_000})  # A4 without its margins
    for name in ("Nach Kurs", "Nach Thema", "Nach Amt"):
        size = page.get_by_role("region", name=name).evaluate(
            "one => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]"
        )
        assert max(size) <= 1, name  # nothing is cut off
    assert not is_too_wide(page)
    assert page.pdf(format="A4").startswith(b"%PDF")
