"""Says the present state of everything again, for who builds its own anew (design section 3, mechanism 12).

Nothing is decided here, so nothing of it goes through the log, and no event waits for it: one of the processes walks
the collections by _id, a page at a time, and says each entity as it is, with its version, on the entity's own
partition. A begin mark stands on every partition before the first of them, an end mark behind the last one. What
changes meanwhile is told live behind the begin mark; readers go by the version, so an older one that comes late or
twice changes nothing.

restatements {_id: "all", generation, stage, after, said, entities, ends, begun_at, holder, until: BSON date}
`stage` is what comes next (STAGES), `after` the last _id of its collection that was said, `holder` who walks until
then, `ends` partition -> offset of the end marks.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import uuid4

from msgspec.structs import replace
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from services.enrolment.change import SOURCE
from services.enrolment.documents import Document, claimant_of, kept_of, ledger_of
from shared.clock import Clock
from shared.cloudevents import Event, encode, fitting
from shared.events import (
    ENROLMENT_EVENTS,
    RESTATED,
    RESTATING,
    Assigned,
    Booking,
    Course,
    Leave,
    Offering,
    Organisation,
    Restatement,
)
from shared.keys import key_of, partition_of
from shared.publisher import Out, Publisher
from shared.runtime import Database

ALL: Final = "all"
WALKED: Final = ("organisations", "courses", "offerings", "claimants", "leaves")
STAGES: Final = (RESTATING, *WALKED, RESTATED)
DONE: Final = "done"
PAGE: Final = 500
"""So many documents at a time: some 20 ms of the loop that the consumer shares."""
REST: Final = 3
"""After a page the walk rests so many times as long as the page took: whoever reads the topic does more for each
record, often on the same machine, and what happens meanwhile must not wait behind what is only said again."""
MOST_SECONDS: Final = 5
"""It never rests longer, so that the lease does not run out."""
IDLE_SECONDS: Final = 0.5
LEASE: Final = timedelta(seconds=10)
Entity = Booking | Course | Leave | Offering | Organisation
_KINDS: Final[Mapping[type[Entity], str]] = {
    Booking: "booking",
    Course: "course",
    Leave: "leave",
    Offering: "offering",
    Organisation: "organisation",
}


class Begun(NamedTuple):
    """The restatement that is under way, and whether it was before somebody asked for one."""

    generation: int
    joined: bool


class Restating:
    """The loop of one process, and what the operator asks for."""

    def __init__(self, database: Database, publisher: Publisher, clock: Clock, partitions: int) -> None:
        self._database, self._publisher, self._clock, self._partitions = database, publisher, clock, partitions
        self._walks = database["restatements"]
        self._keys = dict(_keys(partitions))
        self._name = uuid4().hex

    async def begin(self) -> Begun:
        """Begin a restatement, or join the one that is under way."""
        while True:
            known = await self._walks.find_one({"_id": ALL})
            if known is not None and known["stage"] != DONE:
                return Begun(known["generation"], joined=True)
            now = self._clock.now()
            # above all that were before, also where a database was restored from an older copy
            generation = max(int(now.timestamp()), known["generation"] + 1 if known else 1)
            fresh = {"stage": STAGES[0], "after": "", "said": 0, "entities": await self._entities(), "ends": {}}
            fresh |= {"generation": generation, "begun_at": now, "holder": "", "until": now}
            before = {"_id": ALL, "stage": DONE, "generation": known["generation"] if known else None}
            try:
                await self._walks.replace_one(before, {"_id": ALL, **fresh}, upsert=True)
            except DuplicateKeyError:  # somebody else was faster
                continue
            return Begun(generation, joined=False)

    async def state(self) -> Document | None:
        """The last restatement; None before the first one."""
        return await self._walks.find_one({"_id": ALL})

    async def turn(self) -> None:
        """Say the next page of a restatement that nobody else is walking; and rest."""
        # What follows the claim in this session sees all that was committed before the begin marks were on the topic.
        async with self._database.client.start_session() as session:
            walk = await self._claim(session)
            if walk is None:
                await asyncio.sleep(IDLE_SECONDS)
                return
            begin = time.monotonic()
            await self._step(walk, session)
        await asyncio.sleep(min(REST * (time.monotonic() - begin), MOST_SECONDS))

    async def _claim(self, session: AsyncClientSession) -> Document | None:
        """Walk on from where the walk is, unless somebody else does; who stops is succeeded when the lease is over."""
        now = self._clock.now()
        free = [{"holder": self._name}, {"until": {"$lt": now}}]
        claimed = {"$set": {"holder": self._name, "until": now + LEASE}}
        return await self._walks.find_one_and_update(
            {"_id": ALL, "stage": {"$ne": DONE}, "$or": free},
            claimed,
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    async def _step(self, walk: Document, session: AsyncClientSession) -> None:
        """One page, acknowledged by the broker before the walk moves on: what is said twice does no harm."""
        stage, generation = walk["stage"], walk["generation"]
        page: list[Document] = []
        if stage in WALKED:
            page = await self._page(stage, walk["after"], session)
            outs = [self._out(one, generation) for document in page for one in entities(stage, document)]
        else:
            outs = [self._mark(stage, generation, partition) for partition in range(self._partitions)]
        offsets = await self._publisher.publish(outs)
        if len(page) == PAGE:
            change: Document = {"after": page[-1]["_id"]}
        else:
            change = {"stage": (*STAGES, DONE)[STAGES.index(stage) + 1], "after": ""}
        if stage == RESTATED:
            change["ends"] = {str(out.partition): offset for out, offset in zip(outs, offsets, strict=True)}
        here = {"_id": ALL, "generation": generation, "holder": self._name}
        await self._walks.update_one(here, {"$set": change, "$inc": {"said": len(page)}}, session=session)

    async def _page(self, collection: str, after: str, session: AsyncClientSession) -> list[Document]:
        """In the order of _id; nothing that a change of the primary could undo."""
        lasting = self._database[collection].with_options(read_concern=ReadConcern("majority"))
        return await lasting.find({"_id": {"$gt": after}}, session=session).sort("_id").limit(PAGE).to_list()

    async def _entities(self) -> int:
        return sum([await self._database[name].estimated_document_count() for name in WALKED])

    def _out(self, entity: Entity, generation: int) -> Out:
        key = (key_of(entity) or "").encode()
        kind = _KINDS[type(entity)]
        identity = f"{getattr(entity, f'{kind}_id')}.{entity.version}.{generation}"
        return self._record(key, f"enrolment.{kind}.restated.v1", identity, entity)

    def _mark(self, kind: str, generation: int, partition: int) -> Out:
        identity = f"{generation}.{partition}.{kind}"
        return self._record(self._keys[partition], kind, identity, Restatement(generation=generation))

    def _record(self, key: bytes, kind: str, identity: str, data: Entity | Restatement) -> Out:
        event = Event(fitting(identity), SOURCE, kind, self._clock.now(), data)
        return Out(ENROLMENT_EVENTS, partition_of(key, self._partitions), key, encode(event))


def entities(collection: str, document: Document) -> Iterator[Entity]:
    """What is said of a document: of a person on an offering, each booking."""
    if collection == "claimants":
        yield from (_with_times(claim.booking) for claim in claimant_of(document).bookings)
    elif collection == "offerings":
        yield ledger_of(document).offering
    else:
        yield kept_of(collection, document).entity


def _with_times(booking: Booking) -> Booking:
    """Where it is not kept when a cohort was assigned, the request stands for it: most come with their cohort."""
    known = {one.cohort for one in booking.assigned}
    missing = [Assigned(cohort=one, at=booking.requested_at) for one in booking.cohorts if one not in known]
    return replace(booking, assigned=[*booking.assigned, *missing]) if missing else booking


def _keys(partitions: int) -> Iterator[tuple[int, bytes]]:
    """For each partition a key that Kafka's default partitioner puts there: its marks are about no entity."""
    found = set[int]()
    number = 0
    while len(found) < partitions:
        key = f"lernbus-restatement-{number}".encode()
        number += 1
        if (partition := partition_of(key, partitions)) not in found:
            found.add(partition)
            yield partition, key
