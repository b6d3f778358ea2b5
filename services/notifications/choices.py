"""What readers of mails have chosen: no optional mails, or links that are no longer to work."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications.messages import Kind
from shared.runtime import create

OPTIONAL: Final[frozenset[Kind]] = frozenset({"reminder"})
"""Kinds that a reader can do without; the others tell what has become of a booking."""
UNSUBSCRIBED: Final = "unsubscribed"


class Choice(msgspec.Struct, frozen=True):
    """A reader's. `links`: so many times the links to the calendar were made anew; older ones lead nowhere."""

    unsubscribed: bool = False
    links: int = 0


async def prepare(database: AsyncDatabase[dict[str, Any]]) -> None:
    """The collection; the index by which a person's calendar is found is the roster's."""
    await create(database, "choices")


async def choices_of(database: AsyncDatabase[dict[str, Any]], people: Iterable[str]) -> dict[str, Choice]:
    """By person_id; whoever has chosen nothing is missing."""
    found = database["choices"].find({"_id": {"$in": sorted({*people})}})
    return {one["_id"]: msgspec.convert(one, Choice) async for one in found}


async def unsubscribe(database: AsyncDatabase[dict[str, Any]], person_id: str, *, unsubscribed: bool) -> None:
    """No optional mails from now on, or again."""
    await database["choices"].update_one({"_id": person_id}, {"$set": {"unsubscribed": unsubscribed}}, upsert=True)


async def renew_links(database: AsyncDatabase[dict[str, Any]], person_id: str) -> None:
    """All links to the calendar that this person has been given stop working."""
    await database["choices"].update_one({"_id": person_id}, {"$inc": {"links": 1}}, upsert=True)
