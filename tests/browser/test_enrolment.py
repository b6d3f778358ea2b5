"""The training office at work: in a real browser, on the whole stack."""

import re
from collections.abc import Iterator
from typing import Any, Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import PHONE, axe, is_too_wide, page_of
from tests.support.stack import Running, event, offering, request, session

LIST = "/enrolment/"


def at(offering_id: str) -> str:
    return f"/enrolment/offerings/{offering_id}"


@pytest.fixture
def name() -> str:
    """An offering that no other test knows."""
    return f"o{uuid4().hex[:8]}"


@pytest.fixture
def page(stack: Running, browser: Browser) -> Iterator[Page]:
    with page_of(browser, stack.url) as page:
        yield page


def plant(stack: Running, offering_id: str, people: int = 4, **more: Any) -> None:
    """An offering with two seats and some people."""
    stack.push(offering(offering_id, **more), *(request(offering_id, f"p{n}") for n in range(people)))


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def act(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Aktionen").get_by_role("link", name=name).click()


def figure(page: Page, use: str) -> Any:  # noqa: ANN401 (a locator of Playwright)
    return page.locator(f"[data-part=seats] [data-key={use}] dd")


def done(page: Page, what: str) -> None:
    """The first of the office's orders is this, and it is settled, without loading the page again."""
    order = page.locator("[data-part=orders] li").first
    expect(order).to_contain_text(what)
    expect(order.locator(".kern-badge")).to_have_text("erledigt")


def test_search_and_filter(stack: Running, page: Page, name: str) -> None:
    plant(
        stack, name, people=3, title=f"Suche {name} Gewaltfrei", course_id=f"c{name}", host_organisation_id=f"h{name}"
    )
    stack.push(
        event("course.changed", course_id=f"c{name}", title=f"Streit {name} schlichten", topics=[], competencies=[]),
        event("organisation.changed", organisation_id=f"h{name}", name=f"Stadt {name}haven"),
        offering(f"{name}b", title="Anderes", format="web_based", sessions=[]),
    )
    page.goto(LIST)
    for words, found in ((f"gewalt {name}", 1), (f"{name} SCHLICHTEN", 1), (f"{name}haven", 1), (f"{name} haben", 0)):
        page.get_by_label("Titel, Kennung, Kurs oder Organisation").fill(words)
        button(page, "Anzeigen")
        expect(page.locator("tbody tr")).to_have_count(found)
    assert "q=" in page.url
    for query, found in (("only=waiting", 1), ("state=full", 1), ("state=free", 0), ("format=web_based", 0)):
        page.goto(f"{LIST}?q={name}+Gewaltfrei&{query}")
        expect(page.locator("tbody tr")).to_have_count(found)
    page.goto(f"{LIST}?q={name}&format=web_based")
    expect(page.locator("tbody th[scope=row]")).to_contain_text(["Anderes"])
    page.get_by_role("link", name="Filter zurücksetzen").click()
    expect(page).to_have_url(re.compile(r"/enrolment/$"))


def test_a_raised_capacity_moves_people_up_before_ones_eyes(stack: Running, page: Page, name: str) -> None:
    plant(stack, name)
    page.goto(at(name))
    expect(figure(page, "waiting")).to_have_text("2")
    expect(page.locator("[data-part=queue] tbody tr").first).to_contain_text("Platz 1 auf der Warteliste")
    act(page, "Plätze ändern")
    page.get_by_label("Plätze insgesamt").fill("3")
    button(page, "Plätze ändern")
    expect(page).to_have_url(re.compile(f"{at(name)}$"))
    done(page, "Plätze ändern")
    expect(figure(page, "confirmed")).to_contain_text("3 / 3")
    expect(figure(page, "waiting")).to_have_text("1")
    entry = page.locator("[data-part=history] tbody tr").first
    expect(entry).to_contain_text("Plätze: 2 → 3")
    expect(entry).to_contain_text("1 nachgerückt")
    expect(entry).to_contain_text("Fortbildungsstelle")


def test_what_somebody_is_typing_and_the_focus_stay(stack: Running, page: Page, name: str) -> None:
    plant(stack, name)
    page.goto(at(name))
    field = page.get_by_role("searchbox", name="Person suchen")
    field.fill("noch nicht fertig")
    page.locator("[data-part=queue] a").first.focus()
    page.evaluate("window.stillHere = true")
    stack.push(event("offering.capacity_changed", offering_id=name, capacity=3))
    expect(figure(page, "confirmed")).to_contain_text("3 / 3")
    expect(field).to_have_value("noch nicht fertig")
    assert page.evaluate("window.stillHere")
    expect(page.locator("#live-said")).to_have_text(re.compile("3 Plätze belegt, 1 wartend."))
    link = page.get_by_role("navigation", name="Aktionen").get_by_role("link", name="Person anmelden")
    link.focus()
    stack.push(event("offering.capacity_changed", offering_id=name, capacity=4))
    expect(figure(page, "confirmed")).to_contain_text("4 / 4")
    expect(link).to_be_focused()


def test_book_and_withdraw(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=2)
    page.goto(at(name))
    act(page, "Person anmelden")
    page.get_by_label("Person (Pseudonym)").fill("neu-1")
    button(page, "Anmelden")
    done(page, "Person anmelden: neu-1")
    row = page.locator("[data-part=queue] tbody tr")
    expect(row).to_contain_text(["neu-1"])
    page.goto(f"{at(name)}?person=p0")
    page.locator("[data-part=bookings]").get_by_role("link", name="Abmelden").click()
    button(page, "Abmelden")
    done(page, "Person abmelden: p0")
    expect(row).to_have_count(0)
    [booking] = [one for one in stack.get(f"/enrolment/api/offerings/{name}/bookings") if one["person_id"] == "neu-1"]
    assert booking["status"] == "confirmed"


def test_approve_and_refuse(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=2, approval="supervisor")
    page.goto(at(name))
    people = page.locator("[data-part=undecided] li")
    expect(people).to_have_count(2)
    people.first.get_by_role("button", name="Genehmigen").click()
    done(page, "Anmeldung genehmigen: p0")
    expect(people).to_have_count(1)
    people.first.get_by_role("link", name="Ablehnen").click()
    button(page, "Ablehnen")
    done(page, "Anmeldung ablehnen: p1")
    expect(people).to_have_count(0)
    bookings = stack.get(f"/enrolment/api/offerings/{name}/bookings")
    assert [(one["person_id"], one["status"]) for one in bookings] == [("p0", "confirmed"), ("p1", "refused")]


def test_move_and_switch_format(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=1)
    page.goto(at(name))
    act(page, "Termine verschieben")
    row = page.get_by_role("group", name="Termin 1")
    row.get_by_label("Beginn").fill("2034-12-01T09:00")
    row.get_by_label("Ende").fill("2034-12-01T08:00")
    button(page, "Termine übernehmen")
    expect(row.get_by_text("Das Ende liegt vor dem Beginn.")).to_be_visible()
    expect(row.get_by_label("Beginn")).to_have_value("2034-12-01T09:00")
    row.get_by_label("Ende").fill("2034-12-01T12:00")
    button(page, "Termine übernehmen")
    done(page, "Termine verschieben")
    expect(page.locator("[data-part=facts]")).to_contain_text("Fr., 01.12.2034, 09:00")
    act(page, "Format wechseln")
    page.get_by_label("Format").first.select_option("in_person")
    page.get_by_role("group", name="Termin 1").get_by_label("Ort").fill("Rathaus")
    button(page, "Format wechseln")
    done(page, "Format wechseln")
    expect(page.locator("[data-part=facts]")).to_contain_text("Präsenz · Rathaus")
    now = stack.get(f"/enrolment/api/offerings/{name}")
    assert (now["format"], now["seats"]["confirmed"]) == ("in_person", 1)


def test_cancelling_asks_first(stack: Running, page: Page, name: str) -> None:
    plant(stack, name)
    page.goto(at(name))
    act(page, "Veranstaltung absagen")
    page.get_by_label("Grund").fill("Saal gesperrt")
    button(page, "Absagen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Veranstaltung wirklich absagen?")
    assert stack.get(f"/enrolment/api/offerings/{name}")["status"] != "cancelled"
    button(page, "Ja, endgültig absagen")
    done(page, "Veranstaltung absagen")
    expect(page.get_by_text("Grund: Saal gesperrt").first).to_be_visible()
    expect(page.get_by_role("navigation", name="Aktionen").get_by_role("link", name="Person anmelden")).to_have_count(0)


def test_fewer_seats_than_people_asks_first(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=2)
    page.goto(at(name))
    act(page, "Plätze ändern")
    page.get_by_label("Plätze insgesamt").fill("1")
    button(page, "Plätze ändern")
    expect(page.get_by_role("heading", level=1)).to_have_text("Weniger Plätze als Belegungen?")
    page.get_by_role("link", name="Abbrechen").click()
    assert stack.get(f"/enrolment/api/offerings/{name}")["capacity"] == 2


def test_what_changes_nothing_says_so(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=1)
    page.goto(f"/enrolment/office/book?offering_id={name}&person_id=p0")
    button(page, "Anmelden")
    order = page.locator("[data-part=orders] li").first
    expect(order.locator(".kern-badge")).to_have_text("hat nichts geändert")


def test_what_cannot_be_processed_leads_to_its_dead_letter(stack: Running, page: Page, name: str) -> None:
    plant(stack, name, people=1)
    form = {"offering_id": name, "session_id": "s1", "status.niemand": "attended"}
    assert stack.http.post("/enrolment/office/attendance", data=form).status_code == 303
    page.goto(at(name))
    order = page.locator("[data-part=orders] li").first
    expect(order.locator(".kern-badge")).to_have_text("konnte nicht verarbeitet werden")
    order.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("lms.events/")


def test_a_form_that_is_out_of_date_changes_nothing(stack: Running, page: Page, name: str) -> None:
    plant(stack, name)
    page.goto(at(name))
    act(page, "Plätze ändern")
    stack.push(event("offering.capacity_changed", offering_id=name, capacity=7))
    page.get_by_label("Plätze insgesamt").fill("3")
    button(page, "Plätze ändern")
    expect(page.get_by_text("Die Veranstaltung wurde inzwischen geändert.")).to_be_visible()
    assert stack.get(f"/enrolment/api/offerings/{name}")["capacity"] == 7


def test_without_javascript(stack: Running, browser: Browser, name: str) -> None:
    plant(stack, name)
    with page_of(browser, stack.url, script=False) as page:
        page.goto(at(name))
        act(page, "Plätze ändern")
        page.get_by_label("Plätze insgesamt").fill("zu viele")
        button(page, "Plätze ändern")
        assert page.get_by_text("Bitte eine ganze Zahl eingeben.").is_visible()
        page.get_by_label("Plätze insgesamt").fill("4")
        button(page, "Plätze ändern")
        stack.settle()
        page.reload()
        done(page, "Plätze ändern")
        expect(figure(page, "confirmed")).to_contain_text("4 / 4")


def test_with_the_keyboard_alone(stack: Running, page: Page, name: str) -> None:
    plant(stack, name)
    page.goto(at(name))
    page.get_by_role("link", name="Zum Inhalt").press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Plätze ändern":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Plätze ändern")
    page.get_by_role("link", name="Zum Inhalt").press("Enter")
    page.keyboard.press("Tab")  # the way back
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    done(page, "Plätze ändern")


def pages_of(name: str) -> list[str]:
    actions = ("capacity", "book", "withdraw", "refuse", "reschedule", "format", "cancel")
    return [LIST, f"{LIST}?q=nichts", at(name), *(f"/enrolment/office/{one}?offering_id={name}" for one in actions)]


def rich(stack: Running, name: str) -> None:
    """An offering with everything that a page can show."""
    modules = [session(), session("s2", "2034-12-01", format="in_person", location="Rathaus", join_url=None)]
    more: dict[str, Any] = {"approval": "supervisor", "format": "blended", "sessions": modules}
    delegations = [{"organisation_id": "jena", "seats": 1, "release_at": "2034-01-01T00:00:00Z"}]
    plant(stack, name, delegations=delegations, capacity=3, **more)
    stack.push(
        *(event("booking.approved", offering_id=name, person_id=f"p{n}", decided_by="x") for n in range(3)),
        event("attendance.recorded", offering_id=name, session_id="s1", person_id="p0", status="attended"),
        event("cohort.assigned", offering_id=name, cohort="Azubis", mandatory=True, people=[{"person_id": "a1"}]),
        event("booking.withdrawn", offering_id=name, person_id="p1"),
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_nobody_is_shut_out(
    stack: Running, browser: Browser, name: str, language: Literal["de", "en"], theme: str
) -> None:
    rich(stack, name)
    with page_of(browser, stack.url, language=language, dark=theme == "dark") as page:
        for path in pages_of(name):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200
            assert axe(page) == [], path
        page.goto(f"/enrolment/office/cancel?offering_id={name}")
        page.locator("button[type=submit]").click()
        assert axe(page) == []
        page.goto(f"/enrolment/office/capacity?offering_id={name}")
        page.locator("#capacity").fill("x")
        page.locator("button[type=submit]").click()
        assert axe(page) == []


def test_a_phone_is_wide_enough(stack: Running, browser: Browser, name: str) -> None:
    rich(stack, name)
    with page_of(browser, stack.url, size=PHONE) as page:
        for path in pages_of(name):
            page.goto(path)
            assert not is_too_wide(page), path
