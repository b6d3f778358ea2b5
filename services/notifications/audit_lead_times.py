"""When people are reminded, as the audit must know it: what counts for which offering, and since when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from pymongo.asynchronous.client_session import AsyncClientSession

from services.notifications.lead_times import GENERAL
from services.notifications.settings import Settings
from services.notifications.store import Database

ALWAYS = datetime.min.replace(tzinfo=UTC)


class Lead(msgspec.Struct, frozen=True):
    """So many days before a session people are reminded, from `since` on; `changing`: it is still being carried out."""

    days: Sequence[int]
    since: datetime = ALWAYS
    changing: bool = False


class LeadTimes(msgspec.Struct, frozen=True):
    """Those of offerings that have had their own, and of all others; the zone whose days count."""

    general: Lead
    own: Mapping[str, Lead]
    zone: ZoneInfo

    def of(self, offering_id: str) -> Lead:
        """Those that count for an offering."""
        return self.own.get(offering_id, self.general)


async def read_lead_times(database: Database, session: AsyncClientSession, settings: Settings) -> LeadTimes:
    """As the snapshot of this session has them."""
    found = {one["_id"]: one async for one in database["lead_times"].find(session=session)}
    since = found.pop(GENERAL, {}).get("since", ALWAYS)
    own = {
        offering_id: Lead(
            settings.reminder_days if one["days"] is None else one["days"], one["since"], one["check_at"] is not None
        )
        for offering_id, one in found.items()
    }
    return LeadTimes(Lead(settings.reminder_days, since), own, settings.zone)
