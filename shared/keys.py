"""Which partition a key belongs to: Kafka's default partitioner (murmur2), as the Java client has it."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among `partitions`."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def key_of(data: object) -> str | None:
    """The id that an event must be keyed by: its offering's, else its person's, course's or organisation's."""
    for name in ("offering_id", "person_id", "course_id", "organisation_id"):
        if (key := getattr(data, name, None)) is not None:
            return str(key)
    return None
