"""What becomes of a message before it is sent, and after the mail server's reply. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from services.notifications.choices import OPTIONAL, UNSUBSCRIBED
from services.notifications.mail import Mail
from services.notifications.messages import TRIES, Message, MessageStatus, after_refusal, look_again, once_more, verdict
from services.notifications.queue import Letter, Settled
from services.notifications.smtp import Reply
from services.notifications.standing import SUPERSEDED, is_superseded

DOMAIN_BUSY: Final = "domain_busy"
FINAL: Final[Mapping[str, MessageStatus]] = {"sent": "sent", "unclear": "unclear"}


def unsendable(letter: Letter, now: datetime, zone: ZoneInfo) -> Settled | None:
    """What becomes of a message that is not to be sent now; None: it is. What may have arrived stays unclear."""
    message = letter.message
    decided = verdict(message, letter.about, letter.reader, letter.offering, now, zone)
    reason = decided.reason
    if decided.what != "withhold" and (is_superseded(message, letter.standing) or _is_withdrawn(letter)):
        reason = SUPERSEDED
    elif decided.what != "withhold" and message.kind in OPTIONAL and letter.choice.unsubscribed:
        reason = UNSUBSCRIBED
    elif decided.what == "send":
        return None
    elif decided.what == "wait":
        return put_off(letter, reason, look_again(message, now))
    if message.status == "unclear":
        return Settled(message_id=message.message_id, status="unclear", reason=message.reason)
    return Settled(message_id=message.message_id, status="withheld", reason=reason)


def _is_withdrawn(letter: Letter) -> bool:
    """A certificate that does not hold any more is not sent."""
    return letter.message.kind == "certificate" and not (letter.certificate and letter.certificate.valid)


def put_off(letter: Letter, reason: str | None, next_try: datetime) -> Settled:
    """Later, and no try of it."""
    message = letter.message
    return Settled(message_id=message.message_id, status=message.status, reason=reason, next_try=next_try)


def result_of(letter: Letter, mail: Mail, reply: Reply, now: datetime) -> Settled:
    """What a mail server's reply means for a message. What was unclear once is sent or unclear, never failed."""
    message = letter.message
    if reply.what in ("later", "broken"):
        message.attempts += 1
        if (next_try := after_refusal(message, letter.offering, now)) is not None:
            return _tried(letter, reply, next_try, now)
    if reply.what == "sent" or (reply.what == "unclear" and message.status == "planned"):
        again = once_more(message, now) if reply.what == "unclear" else None
        return _handed_over(letter, mail, reply, again, now)
    status: MessageStatus = "unclear" if "unclear" in (reply.what, message.status) else "failed"
    return Settled(
        message_id=message.message_id,
        status=status,
        reason=reply.reason,
        to=mail.to,
        subject=mail.subject,
        language=mail.language,
    )


def not_mailable(letter: Letter) -> Settled:
    """No mail can be written to this address."""
    return Settled(message_id=letter.message.message_id, status="failed", reason="not_mailable")


def unreached(message: Message, now: datetime) -> Settled | None:
    """The server's absence is no mail's fault and no try of it; but after four days it is told."""
    if message.tried_at is None:
        kept = message.status != "planned"  # a planned one keeps its place in the queue
        return Settled(
            message_id=message.message_id, status=message.status, next_try=now if kept else None, tried_at=now
        )
    if now <= message.tried_at + TRIES:
        return None
    status: MessageStatus = "unclear" if message.status == "unclear" else "failed"
    return Settled(message_id=message.message_id, status=status, reason="unreachable")


def _tried(letter: Letter, reply: Reply, next_try: datetime, now: datetime) -> Settled:
    message = letter.message
    return Settled(
        message_id=message.message_id,
        status=message.status,
        reason=reply.reason,
        next_try=next_try,
        tried_at=message.tried_at or now,
        attempts=message.attempts,
    )


def _handed_over(letter: Letter, mail: Mail, reply: Reply, again: datetime | None, now: datetime) -> Settled:
    return Settled(
        message_id=letter.message.message_id,
        status=FINAL[reply.what],
        reason=reply.reason,
        next_try=again,
        to=mail.to,
        subject=mail.subject,
        language=mail.language,
        sent_at=now if reply.what == "sent" else None,
        raw=mail.raw,
    )


def dated(result: Settled, now: datetime) -> Settled:
    """The same with the time, if that is what became of it for now."""
    return result if result.status == "planned" else msgspec.structs.replace(result, settled_at=now)
