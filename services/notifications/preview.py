"""How a text reads: on the data of recent mails of its kind, and on samples."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from services.notifications import html
from services.notifications.documents import contact_of, message_of
from services.notifications.messages import Message
from services.notifications.own_texts import Place
from services.notifications.samples import known_of, samples
from services.notifications.store import Database
from services.notifications.texts import FRAME, Own, Wording, built_in, compose, framed
from services.notifications.wording import Values
from shared.events import Offering, Person
from shared.formats import Language

RECENT: Final = 5
"""So many recent mails are offered."""
LOOKED_AT: Final = 50


class Data(NamedTuple):
    """Values to show a text with. `key` tells them apart; `at` and `reader` are a real mail's, else it is a sample."""

    key: str
    known: Values
    at: datetime | None = None
    reader: str = ""


class Shown(NamedTuple):
    """A mail as it would be."""

    subject: str
    text: str
    html: str


async def data_for(database: Database, kind: str, language: Language, zone: ZoneInfo) -> list[Data]:
    """Recent mails first."""
    found = [] if kind == FRAME else [one async for one in _recent(database, kind, language, zone)]
    return [*found, *(Data(f"sample.{one.name}", one.known) for one in samples(kind, language, zone))]


async def _recent(database: Database, kind: str, language: Language, zone: ZoneInfo) -> AsyncIterator[Data]:
    """The newest mails whose people are known, each in this language, whatever it was sent in."""
    number = 0
    cursor = database["messages"].find({"kind": kind}, {"raw": 0}).sort("order", -1).limit(LOOKED_AT)
    async for document in cursor:
        message = message_of(document)
        reader, about = await _person(database, message.person_id), await _person(database, message.about)
        if reader is None or about is None:
            continue
        reader = msgspec.structs.replace(reader, language=language)
        offering = await _offering(database, message)
        known = known_of(kind, message, reader, offering, zone, about)
        yield Data(message.message_id, known, message.created_at, reader.display_name)
        number += 1
        if number == RECENT:
            return


async def _person(database: Database, person_id: str | None) -> Person | None:
    found = await database["contacts"].find_one({"_id": person_id}) if person_id else None
    return contact_of(found).person if found else None


async def _offering(database: Database, message: Message) -> Offering | None:
    found: dict[str, Any] | None = await database["offerings"].find_one({"_id": message.offering_id})
    return msgspec.convert(found["offering"], Offering) if found else None


def show(place: Place, wording: Wording, data: Data, own: Own, office: str) -> Shown:
    """A mail with this text. Raises WordingError."""
    kind, language = place
    subject, text = compose(kind, wording, data.known)
    if kind == FRAME:
        subject = built_in("confirmed", language).subject.partition(":")[0]
    else:
        text = framed(language, data.known, text, own)
    return Shown(subject, text, html.html(html.Page(subject, language, office), text))
