"""The pages of readers who have no login: a supervisor's, and that of a certificate's code."""

import email
import email.policy
import io
import itertools
import re
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.support.browser import DESKTOP, PHONE, axe, is_too_wide, page_of
from tests.support.stack import Running, event, offering, person, request, session

_numbers = itertools.count(1)


def mail(stack: Running, offering_id: str, kind: str) -> EmailMessage:
    (found,) = stack.get("/notifications/api/messages", offering_id=offering_id, kind=kind)
    assert found["status"] == "sent", found
    raw = stack.http.get(f"/notifications/api/messages/{found['message_id']}/raw").content
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def text(read: EmailMessage) -> str:
    body = read.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def asked(stack: Running) -> str:
    """An offering that somebody asks to attend."""
    name = f"approval-{next(_numbers)}"
    anna = person(f"{name}-anna", display_name="Anna Schäfer", supervisor_id=f"{name}-bela")
    stack.push(
        person(f"{name}-bela"),
        anna,
        offering(name, approval="supervisor", title="Wirkungsvolles strategisches Wirken in der Verwaltung"),
        request(name, f"{name}-anna"),
    )
    return name


def links(stack: Running, name: str) -> tuple[str, str]:
    """Approve, refuse; without the address of the stack."""
    approve, refuse = re.findall(
        r"(?:Genehmigen|Ablehnen): https?://[^/]+(/\S+)", text(mail(stack, name, "approval_requested"))
    )
    return approve, refuse


def status(stack: Running, name: str) -> str:
    stack.settle()
    (one,) = stack.get(f"/enrolment/api/offerings/{name}/bookings")
    return str(one["status"])


def test_a_supervisor_approves_by_one_click_and_the_booking_is_confirmed(
    stack: Running, browser: Browser, asked: str
) -> None:
    approve, refuse = links(stack, asked)
    for path in (approve, refuse):  # as a link scanner does
        assert stack.http.get(path).status_code == 200
    assert status(stack, asked) == "awaiting_approval"

    with page_of(browser, stack.url, script=False) as page:
        page.goto(approve)
        assert "Anna Schäfer" in page.inner_text("main")
        page.get_by_role("button", name="Genehmigen").click()
        assert page.inner_text("h1") == "Sie haben genehmigt"
        assert status(stack, asked) == "confirmed"
        page.goto(refuse)
        assert page.inner_text("h1") == "Sie haben genehmigt"
        assert page.get_by_role("button").count() == 0
    assert stack.http.post(refuse, data={"answer": "refused"}).status_code == 303
    assert status(stack, asked) == "confirmed"


def test_a_refusal_with_a_reason(stack: Running, browser: Browser, asked: str) -> None:
    _, refuse = links(stack, asked)
    with page_of(browser, stack.url) as page:
        page.goto(refuse)
        page.get_by_label("Grund der Ablehnung").fill("Vertretung fehlt")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('Sie haben abgelehnt')")
    assert status(stack, asked) == "refused"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_nobody_is_shut_out(stack: Running, browser: Browser, asked: str, size: tuple[int, int], theme: str) -> None:
    approve, _ = links(stack, asked)
    unknown = "/notifications/approvals/none"
    with page_of(browser, stack.url, size=size, dark=theme == "dark") as page:
        for path in (approve, unknown, "/notifications/certificates/", "/notifications/certificates/wrong"):
            page.goto(path)
            assert axe(page) == [], path
            assert not is_too_wide(page), path
            assert "/enrolment/" not in page.content()


def test_a_certificate_comes_by_mail_and_its_code_is_valid(stack: Running, browser: Browser) -> None:
    name = f"certificate-{next(_numbers)}"
    one = f"{name}-anna"
    stack.push(
        event("course.changed", course_id=name, title="Strategie", topics=[], competencies=["Weitblick"]),
        person(one, display_name="Anna Schäfer"),
        offering(name, course_id=name, sessions=[session()]),
        request(name, one),
        event("attendance.recorded", offering_id=name, session_id="s1", person_id=one, status="attended"),
    )
    read = mail(stack, name, "certificate")
    (file,) = [part for part in read.iter_attachments() if part.get_content_type() == "application/pdf"]
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file.get_content())).pages)
    found = re.search(r"Code: (\S+)", text(read))
    assert found is not None
    assert found[1] in printed
    with page_of(browser, stack.url, language="en") as page:
        page.goto("/notifications/certificates/")
        page.get_by_label("Code").fill(found[1].lower())
        page.get_by_role("button", name="Check").click()
        page.wait_for_selector("text=This certificate is valid")
        assert axe(page) == []
        assert "Anna" not in page.content()
        page.get_by_label("Code").fill(found[1][:-1] + ("A" if found[1][-1] != "A" else "B"))
        page.keyboard.press("Enter")
        page.wait_for_selector("text=There is no valid certificate")
