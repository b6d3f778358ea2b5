"""The notifications database: what a batch reads and writes, and the messages as the interface shows them.

contacts  {_id: person_id, offset, person, words}               person is null and words [] once erased: no name left
offerings {_id: offering_id, offering, told, after}
bookings  {_id: booking_id, offering_id, person_id, status, version, since, ...}           the rosters
organisations {_id: organisation_id, name, version}
leaves    {_id: leave_id, version}
courses   {_id: course_id, title, competencies, ..., version}
certificates {_id: booking_id, code, title, modules, ..., valid}       without the name; an erased person's are gone
rosters   as due: the lists that trainers get (trainers.py)
summaries {_id: day, until: BSON date, done}                    the office's daily summary (summary.py)
approvals {_id: message_id, answer, at, published}              answers by a link in the mail (approvals.py)
due       {_id, ..., at: BSON date}                             one per session and lead time
choices   {_id: person_id, unsubscribed, links}                of readers of mails (choices.py)
messages  {_id: message_id, ..., next_try: BSON date, lease: {token, until: BSON date} | null, raw: the mail as sent}
lead_times {_id: offering_id, days, since, check_at}            when people are reminded (lead_times.py)
wordings  {_id: "<language>/<kind>", number, versions, problem} the office's own texts (own_texts.py)
Everything else in them is as the structs say, times as RFC 3339.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications import choices, roster_lists
from services.notifications.certificates import LENGTH, LETTERS
from services.notifications.certified import Certificate
from services.notifications.documents import contact_of, entry_of
from services.notifications.events import TOLD_TO_ALL
from services.notifications.state import STEP, Known, Page, State
from shared.clock import Clock
from shared.events import RESTATEMENT, Booking, Course, Leave, Offering, Organisation, Person, PersonErased
from shared.handler import Item
from shared.runtime import create

Database = AsyncDatabase[dict[str, Any]]
QUEUE: Final = "queue"
QUEUED: Final = {"status": {"$in": ["planned", "unclear"]}}
"""What may have to be sent: of unclear messages those that have a `next_try`. The index of this name holds it."""
COLLECTIONS: Final = (
    *("contacts", "offerings", "bookings", "organisations", "leaves"),
    *("due", "lead_times", "messages", "wordings"),
    *("courses", "certificates", "rosters", "approvals"),
)
LISTED: Final = (
    "kind",
    "person_id",
    "offering_id",
    "session_id",
    "to",
    "subject",
    "language",
    "status",
    "reason",
    "created_at",
    "sent_at",
)


async def prepare(database: Database) -> None:
    """Create collections and indexes."""
    await create(database, *COLLECTIONS)
    await database["bookings"].create_index([("offering_id", 1), ("status", 1), ("_id", 1)])
    await roster_lists.prepare(database)
    await choices.prepare(database)
    asked = {"status": "awaiting_approval"}
    await database["bookings"].create_index("status", partialFilterExpression=asked)
    await database["approvals"].create_index("published", partialFilterExpression={"published": False})
    await database["certificates"].create_index("code", unique=True)
    await database["rosters"].create_index("at")
    await database["rosters"].create_index([("offering_id", 1), ("session_id", 1)])
    await database["due"].create_index("at")
    await database["due"].create_index([("offering_id", 1), ("session_id", 1)])
    messages = database["messages"]
    await messages.create_index([("next_try", 1), ("order", 1)], name=QUEUE, partialFilterExpression=QUEUED)
    rare = {"status": {"$in": ["failed", "unclear"]}}
    await messages.create_index("status", partialFilterExpression=rare)  # for metrics: counted, never listed
    await messages.create_index([("mentions", 1), ("status", 1)])
    for field in ("person_id", "offering_id", "kind"):
        await messages.create_index([(field, 1), ("order", 1)])
    await messages.create_index("order")
    await messages.create_index("lease.token", sparse=True)


class Store:
    """What the consumer needs of the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self._clock = database, clock

    async def load(self, items: Sequence[Item]) -> State:
        """Read all that these items touch."""
        wanted = _Wanted(items)
        offerings = await self._find("offerings", wanted.offerings)
        state = State(
            self._clock.now(),
            contacts={key: contact_of(found) for key, found in (await self._find("contacts", wanted.people)).items()},
            offerings={key: msgspec.convert(found, Known) for key, found in offerings.items()},
            bookings={key: entry_of(found) for key, found in (await self._find("bookings", wanted.bookings)).items()},
            organisations={
                key: msgspec.convert(found, Organisation)
                for key, found in (await self._find("organisations", wanted.organisations)).items()
            },
            leaves={key: found["version"] for key, found in (await self._find("leaves", wanted.leaves)).items()},
        )
        for offering_id, own in (await self._find("lead_times", wanted.changes)).items():
            if own["days"] is not None:
                state.lead_days[offering_id] = own["days"]
        await self._certificates(state, wanted)
        for offering_id, step in wanted.walks.items():
            after = state.offerings[offering_id].after if step else ""
            state.pages[offering_id] = await self._page(offering_id, after)
        for person_id in wanted.erasures:
            naming = self.database["messages"].find({"mentions": person_id}, ["_id"]).limit(STEP)
            state.naming[person_id] = [found["_id"] async for found in naming]
        return state

    async def _certificates(self, state: State, wanted: "_Wanted") -> None:
        """What certificates need, in batches in which somebody may have earned one."""
        known = [state.offerings[key].offering for key in {*wanted.earning.values()} if key in state.offerings]
        courses = await self._find("courses", wanted.courses | {offering.course_id for offering in known})
        state.courses |= {key: msgspec.convert(one, Course) for key, one in courses.items()}
        found = await self._find("certificates", wanted.earning)
        state.certificates |= {key: msgspec.convert(one, Certificate) for key, one in found.items()}
        state.codes |= {key: "".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for key in wanted.earning}

    async def _find(self, collection: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        if not (wanted := [*ids]):
            return {}
        return {found["_id"]: found async for found in self.database[collection].find({"_id": {"$in": wanted}})}

    async def _page(self, offering_id: str, after: str) -> Page:
        query = {"offering_id": offering_id, "status": {"$in": ["confirmed", "waiting"]}, "_id": {"$gt": after}}
        cursor = self.database["bookings"].find(query).sort("_id").limit(STEP)
        return Page(after, [entry_of(found) async for found in cursor])


class _Wanted:
    """The ids that a batch touches; `changes`: offerings that change themselves.

    `earning`: bookings that may earn a certificate, or lose it, with their offerings.
    `walks`: offering_id -> the step of its first unfinished walk.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self.people: set[str] = set()
        self.offerings: set[str] = set()
        self.changes: set[str] = set()
        self.bookings: set[str] = set()
        self.leaves: set[str] = set()
        self.courses: set[str] = set()
        self.earning: dict[str, str] = {}
        self.organisations: set[str] = set()
        self.erasures: set[str] = set()
        self.walks: dict[str, int] = {}
        for item in items:
            if item.event.type not in RESTATEMENT:  # these change nothing here
                self._add(item)

    def _add(self, item: Item) -> None:
        match item.event.data:
            case Person(person_id=person_id):
                self.people.add(person_id)
            case PersonErased(person_id=person_id):
                self.people.add(person_id)
                if item.step:
                    self.erasures.add(person_id)
            case Offering(offering_id=offering_id):
                self.offerings.add(offering_id)
                self.changes.add(offering_id)
                if item.event.type in TOLD_TO_ALL:
                    self.walks.setdefault(offering_id, item.step)
            case Booking() as booking:
                self._add_booking(booking)
            case Leave(leave_id=leave_id):
                self.leaves.add(leave_id)
            case Course(course_id=course_id):
                self.courses.add(course_id)
            case Organisation(organisation_id=organisation_id):
                self.organisations.add(organisation_id)

    def _add_booking(self, booking: Booking) -> None:
        self.bookings.add(booking.booking_id)
        self.offerings.add(booking.offering_id)
        if booking.attendance or booking.completed_at:
            self.earning[booking.booking_id] = booking.offering_id


# --- what the interface shows ---------------------------------------------------------------------------------------


async def list_messages(
    database: Database, query: Mapping[str, str], after: str | None, limit: int
) -> list[dict[str, Any]] | None:
    """Messages in the order of creation behind `after`, with the fields of the contract; None: no such `after`."""
    wanted: dict[str, Any] = dict(query)
    if after is not None:
        last = await database["messages"].find_one({"_id": after}, ["order"])
        if last is None:
            return None
        wanted["order"] = {"$gt": last["order"]}
    cursor = database["messages"].find(wanted, LISTED).sort("order", ASCENDING).limit(limit)
    return [{"message_id": found["_id"], **{field: found[field] for field in LISTED}} async for found in cursor]


async def raw_mail(database: Database, message_id: str) -> bytes | None:
    """The mail as it was handed over, or None."""
    found = await database["messages"].find_one({"_id": message_id}, ["raw"])
    return bytes(found["raw"]) if found and "raw" in found else None
