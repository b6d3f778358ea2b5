"""What notifications is told from outside."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator

from shared import settings
from shared.access import tls
from shared.safety import Finding, is_loopback


class Settings(settings.Settings):
    """The common settings and the mail server's."""

    database: str = "lernbus_notifications"
    """The service\'s own database; nobody else reads or writes it."""
    smtp_port: int = Field(25, ge=1, le=65_535)
    """The mail server's port: 25 or 587 with `starttls`, 465 with `tls`."""
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    """`starttls` and `tls` check the server's certificate; `none` (in the clear) is refused but for a loopback address
    and the sink of a demonstration."""
    smtp_ca: Path | None = None
    """The file of authorities (PEM) whose certificates of mail servers are trusted; without it, the system's."""
    smtp_username: str | None = None
    """The user at the mail server; none is shown where none is set."""
    smtp_password: SecretStr | None = None
    """The user's password."""
    smtp_connections: int = Field(4, ge=1, le=50)
    """How many mails one instance sends at the same time."""
    smtp_domain_connections: int = Field(2, ge=1, le=50)
    """So many of them carry mail to one domain at first: more while it takes them, fewer while it says "later"."""
    smtp_timeout: float = Field(60, gt=0)
    """Seconds for one answer of the mail server."""
    mail_from: str = "Fortbildung <fortbildung@localhost.localdomain>"
    """Name and address that stand in From; its domain stands in the Message-ID."""
    mail_bounce: str | None = None
    """The address that takes what mail servers return (envelope sender); without it, that of `mail_from`."""
    public_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8000")
    """Where readers of mails reach this service: links in mails begin with it."""
    links_key: SecretStr | None = Field(None, min_length=32)
    """Signs the links in mails. Without it one is made at the start: then links stop working at a restart."""
    reminder_days: tuple[int, ...] = (7, 1)
    """So many days before a session its confirmed people are reminded."""

    office_address: str | None = None
    """Where the daily summary of what somebody has to look into goes; without it there is none."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.smtp_username is not None and self.smtp_security == "none":
            raise ValueError("smtp_username: a password is never sent in the clear, set smtp_security")
        try:
            named = self.sender.domain
        except (ValueError, IndexError, MessageError):  # all of them are its parser's way to say no
            named = ""
        if not named:
            raise ValueError("mail_from: has no address")
        if self.mail_bounce is not None and not _is_address(self.mail_bounce):
            raise ValueError("mail_bounce: is no address")
        if self.office_address is not None and not _is_address(self.office_address):
            raise ValueError("office_address: is no address")
        if self.smtp_security == "none" and not (self.smtp_host == settings.DEMO_SINK or is_loopback(self.smtp_host)):
            raise ValueError("smtp_security: set starttls or tls, mails with names would travel in the clear")
        try:
            tls(self.smtp_ca)
        except OSError as error:
            raise ValueError(f"smtp_ca: {self.smtp_ca} is no certificate that can be used") from error
        return self

    def unsafe(self) -> list[Finding]:
        """The common ones and the mail server's."""
        found = super().unsafe()
        if self.smtp_security == "none" and not is_loopback(self.smtp_host):
            why = "mails with names and addresses travel in the clear"
            found.append(Finding("LERNBUS_SMTP_SECURITY", why, "set starttls or tls"))
        if self.sender.domain == "localhost.localdomain":
            why = "no mail server takes it, and nobody can answer"
            found.append(Finding("LERNBUS_MAIL_FROM", why, "set the training office's name and address"))
        if self.links_key is None:
            why = "the links in mails stop working at a restart, and another instance refuses them"
            found.append(Finding("LERNBUS_LINKS_KEY", why, "set the same random text of 32 letters or more everywhere"))
        return found + self._of_the_links()

    def _of_the_links(self) -> list[Finding]:
        if self.public_url.scheme == "https":
            return []
        if is_loopback(self.public_url.host or ""):
            return [
                Finding("LERNBUS_PUBLIC_URL", "nobody else can follow the links in mails", "set the public address")
            ]
        return [Finding("LERNBUS_PUBLIC_URL", "links of mails are followed in the clear", "set an address with https")]

    @property
    def sender(self) -> Address:
        """`mail_from` in its parts."""
        name, address = parseaddr(self.mail_from)
        return Address(name, addr_spec=address)

    @property
    def bounces_to(self) -> str:
        """The envelope sender."""
        return self.mail_bounce or self.sender.addr_spec


def _is_address(text: str) -> bool:
    try:
        return bool(Address(addr_spec=text).domain)
    except (ValueError, IndexError, MessageError):
        return False
