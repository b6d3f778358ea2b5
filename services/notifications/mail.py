"""A mail as RFC 5322 wants it, from its words. Pure."""

from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final
from unicodedata import normalize

import msgspec

from services.notifications.calendars import Invitation
from services.notifications.html import Note, Page, html, with_notes
from services.notifications.wording import one_line


class Mail(msgspec.Struct, frozen=True):
    """What is handed over: `to` is the envelope's recipient, `raw` the exact bytes."""

    to: str
    subject: str
    language: str
    raw: bytes


class File(msgspec.Struct, frozen=True):
    """An attachment; `media` such as application/pdf."""

    name: str
    media: str
    content: bytes


class Words(msgspec.Struct, frozen=True):
    """What a mail says, to whom. `unsubscribe`: the address at which this kind of mail is ended by one POST."""

    name: str
    address: str
    language: str
    subject: str
    body: str
    notes: Sequence[Note] = ()
    invitations: Sequence[Invitation] = ()
    files: Sequence[File] = ()
    unsubscribe: str | None = None


class UnfoldedHeader(BaseHeader):
    """An address of the web is written in one piece: folded or encoded it would lead nowhere."""

    max_count = 1
    value_parser = staticmethod(UnstructuredHeader.value_parser)
    parse = UnstructuredHeader.parse

    def fold(self, *, policy: Policy) -> str:
        """The header as it stands in the mail."""
        return f"{self.name}: {self}{policy.linesep}"


class Registry(HeaderRegistry):
    """Makes the class of each header once; the standard library does so for every header of every mail."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type] = {}

    def __getitem__(self, name: str) -> type:
        """The class of this header."""
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]


class Fast(EmailPolicy):
    """Reads headers that are the same in all mails, such as Content-Type, once: they are immutable."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, str]:  # noqa: ANN401 (what headers may be set to)
        """The name and the header. Raises ValueError for a line break."""
        if type(value) is str and name.lower() in SAME_IN_ALL:
            return _read(name, value)
        return super().header_store_parse(name, value)


SAME_IN_ALL: Final = frozenset(
    ["auto-submitted", "content-language", "content-type", "content-disposition", "content-transfer-encoding"]
)
_headers: Final = Registry()
_headers.map_to_type("list-unsubscribe", UnfoldedHeader)
POLICY: Final = Fast(linesep=SMTP.linesep, header_factory=_headers)


@lru_cache(maxsize=512)
def _read(name: str, value: str) -> tuple[str, str]:
    return EmailPolicy.header_store_parse(POLICY, name, value)


KEPT_LETTERS: Final = frozenset("ß\u03c2\u200c\u200d")
"""Letters that IDNA 2008 keeps, and the older IDNA 2003 replaced by others or left out."""


def build(message_id: str, words: Words, sender: Address, now: datetime) -> Mail:
    """Build a mail; its Message-ID is the same at each try. Raises ValueError for an address that cannot be mailed."""
    to = recipient(words.name, words.address)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = literal(words.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note may answer
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    if words.unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{words.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail["Content-Language"] = words.language
    mail["MIME-Version"] = "1.0"
    kind, parts = _content(message_id, words, sender)
    mark = f"=_mail_{message_id}"  # such a sequence stands in no part: neither of the two encodings has it
    mail["Content-Type"] = f'multipart/{kind}; boundary="{mark}"'
    head = b"".join(POLICY.fold_binary(name, value) for name, value in mail.raw_items())
    return Mail(to.addr_spec, words.subject, words.language, head + b"\r\n" + _multipart(mark, parts))


# Parts are put together by hand, in a quarter of the time that `email` takes; their headers hold nobody's words.


def _content(message_id: str, words: Words, sender: Address) -> tuple[str, list[bytes]]:
    """mixed(alternative(text, html, the first invitation), the invitations as files, other files)."""
    page = Page(words.subject, words.language, sender.display_name or sender.addr_spec, words.notes)
    text = [_text("plain", with_notes(words.body, words.notes)), _text("html", html(page, words.body))]
    text += [_calendar(first) for first in words.invitations[:1]]  # mail programs act upon one, and on no other part
    if not words.invitations and not words.files:
        return "alternative", text
    mark = f"=_text_{message_id}"
    alternative = _entity(f'multipart/alternative;\r\n boundary="{mark}"', None, _multipart(mark, text))
    calendars = [_calendar(one, place) for place, one in enumerate(words.invitations, 1)]
    return "mixed", [alternative, *calendars, *map(_file, words.files)]


def _multipart(mark: str, parts: Sequence[bytes]) -> bytes:
    begin = f"--{mark}\r\n".encode()
    return b"".join(begin + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()


def _entity(kind: str, encoding: str | None, content: bytes, name: str | None = None) -> bytes:
    encoded = f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    file = f'\r\nContent-Disposition: attachment; filename="{name}"' if name else ""
    return f"Content-Type: {kind}{encoded}{file}\r\n\r\n".encode() + content


def _text(kind: str, text: str) -> bytes:
    lines = b"\r\n".join(text.encode().splitlines()) + b"\r\n"
    return _entity(f'text/{kind}; charset="utf-8"', "quoted-printable", b2a_qp(lines))


def _calendar(one: Invitation, place: int = 0) -> bytes:
    """With a place it is a file."""
    name = {0: None, 1: "invite.ics"}.get(place, f"invite-{place}.ics")
    content = encodebytes(one.text.encode()).replace(b"\n", b"\r\n")
    return _entity(f'text/calendar; charset="utf-8"; method="{one.method}"', "base64", content, name)


def _file(file: File) -> bytes:
    part, (maintype, _, subtype) = EmailMessage(policy=SMTP), file.media.partition("/")
    part.set_content(file.content, maintype=maintype, subtype=subtype, disposition="attachment", filename=file.name)
    return part.as_bytes()


def literal(text: str) -> str:
    """Words for a header: what looks like an encoded word (RFC 2047) would be decoded, with the line breaks in it."""
    return text.replace("=?", "= ?")


def recipient(name: str, address: str) -> Address:
    """The address in ASCII: a domain with umlauts has such a form, a name with umlauts has none. Raises ValueError."""
    user, _, domain = address.rpartition("@")
    if not user.isascii():
        raise ValueError("the part before the @ must be ASCII")
    return Address(literal(str(one_line(name))), user, ".".join(map(_ascii, domain.split("."))))


def _ascii(label: str) -> str:
    """A part of a domain. Python's codec takes ß for ss (IDNA 2003), which is another domain (RFC 5894, 7.2)."""
    if not label:
        raise ValueError("a part of the domain is empty")
    if KEPT_LETTERS & {*label}:
        return f"xn--{normalize('NFC', label.lower()).encode('punycode').decode()}"
    return label.encode("idna").decode()
