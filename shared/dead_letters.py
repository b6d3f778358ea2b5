"""What could not be processed, for those who look after it: lists letters, and has them replayed or dropped.

Listing asks the database alone. Everything that changes something is a control event, appended to the topic and
partition of the record itself, and done by whoever owns that partition; so it has its place in the order of things,
and a command that dies half-way has either said something or not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from aiokafka.structs import TopicPartition

from shared.clock import Clock
from shared.cloudevents import Event, encode
from shared.codec import read
from shared.errors import Invalid, Unpublished
from shared.events import CONTROL, LETTER_DROPPED, LETTER_REPLAYED, DeadLetter
from shared.letters import Document, record_of
from shared.publisher import Out
from shared.runtime import Service
from shared.web import ProblemError

EDITED_BYTES: Final = 600_000
"""An edited value travels in a control event (base64), which must fit into a record of its topic."""
SHOWN: Final = 100
"""So many of the records that wait behind a letter are shown."""
MOST: Final = 500
"""So many letters are settled at once."""
KINDS: Final = {"replay": LETTER_REPLAYED, "drop": LETTER_DROPPED}
FIELDS: Final = (
    *("topic", "partition", "offset", "timestamp", "key", "reason", "field", "detail", "source", "event_id", "type"),
    *("size", "status", "withheld", "blocks", "replays", "last"),
)


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held, self._letters = service.database["held"], service.database["dead_letters"]

    # --- looking ----------------------------------------------------------------------------------------------------

    async def page(self, query: Mapping[str, Any], after: str, limit: int) -> list[Document]:
        """Letters in the order of topic, partition and offset, behind `after`."""
        wanted = {**query, **_behind(after)}
        order = [("topic", 1), ("partition", 1), ("offset", 1)]
        return await self._letters.find(wanted, FIELDS).sort(order).limit(limit).to_list()

    async def one(self, letter_id: str) -> Document:
        """A letter with its content. Raises ProblemError: 404."""
        found = await self._letters.find_one({"_id": letter_id})
        if found is None:
            raise ProblemError(404, f"{self._service.name} has no dead letter {letter_id}")
        return found

    async def behind(self, letter: Document) -> tuple[int, list[Document]]:
        """How many records wait behind a letter, and the first of them."""
        if not letter["blocks"]:
            return 0, []
        query = {"topic": letter["topic"], "partition": letter["partition"], "key": letter["key"]}
        first = self._held.find(query, ["topic", "partition", "offset", "timestamp"]).sort("offset").limit(SHOWN)
        return await self._held.count_documents(query), await first.to_list()

    async def reasons(self) -> dict[str, int]:
        """Reason -> number of open letters."""
        groups = await self._letters.aggregate(
            [{"$match": {"status": "open"}}, {"$group": {"_id": "$reason", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
        )
        return {one["_id"]: one["n"] async for one in groups}

    async def stopped(self) -> dict[str, str]:
        """Why partitions stand still, by "topic/partition"."""
        found = await self._service.kernel.positions.stopped()
        return {name.partition("/")[2]: why for name, why in found.items()}

    # --- changing ---------------------------------------------------------------------------------------------------

    async def settle(self, what: str, ids: Sequence[str], value: bytes | None = None) -> dict[str, int]:
        """Have letters replayed (one of them with another value) or dropped; _id -> offset of its control event.

        Raises ProblemError: 404 for what is not there, 409 for what is settled or cannot be replayed, 400 and 413 for
        a value that would fail, 503 while Kafka cannot take it. Nothing is said then.
        """
        letters = [self._checked(what, await self.one(letter_id), value) for letter_id in ids]
        try:
            offsets = await self._service.office.publish([self._said(KINDS[what], one, value) for one in letters])
        except (Unpublished, TimeoutError) as error:
            raise ProblemError(503, "the event bus cannot take events now", {"Retry-After": "5"}) from error
        return dict(zip(ids, offsets, strict=True))

    async def settle_all(self, what: str, reason: str) -> int:
        """All open letters of a reason, in portions; their number. Those that cannot be replayed are left."""
        query: dict[str, Any] = {"status": "open", "reason": reason}
        if what == "replay":
            query["withheld"] = False
        number, after = 0, ""
        while some := await self.page(query, after, MOST):
            await self.settle(what, [one["_id"] for one in some])
            number, after = number + len(some), some[-1]["_id"]
        return number

    async def resume(self, place: str | None) -> list[str]:
        """Let a stopped partition ("topic/partition") or all of them go on; those that do."""
        wanted = [place] if place else [*await self.stopped()]
        return [one for one in wanted if await self._service.kernel.positions.resume(_partition(one))]

    def _checked(self, what: str, letter: Document, value: bytes | None) -> Document:
        name = letter["_id"]
        if letter["status"] != "open":
            raise ProblemError(409, f"{name} was {letter['status']} already")
        if what == "replay" and letter["withheld"]:
            raise ProblemError(
                409, f"of {name} nothing is kept, as it may hold a name: let the sender push it anew, then drop it"
            )
        if value is not None:
            self._check_value(letter, value)
        return letter

    def _check_value(self, letter: Document, value: bytes) -> None:
        """An edited record passes the checks that every record passes."""
        if len(value) > EDITED_BYTES:
            raise ProblemError(413, f"an edited record may have {EDITED_BYTES} bytes at most: push a new event instead")
        catalogue = self._service.handler.topics[letter["topic"]]
        services = {name: shape for name, shape in catalogue.items() if name not in CONTROL}
        try:
            read(record_of(letter, value), services, self._service.settings.partitions)
        except Invalid as fault:
            errors = [{"field": fault.field, "reason": fault.detail or fault.reason}]
            raise ProblemError(400, f"the edited record is refused: {fault}", errors=errors) from fault

    def _said(self, kind: str, letter: Document, value: bytes | None) -> Out:
        place = {name: letter[name] for name in ("topic", "partition", "offset")}
        data = DeadLetter(service=self._service.name, value=value, **place)
        event = Event(uuid4().hex, "lernbus", kind, Clock().now(), data)
        # a key of its own: a compacted topic takes no record without one, and would keep only the newest of a key
        key = f"lernbus-dead-letter-{self._service.name}-{letter['_id']}"
        return Out(letter["topic"], letter["partition"], key.encode(), encode(event))


def _behind(after: str) -> dict[str, Any]:
    if not after:
        return {}
    tp, offset = _partition(after.rpartition("/")[0]), after.rpartition("/")[2]
    if not offset.isdecimal():
        raise ProblemError(400, "after: no such dead letter", errors=[{"field": "after", "reason": "no such letter"}])
    return {
        "$or": [
            {"topic": {"$gt": tp.topic}},
            {"topic": tp.topic, "partition": {"$gt": tp.partition}},
            {"topic": tp.topic, "partition": tp.partition, "offset": {"$gt": int(offset)}},
        ]
    }


def _partition(text: str) -> TopicPartition:
    topic, _, partition = text.rpartition("/")
    if not topic or not (partition.isascii() and partition.isdecimal()):
        raise ProblemError(400, f"{text!r} is no TOPIC/PARTITION")
    return TopicPartition(topic, int(partition))
