"""The office reads mails, sends one again and rewrites a text: in a real browser, on the whole stack."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import PATIENCE_MS, PHONE, axe, is_too_wide, page_of
from tests.support.stack import Running, offering, person, request

LIST = "/notifications/"
expect.set_options(timeout=PATIENCE_MS)
TEXT = "/notifications/templates/waitlisted/de"


@pytest.fixture
def page(stack: Running, browser: Browser) -> Iterator[Page]:
    with page_of(browser, stack.url) as page:
        yield page


@pytest.fixture
def name(stack: Running) -> str:
    """An offering with one mail to its one participant."""
    name = f"o{uuid4().hex[:8]}"
    stack.push(person(f"p-{name}"), offering(name), request(name, f"p-{name}"))
    return name


def mail_of(stack: Running, name: str) -> str:
    """The address of the page of its mail."""
    [found] = stack.get("/notifications/api/messages", offering_id=name, kind="confirmed")
    return f"/notifications/messages/{found['message_id']}"


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out(stack: Running, browser: Browser, name: str, theme: str) -> None:
    with page_of(browser, stack.url, dark=theme == "dark") as page:
        for path in (LIST, mail_of(stack, name), "/notifications/templates", TEXT, "/notifications/templates/frame/en"):
            page.goto(path)
            assert axe(page) == [], path


def test_a_phone_shows_all_of_it(stack: Running, browser: Browser, name: str) -> None:
    with page_of(browser, stack.url, size=PHONE, language="en") as page:
        for path in (LIST, mail_of(stack, name), "/notifications/templates", TEXT):
            page.goto(path)
            assert not is_too_wide(page), path


def test_the_mail_stands_there_as_its_reader_sees_it(page: Page, name: str) -> None:
    page.goto(f"{LIST}?offering={name}")
    page.get_by_role("link", name="Platz bestätigt").click()
    mail = page.frame_locator("iframe")
    expect(mail.get_by_text(f"Guten Tag Name of p-{name},")).to_be_visible()
    box = mail.get_by_text("Guten Tag").evaluate("one => getComputedStyle(one).fontSize")
    assert box == "16px"  # its own style is in force
    page.get_by_text("Reiner Text").click()
    expect(page.locator(".mail__text")).to_contain_text("Mit freundlichen Grüßen")
    expect(page.get_by_text("invite.ics")).to_be_visible()


def test_a_mail_is_sent_again_without_a_script(stack: Running, browser: Browser, name: str) -> None:
    with page_of(browser, stack.url, script=False) as page:
        page.goto(mail_of(stack, name))
        button(page, "Erneut senden")
        stack.settle()
        page.goto(mail_of(stack, name))
        expect(page.get_by_text("office; vorher: gesendet")).to_be_visible()
        expect(page.locator("[data-part=status]")).to_have_text("gesendet")


def test_the_list_changes_by_itself(stack: Running, page: Page, name: str) -> None:
    page.goto(f"{LIST}?offering={name}")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    stack.push(person(f"q-{name}"), request(name, f"q-{name}"))
    expect(rows).to_have_count(2)


def test_a_text_is_rewritten_tried_saved_and_put_back(stack: Running, page: Page) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="Texte der E-Mails bearbeiten").click()
    page.get_by_role("link", name="auf der Warteliste, deutscher Text: mitgeliefert").click()
    assert page.url.endswith(TEXT)
    ours = page.get_by_label("Text der E-Mail").input_value()
    page.get_by_label("Text der E-Mail").fill("Bitte warten Sie auf „{{ titel }}“.")
    button(page, "Vorschau anzeigen")
    expect(page.get_by_text("Zeile 1: „titel“ gibt es hier nicht.")).to_be_visible()
    page.get_by_label("Text der E-Mail").fill("Bitte warten Sie auf „{{ title }}“.")
    button(page, "Vorschau anzeigen")
    expect(page.frame_locator("iframe").get_by_role("article").get_by_text("Bitte warten Sie auf „")).to_be_visible()
    assert axe(page) == []
    button(page, "Speichern")
    expect(page.get_by_text("Ab jetzt gehen E-Mails mit diesem Text hinaus.")).to_be_visible()
    offered = f"o{uuid4().hex[:8]}"
    stack.push(person("w1"), person("w2"), offering(offered, 1), request(offered, "w1"), request(offered, "w2"))
    [told] = stack.get("/notifications/api/messages", offering_id=offered, kind="waitlisted")
    page.goto(f"/notifications/messages/{told['message_id']}")
    expect(
        page.frame_locator("iframe").get_by_role("article").get_by_text(f"Bitte warten Sie auf „Reihe {offered}“.")
    ).to_be_visible()
    page.goto(TEXT)
    assert axe(page) == []
    # by keyboard: just after scrolling, Chromium may send a click into the frame of the preview, a process of its own
    page.get_by_role("button", name="Wiederherstellen: mitgelieferter Text").press("Enter")
    expect(page.get_by_text("E-Mails wieder mit diesem Text")).to_be_visible()
    assert page.get_by_label("Text der E-Mail").input_value() == ours


def test_the_keyboard_is_enough_to_preview(page: Page) -> None:
    page.goto(TEXT)
    page.get_by_label("Betreff").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Warten auf {{ title }}")
    for _ in range(3):  # the text, the data, the button
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Noch nicht gespeichert.")).to_be_visible()
    expect(page.locator(".mail__head dd")).to_contain_text("Warten auf ")
