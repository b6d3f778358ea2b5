"""The topics of the contract: created where they are missing, checked where they exist."""

import asyncio
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code

from lernbus.errors import CommandError
from shared.events import ENROLMENT_EVENTS, LMS_EVENTS, LMS_PEOPLE
from shared.settings import Settings

SERVICES: Final = ("enrolment", "notifications", "stats")
TOPICS: Final = (LMS_EVENTS, LMS_PEOPLE, ENROLMENT_EVENTS, *(f"{service}.dead-letters" for service in SERVICES))
CLOCK: Final = "lernbus.clock"
"""Only where LERNBUS_NOW is set: the clock that all containers of a demonstration go by."""
ATTEMPTS: Final = 50
DAY_MS: Final = 24 * 3600 * 1000
LARGEST_RECORD: Final = 4 * 1024 * 1024 + 65_536


class WrongTopicsError(CommandError):
    """Topics that are not as they must be; the message is one line."""


def config_of(topic: str, settings: Settings) -> dict[str, str]:
    """The broker's time on every record, so that a topic made anew is noticed; a person's past ends within two days."""
    config = {
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(1024 * 1024 + 65_536 if topic == LMS_EVENTS else LARGEST_RECORD),
        "retention.ms": str(int(settings.budgets.retention * 1000)),
    }
    if topic == CLOCK:
        return {"cleanup.policy": "compact"}
    if topic == LMS_PEOPLE:
        lags = {
            "max.compaction.lag.ms": str(DAY_MS),
            "segment.ms": str(DAY_MS // 2),
            "delete.retention.ms": str(DAY_MS),
        }
        return {**config, "cleanup.policy": "compact", **lags}
    if topic == "notifications.dead-letters":  # it may hold names
        return {**config, "retention.ms": str(DAY_MS), "segment.ms": str(DAY_MS // 2)}
    return config


def names(settings: Settings) -> tuple[str, ...]:
    """All topics that these settings need."""
    return TOPICS if settings.now is None else (*TOPICS, CLOCK)


async def ensure_topics(settings: Settings) -> list[str]:
    """Create what is missing and return its names. Raises WrongTopicsError where a topic has other partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka, **settings.connecting)
    try:
        await admin.start()
    except KafkaConnectionError as error:  # the client has logged why
        raise CommandError(f"Kafka at {settings.kafka} does not let us in or is not there") from error
    try:
        missing = sorted(set(names(settings)) - set(await admin.list_topics()))
        await _create(admin, missing, settings)
        _check(await _described(admin, [*names(settings)]), settings.partitions)
    finally:
        await admin.close()
    return missing


async def _create(admin: AIOKafkaAdminClient, names: list[str], settings: Settings) -> None:
    new = [
        NewTopic(name, settings.partitions, settings.replication, topic_configs=config_of(name, settings))
        for name in names
    ]
    answer = await admin.create_topics(new) if new else None
    for name, code, *_ in answer.topic_errors if answer else ():
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise WrongTopicsError(f"the topic {name} cannot be created: {for_code(code).__name__}")


async def _described(admin: AIOKafkaAdminClient, topics: list[str]) -> list[dict[str, object]]:
    """What Kafka says of them; of topics made a moment ago it may still know nothing."""
    found: list[dict[str, object]] = await admin.describe_topics(topics)
    for _ in range(ATTEMPTS):
        if all(topic["partitions"] for topic in found):
            break
        await asyncio.sleep(0.2)
        found = await admin.describe_topics(topics)
    return found


def _check(described: list[dict[str, object]], partitions: int) -> None:
    for topic in described:
        found = topic["partitions"]
        if not isinstance(found, list) or len(found) != partitions:
            number = len(found) if isinstance(found, list) else 0
            raise WrongTopicsError(
                f"the topic {topic['topic']} has {number} partitions, and every topic must have {partitions}"
            )
