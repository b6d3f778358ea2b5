"""A mail as RFC 5322 wants it, from its words. Pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import msgspec

from services.notifications.wording import one_line


class Mail(msgspec.Struct, frozen=True):
    """What is handed over: `to` is the envelope's recipient, `raw` the exact bytes."""

    to: str
    subject: str
    language: str
    raw: bytes


class Words(msgspec.Struct, frozen=True):
    """What a mail says, to whom."""

    name: str
    address: str
    language: str
    subject: str
    body: str


def build(message_id: str, words: Words, sender: Address, now: datetime) -> Mail:
    """Build a mail; its Message-ID is the same at each try. Raises ValueError for an address that cannot be mailed."""
    to = _envelope(words.address)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(one_line(words.name), *to.rsplit("@", 1))
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note may answer
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    mail.set_content(words.body, cte="quoted-printable")
    mail["Content-Language"] = words.language
    return Mail(to, words.subject, words.language, mail.as_bytes())


def _envelope(address: str) -> str:
    """The address in ASCII: a domain with umlauts has such a form, a name with umlauts has none."""
    name, _, domain = address.rpartition("@")
    if not name.isascii():
        raise ValueError("the part before the @ must be ASCII")
    return f"{name}@{domain.encode('idna').decode()}"
