"""The office's own texts in the database: every version with who and when, and what was wrong when one was used.

wordings {_id: "<language>/<kind>", number, versions: [{number, subject, text, who, at, of}], problem}
`number` is the newest version's; a version without `text` is ours (built in); `of`: the version that was restored.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from services.notifications.texts import Own, Wording
from shared.formats import LANGUAGES, Language

KEPT: Final = 200
"""So many versions of a text are kept."""
Place = tuple[str, Language]
"""Kind and language."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a text; `text` is None where ours was put back."""

    number: int
    subject: str | None
    text: str | None
    who: str
    at: datetime
    of: int | None = None

    @property
    def wording(self) -> Wording | None:
        """The office's words, if they are."""
        if self.text is None:
            return None
        return Wording(self.subject or "", self.text, self.number)


class Problem(msgspec.Struct, frozen=True):
    """A text could not be used for a mail, and ours went out instead."""

    at: datetime
    number: int
    fault: str
    line: int
    word: str


class Kept(msgspec.Struct, frozen=True):
    """A text as it is kept; without versions it is ours, and always was."""

    number: int = 0
    versions: list[Version] = []
    problem: Problem | None = None

    @property
    def newest(self) -> Version | None:
        """The version in force, if there is any."""
        return self.versions[-1] if self.versions else None

    @property
    def wording(self) -> Wording | None:
        """The office's words in force; None: ours are."""
        return self.newest.wording if self.newest else None


class OwnTexts:
    """Reads, saves, restores; every process looks at them anew with each batch of mails."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._wordings = database["wordings"]

    async def current(self) -> Own:
        """What is in force now."""
        kept = await self.all()
        return Own({place: one.wording for place, one in kept.items() if one.wording is not None})

    async def all(self) -> dict[Place, Kept]:
        """Every text that was ever changed, with its newest version."""
        cursor = self._wordings.find({}, {"versions": {"$slice": -1}})
        return {_place(found["_id"]): msgspec.convert(found, Kept) async for found in cursor}

    async def one(self, place: Place) -> Kept:
        """One text with all its versions."""
        found = await self._wordings.find_one({"_id": _id(place)})
        return msgspec.convert(found, Kept) if found else Kept()

    async def save(self, place: Place, version: Version) -> Literal["saved", "conflict"]:
        """Put a version into force, unless another one has become the newest in between."""
        change = {
            "$set": {"number": version.number, "problem": None},
            "$push": {"versions": {"$each": [msgspec.to_builtins(version)], "$slice": -KEPT}},
        }
        query = {"_id": _id(place), "number": version.number - 1}
        try:
            done = await self._wordings.update_one(query, change, upsert=version.number == 1)
        except DuplicateKeyError:
            return "conflict"
        return "saved" if done.matched_count or done.upserted_id else "conflict"

    async def report(self, own: Own, now: datetime) -> None:
        """Keep what was wrong with the texts of a batch, for the office to see; not with versions replaced since."""
        for place, error in own.problems.items():
            number = own.wordings[place].number
            problem = Problem(now, number, error.fault, error.line, error.word)
            query = {"_id": _id(place), "number": number}
            await self._wordings.update_one(query, {"$set": {"problem": msgspec.to_builtins(problem)}})


def _id(place: Place) -> str:
    kind, language = place
    return f"{language}/{kind}"


def _place(key: str) -> Place:
    language, _, kind = key.partition("/")
    return kind, next(one for one in LANGUAGES if one == language)
