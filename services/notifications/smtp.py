"""One connection to the mail server, and what its answers mean for a mail."""

import contextlib
import re
from typing import Literal, NamedTuple

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPStatus,
)

from services.notifications.mail import Mail
from services.notifications.settings import Settings
from shared.access import refusal, tls

ENHANCED = re.compile(r"\d\.\d{1,3}\.\d{1,3}\b")


class Reply(NamedTuple):
    """`later`: not now; `broken`: the connection ended before the mail was handed over; `unclear`: after that.

    `unreachable`: there is no connection to be had, which is no mail's fault. The reason is the answer's code without
    its words, for these repeat the address.
    """

    what: Literal["sent", "later", "failed", "unclear", "broken", "unreachable"]
    reason: str | None = None


class Line:
    """A connection that is opened when needed and used again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tls = tls(settings.smtp_ca)
        self._smtp: SMTP | None = None

    async def deliver(self, mail: Mail) -> Reply:
        """Hand over one mail. A connection that was used before may have been closed meanwhile: then once more."""
        used = self._smtp is not None
        reply = await self._deliver(mail)
        return await self._deliver(mail) if used and reply.what == "broken" else reply

    async def close(self) -> None:
        """Say goodbye, or just leave."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(SMTPException, OSError):
                await smtp.quit(timeout=2)
            smtp.close()

    async def _deliver(self, mail: Mail) -> Reply:
        try:
            smtp = await self._open()
        except (SMTPException, OSError) as error:
            return Reply("unreachable", _code(error) or refusal(error) or "connection refused")
        handed_over = False
        try:
            await smtp.mail(self._settings.bounces_to)
            await smtp.rcpt(mail.to)
            begun = await smtp.execute_command(b"DATA")
            if begun.code != SMTPStatus.start_input:
                raise SMTPDataError(begun.code, begun.message)
            _write(smtp, mail.raw)
            handed_over = True
            return await self._answer(smtp)
        except (SMTPException, OSError) as error:
            if isinstance(error, SMTPDataError) or (isinstance(error, SMTPResponseException) and not handed_over):
                return await self._refused(smtp, error)
            self._drop()
            return Reply("unclear", "connection lost") if handed_over else Reply("broken", "connection lost")

    async def _open(self) -> SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        settings = self._settings
        smtp = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=self._tls,
            timeout=settings.smtp_timeout,
            local_hostname=settings.sender.domain,
        )
        await smtp.connect()
        self._smtp = smtp
        return smtp

    async def _answer(self, smtp: SMTP) -> Reply:
        """Wait for the answer to the text. If none comes, nobody knows whether the server took it."""
        if smtp.protocol is None:
            raise SMTPServerDisconnected("the connection was lost")
        answer = await smtp.protocol.read_response(timeout=self._settings.smtp_timeout)
        if answer.code != SMTPStatus.completed:
            raise SMTPDataError(answer.code, answer.message)
        return Reply("sent")

    async def _refused(self, smtp: SMTP, error: SMTPResponseException) -> Reply:
        """5xx is final for this recipient; of the sender it is our own setting's fault, which somebody may mend."""
        if error.code == SMTPStatus.domain_unavailable:  # 421: the server ends the connection
            self._drop()
            return Reply("broken", _code(error))
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            self._drop()
        final = error.code >= 500 and not isinstance(error, SMTPSenderRefused)  # noqa: PLR2004 - RFC 5321, 4.2.1
        return Reply("failed" if final else "later", _code(error))

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _write(smtp: SMTP, raw: bytes) -> None:
    """The text, exactly these bytes; aiosmtplib's own DATA would not tell on which side of it a connection broke."""
    if smtp.protocol is None:
        raise SMTPServerDisconnected("the connection was lost")
    smtp.protocol.write((b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")


def _code(error: Exception) -> str | None:
    """Only the numbers of an answer, such as 550 5.1.1."""
    if not isinstance(error, SMTPResponseException):
        return None
    enhanced = ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)
