"""Marks: records that tell how far every reader is (design section 3, mechanism 11)."""

from collections.abc import Iterable
from uuid import uuid4

from shared.clock import Clock
from shared.cloudevents import Event, encode
from shared.events import LMS_EVENTS, LMS_PEOPLE, MARK, Mark
from shared.publisher import Out, Publisher

Places = dict[str, dict[str, int]]
"""Topic -> partition -> offset."""


async def append(publisher: Publisher, clock: Clock, topics: Iterable[str], partitions: Iterable[int]) -> Places:
    """Put one mark on each of these partitions; returns where they stand."""
    mark_id = uuid4().hex
    value = encode(Event(mark_id, "lernbus", MARK, clock.now(), Mark(mark_id=mark_id)))
    # the key keeps the newest mark of each partition of a compacted topic, which takes no record without one
    places = [(topic, partition) for topic in topics for partition in partitions]
    outs = [Out(topic, partition, f"lernbus-mark-{partition}".encode(), value) for topic, partition in places]
    found: Places = {}
    for (topic, partition), offset in zip(places, await publisher.publish(outs), strict=True):
        found.setdefault(topic, {})[str(partition)] = offset
    return found


async def append_everywhere(publisher: Publisher, clock: Clock, partitions: int) -> Places:
    """Put a mark on every partition of both topics of the LMS."""
    return await append(publisher, clock, (LMS_EVENTS, LMS_PEOPLE), range(partitions))
