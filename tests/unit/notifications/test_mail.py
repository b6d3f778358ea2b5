import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.calendars import Invitation
from services.notifications.html import Note
from services.notifications.mail import File, Mail, Words, build
from services.notifications.messages import Message
from services.notifications.texts import render
from tests.support.notifications_world import NOW, leave, offering, person, session

OFFICE = Address("Fortbildung", "office", "stadt.example")
EXPECTED = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "Content-Type",
    "MIME-Version",
}
evil = st.text(st.sampled_from('\r\n\u2028\u2029\x00\x0b\x0c\x85\t\u202e: aBcc@x.example,<>"ä“'), max_size=60)


def written(subject: str = "Betreff", body: str = "Text\n", **more: Any) -> Mail:
    given: dict[str, Any] = {"name": "Jörg Müller", "address": "j@stadt.example", "language": "de"} | more
    return build("m1", Words(subject=subject, body=body, **given), OFFICE, NOW)


def read(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.raw, policy=SMTP)


def text(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def parts(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]


def test_a_mail_says_from_whom_to_whom_and_that_a_machine_wrote_it() -> None:
    mail = read(written(subject="Ihr Platz ist bestätigt", body="Grüße aus Mülheim\n.\nEnde\n"))
    assert str(mail["From"]) == "Fortbildung <office@stadt.example>"
    assert str(mail["To"]) == "Jörg Müller <j@stadt.example>"
    assert str(mail["Subject"]) == "Ihr Platz ist bestätigt"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<m1@stadt.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert text(mail) == "Grüße aus Mülheim\r\n.\r\nEnde\r\n"
    assert parts(mail) == ["multipart/alternative", "text/plain", "text/html"]
    assert set(mail.keys()) == EXPECTED


def test_the_bytes_are_ascii_lines_that_every_server_takes() -> None:
    raw = written(subject="ä" * 300, body="ö" * 3_000 + "\n").raw
    assert raw.isascii()
    assert raw.replace(b"\r\n", b"").count(b"\n") == raw.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(map(len, raw.split(b"\r\n"))) <= 78


def test_a_domain_with_umlauts_is_written_as_the_network_knows_it() -> None:
    assert written(address="a@münchen.example").to == "a@xn--mnchen-3ya.example"


@pytest.mark.parametrize("address", ["jörg@stadt.example", "a@" + "x" * 70 + ".example", "a@.example"])
def test_an_address_that_cannot_be_mailed_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        written(address=address)


INVITE = Invitation("REQUEST", "BEGIN:VCALENDAR\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n")
CANCEL = Invitation("CANCEL", "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n")


def test_the_first_invitation_stands_beside_the_text_and_all_are_files() -> None:
    mail = read(written(invitations=[INVITE, CANCEL]))
    calendar = "text/calendar"
    alternative = ["multipart/alternative", "text/plain", "text/html", calendar]
    assert parts(mail) == ["multipart/mixed", *alternative, calendar, calendar]
    found = [part for part in mail.walk() if part.get_content_type() == calendar]
    assert [(part.get_param("method"), part.get_filename(), part.get_param("charset")) for part in found] == [
        ("REQUEST", None, "utf-8"),
        ("REQUEST", "invite.ics", "utf-8"),
        ("CANCEL", "invite-2.ics", "utf-8"),
    ]
    assert [part.get_content() for part in found] == [INVITE.text, INVITE.text, CANCEL.text]


def test_a_file_is_attached_as_it_is() -> None:
    mail = read(written(files=[File("Nachweis.pdf", "application/pdf", b"%PDF\n\xff")]))
    assert parts(mail)[-1] == "application/pdf"
    assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [
        ("Nachweis.pdf", b"%PDF\n\xff")
    ]


def test_an_optional_mail_can_be_ended_with_one_click() -> None:
    """RFC 8058: both headers, the address whole and unencoded, however long it is."""
    address = "https://lernbus.example/notifications/unsubscribe/" + "x" * 200
    mail = written(unsubscribe=address)
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in mail.raw
    assert read(mail)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert set(read(mail).keys()) == {*EXPECTED, "List-Unsubscribe", "List-Unsubscribe-Post"}


def test_links_below_the_mail_stand_in_both_texts() -> None:
    mail = read(written(body="Hallo\n\n--\nKlein\n", notes=[Note("Kalender", "https://l.example/a?b=1&c=2")]))
    assert text(mail).endswith("\r\n--\r\nKlein\r\nKalender: https://l.example/a?b=1&c=2\r\n")
    assert 'href="https://l.example/a?b=1&amp;c=2"' in text(mail, "html")


def test_two_tries_have_one_message_id() -> None:
    later = build("m1", Words("A", "a@b.example", "de", "S", "B\n"), OFFICE, datetime(2025, 1, 1, tzinfo=UTC))
    assert read(later)["Message-ID"] == read(written())["Message-ID"]


@given(evil, evil, evil)
def test_no_title_name_or_place_can_add_a_header_or_a_line(title: str, name: str, place: str) -> None:
    known = offering(title="T" + title, sessions=[session(title="S" + title, location="L" + place)])
    reader = person(display_name="N" + name, language="en")
    message = Message(
        message_id="m",
        kind="confirmed",
        person_id="p1",
        about="p1",
        mentions=[],
        created_at=NOW,
        order="",
        offering_id="o1",
    )
    subject, body = render(message, reader, reader, known, ZoneInfo("Europe/Berlin"))
    plain = render(
        message,
        person(language="en"),
        person(),
        offering(title="T", sessions=[session(location="L")]),
        ZoneInfo("Europe/Berlin"),
    )
    assert len(body.splitlines()) == len(plain[1].splitlines())
    mail = read(build("m", Words(reader.display_name, reader.email, "en", subject, body), OFFICE, NOW))
    assert set(mail.keys()) == EXPECTED
    assert len(mail.keys()) == len(EXPECTED)
    assert text(mail) == body.replace("\n", "\r\n")


@given(evil)
def test_no_subject_of_a_leave_can_either(subject: str) -> None:
    message = Message(
        message_id="m",
        kind="leave_granted",
        person_id="p1",
        about="p1",
        mentions=[],
        created_at=NOW,
        order="",
        leave=leave(subject="S" + subject),
    )
    words = render(message, person(), person(), None, ZoneInfo("Europe/Berlin"))
    mail = read(build("m", Words("N", "a@b.example", "de", *words), OFFICE, NOW))
    assert len(mail.keys()) == len(EXPECTED)


@given(st.text(st.sampled_from("\r\n .=-_mäx\t\x0b\u2028"), max_size=300))
def test_every_text_arrives_as_it_was_written(body: str) -> None:
    """Blanks at the end of a line, a single dot, the mark between the parts: nothing is taken for something else."""
    mail = read(written(body="T" + body, invitations=[INVITE]))
    expected = "".join(line + "\r\n" for line in re.split("\r\n|\r|\n", "T" + body))
    assert text(mail) in (expected, expected.removesuffix("\r\n"))
    assert parts(mail)[0] == "multipart/mixed"
    assert not [part.defects for part in mail.walk() if part.defects]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mail.as_bytes())


ENCODED = "=?utf-8?q?a=0D=0ABcc:_evil@x.example=0D=0A=0D=0ABody?= ü"


@given(st.text(st.sampled_from("=?=?utf8-qbQB_ADgo: ü,"), max_size=60) | st.just(ENCODED))
@example("Kurs =?utf-8?b?YQ0KQmNjOiBldmlsQHguZXhhbXBsZQ==?=")
def test_a_title_or_name_that_looks_encoded_is_not_decoded(words: str) -> None:
    mail = written(subject=f"Kurs {words}", name=f"Anna {words}")
    assert {*read(mail).keys()} == EXPECTED
    assert [one.addr_spec for one in read(mail)["To"].addresses] == ["j@stadt.example"]
    assert str(read(mail)["Subject"]).split() == f"Kurs {words}".replace("=?", "= ?").split()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("faß.example", "xn--fa-hia.example"), ("FAß.example", "xn--fa-hia.example"), ("münchen.de", "xn--mnchen-3ya.de")],
)
def test_a_domain_is_mailed_under_its_own_name_and_no_other(domain: str, expected: str) -> None:
    assert written(address=f"anna@{domain}").to == f"anna@{expected}"


@pytest.mark.parametrize("domain", ["stadt.example.", "stadt..example", ".example"])
def test_a_domain_with_an_empty_part_is_not_mailed(domain: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        written(address=f"anna@{domain}")
