"""A mail as RFC 5322 wants it, from its words. Pure."""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final

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


def build(message_id: str, words: Words, sender: Address, now: datetime) -> Mail:
    """Build a mail; its Message-ID is the same at each try. Raises ValueError for an address that cannot be mailed."""
    to = recipient(words.name, words.address)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note may answer
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    if words.unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{words.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    _fill(mail, words, sender)
    mail["Content-Language"] = words.language
    return Mail(to.addr_spec, words.subject, words.language, mail.as_bytes())


def _fill(mail: EmailMessage, words: Words, sender: Address) -> None:
    """mixed(alternative(text, html, the first invitation), the invitations as files, other files)."""
    page = Page(words.subject, words.language, sender.display_name or sender.addr_spec, words.notes)
    mail.set_content(with_notes(words.body, words.notes), cte="quoted-printable")
    mail.add_alternative(html(page, words.body), subtype="html", cte="quoted-printable")
    for first in words.invitations[:1]:  # mail programs act upon one, and on no other part
        mail.add_alternative(first.text, subtype="calendar", cte="base64", params={"method": first.method})
    for place, one in enumerate(words.invitations, 1):
        name = "invite.ics" if place == 1 else f"invite-{place}.ics"
        mail.add_attachment(one.text, subtype="calendar", cte="base64", filename=name, params={"method": one.method})
    for file in words.files:
        maintype, _, subtype = file.media.partition("/")
        mail.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)


def recipient(name: str, address: str) -> Address:
    """The address in ASCII: a domain with umlauts has such a form, a name with umlauts has none. Raises ValueError."""
    user, _, domain = address.rpartition("@")
    if not user.isascii():
        raise ValueError("the part before the @ must be ASCII")
    return Address(str(one_line(name)), user, domain.encode("idna").decode())
