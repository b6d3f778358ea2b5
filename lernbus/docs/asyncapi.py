"""AsyncAPI 3 of all topics, with FastStream's own classes for such a document.

FastStream's generator knows nothing of our payloads: a batch comes to the kernel as raw records (decision 0007), and
what may be in them is in the handlers' catalogues.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from faststream.specification.asyncapi.v3_0_0.schema import (
    ApplicationInfo,
    ApplicationSchema,
    Channel,
    Components,
    License,
    Message,
    Operation,
    Reference,
)
from faststream.specification.asyncapi.v3_0_0.schema.operations import Action

from lernbus.topics import TOPICS, config_of
from services.enrolment.consumer import Enrolment
from services.enrolment.events import LOG
from services.notifications.consumer import Consumer
from services.stats.consumer import StatsHandler
from shared.cloudevents import STRUCTURED, Catalogue
from shared.events import (
    CONTROL,
    ENROLMENT_EVENTS,
    LETTER_DROPPED,
    LETTER_REPLAYED,
    LMS_EVENTS,
    LMS_PEOPLE,
    MARK,
    OUTCOMES,
    PEOPLE,
)
from shared.openapi import CONTRACT
from shared.schemas import event_schemas
from shared.settings import Settings

LETTER: Final = "dead-letter"
TOMBSTONE: Final = "person-tombstone"
HANDLERS: Final = (Enrolment, Consumer, StatsHandler)
CATALOGUES: Final[Mapping[str, Catalogue]] = {LMS_EVENTS: LOG, LMS_PEOPLE: PEOPLE, ENROLMENT_EVENTS: OUTCOMES}
SAYS: Final = {
    LMS_EVENTS: "What the LMS pushes, what the office does, and the passing of deadlines: all that changes a booking.",
    LMS_PEOPLE: "The latest record of each person; the only topic with names and addresses.",
    ENROLMENT_EVENTS: "What became of it: after every change the whole entity, with its version and its cause.",
}
KEYS: Final = "The offering's id; where there is none, the person's, course's or organisation's. Placed by murmur2."
REASONS: Final = {
    "lernbus-reason": "A fixed word, such as not_json, invalid, unknown_type, wrong_key, no_booking or bug.",
    "lernbus-field": "The place of the fault in the record.",
    "lernbus-detail": "The fault in words.",
    "lernbus-topic": "The topic of the record.",
    "lernbus-partition": "Its partition.",
    "lernbus-offset": "Its offset.",
    "lernbus-timestamp": "Its timestamp, in milliseconds.",
}
LETTERS: Final = (LETTER_REPLAYED, LETTER_DROPPED)
SENT: Final[Mapping[tuple[str, str], Collection[str]]] = {
    ("enrolment", ENROLMENT_EVENTS): OUTCOMES,
    ("enrolment", LMS_EVENTS): LOG,
    ("enrolment", LMS_PEOPLE): ("lms.person.changed.v1", TOMBSTONE, *CONTROL),
    ("notifications", LMS_EVENTS): (MARK,),
    ("notifications", LMS_PEOPLE): LETTERS,
    ("notifications", ENROLMENT_EVENTS): LETTERS,
    ("stats", ENROLMENT_EVENTS): LETTERS,
}
"""Who puts what where, dead letters aside; how a dead letter is settled goes onto the topic of its record."""
KAFKA: Final = {"bindingVersion": "0.5.0"}


def document() -> dict[str, Any]:
    """The document as plain data."""
    schemas: dict[str, Any] = {}
    for catalogue in CATALOGUES.values():
        schemas |= event_schemas(catalogue)
    messages = {name: _event(name) for catalogue in CATALOGUES.values() for name in catalogue}
    messages |= {LETTER: _letter(), TOMBSTONE: _tombstone()}
    whole = ApplicationSchema(
        info=ApplicationInfo(
            title="Lernbus",
            version=CONTRACT,
            description="Seats, waiting lists, mails and counts for a city's training: what goes over the event bus.",
            license=License(name="EUPL-1.2", url="https://eupl.eu/1.2/en/"),
        ),
        defaultContentType=STRUCTURED,
        channels={topic: _channel(topic) for topic in TOPICS},
        operations=dict(_operations()),
        components=Components(messages=dict(sorted(messages.items())), schemas=dict(sorted(schemas.items()))),
    )
    found: dict[str, Any] = whole.to_jsonable()
    for topic, channel in found["channels"].items():
        channel["bindings"] = _bindings(topic)
    return found


def _channel(topic: str) -> Channel:
    return Channel(
        address=topic,
        description=SAYS.get(topic, f"What {topic.partition('.')[0]} could not read or apply, and why."),
        messages={name: _ref("components", "messages", name) for name in _on(topic)},
    )


def _bindings(topic: str) -> dict[str, Any]:
    """Written as they are, for FastStream's class knows no configuration of a topic."""
    settings = Settings.model_construct()
    configuration = _typed(config_of(topic, settings))
    return {"kafka": {"partitions": settings.partitions, "topicConfiguration": configuration, **KAFKA}}


def _on(topic: str) -> list[str]:
    """The messages of a topic."""
    if topic not in CATALOGUES:
        return [LETTER]
    return [*CATALOGUES[topic], *([TOMBSTONE] if topic == LMS_PEOPLE else [])]


def _typed(config: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a topic that AsyncAPI knows, in its types."""
    known: dict[str, Any] = {"cleanup.policy": config.get("cleanup.policy", "delete").split(",")}
    numbers = ("retention.ms", "delete.retention.ms", "max.message.bytes")
    return known | {name: int(config[name]) for name in numbers if name in config}


def _event(name: str) -> Message:
    return Message(
        name=name,
        title=name,
        contentType=STRUCTURED,
        payload={"$ref": f"#/components/schemas/{name}"},
        bindings={"kafka": {"key": {"type": "string", "description": KEYS}, **KAFKA}},
    )


def _letter() -> Message:
    headers = {name: {"type": "string", "description": text} for name, text in REASONS.items()}
    return Message(
        name=LETTER,
        title="A record that could not be processed",
        description="Key, value and headers are those of the record, byte for byte; the headers below are added.",
        contentType="application/octet-stream",
        payload={},
        headers={"type": "object", "properties": headers, "required": [*headers]},
    )


def _tombstone() -> Message:
    return Message(
        name=TOMBSTONE,
        title="The end of a person's record",
        description="A record without a value: what lms.person.erased.v1 becomes. Headers may carry the event's id.",
        payload={"type": "null"},
        bindings={"kafka": {"key": {"type": "string", "description": "The person's id."}, **KAFKA}},
    )


def _operations() -> Iterable[tuple[str, Operation]]:
    for handler in HANDLERS:
        for topic, catalogue in handler.topics.items():
            tombstone = [TOMBSTONE] if topic == LMS_PEOPLE else []
            yield _operation(handler.group, Action.RECEIVE, topic, [*catalogue, *tombstone])
        yield _operation(handler.group, Action.SEND, f"{handler.group}.dead-letters", [LETTER])
    for (service, topic), messages in SENT.items():
        yield _operation(service, Action.SEND, topic, messages)


def _operation(service: str, action: Action, topic: str, messages: Iterable[str]) -> tuple[str, Operation]:
    return f"{service}-{action.value}-{topic}", Operation(
        action=action,
        channel=_ref("channels", topic),
        messages=[_ref("channels", topic, "messages", name) for name in messages],
        tags=[{"name": service}],
    )


def _ref(*steps: str) -> Reference:
    return Reference(**{"$ref": "#/" + "/".join(steps)})
