"""The mails as a mail program shows them: every kind, wide and light, narrow and dark."""

from collections.abc import Iterator
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from services.notifications.around import LABELS
from services.notifications.html import Note
from services.notifications.mail import Words, build
from services.notifications.messages import Kind
from services.notifications.samples import samples
from services.notifications.texts import Own, filled, framed
from shared.formats import LANGUAGES, Language
from tests.support.browser import axe, is_too_wide, page_of
from tests.support.notifications_world import NOW

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Address("Fortbildungsstelle der Stadt", "office", "stadt.example")
TOKEN = "https://lernbus.stadt.example/notifications/calendar/" + "x" * 80


def mails(kind: Kind, language: Language) -> Iterator[str]:
    """The HTML part of a mail of each variant of a kind."""
    notes = [Note(label, TOKEN) for label in LABELS[language].values()]
    for sample in samples(kind, language, BERLIN):
        subject, text = filled(kind, language, sample.known, Own())
        body = framed(language, sample.known, text, Own())
        mail = build("m", Words("Anna", "a@stadt.example", language, subject, body, notes), OFFICE, NOW)
        part = message_from_bytes(mail.raw, policy=default).get_body(("html",))
        assert part is not None
        yield part.get_content()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_mail_can_be_read_by_everybody(browser: Browser, kind: Kind) -> None:
    for width, dark in ((600, False), (360, True)):
        with page_of(browser, "https://mail.example", size=(width, 700), dark=dark) as page:
            fetched = requested(page)
            for language in LANGUAGES:
                page.set_content(next(mails(kind, language)))
                assert not is_too_wide(page), (width, kind)
                assert axe(page) == [], (width, dark)
            assert fetched == [], "a mail fetches nothing"


def requested(page: Page) -> list[str]:
    """What the page asks for, as it goes on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    return found


def test_its_links_are_those_of_the_text_with_the_words_of_the_office(browser: Browser) -> None:
    with page_of(browser, "https://mail.example") as page:
        page.set_content(next(mails("approval_requested", "de")))
        button = page.get_by_role("link", name="Genehmigen")
        assert button.get_attribute("href") == "https://lernbus.example.org/notifications/approvals/token"
        calendar = page.get_by_role("link", name=LABELS["de"]["calendar"])
        assert calendar.get_attribute("href") == TOKEN
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.locator("html").get_attribute("lang") == "de"
