"""Each service as a process of its own against a broker and a database: how operations run them."""

import contextlib
import io
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition
from rich.console import Console

from lernbus.verify import verify
from shared.keys import partition_of
from tests.support.servers import Kafka, free_port
from tests.support.services import PARTITIONS, Services, running_services, until
from tests.support.stack import event, offering, person, request, running


@pytest.fixture(scope="module")
def services(kafka: Kafka, mongo_uri: str) -> Iterator[Services]:
    with running_services(kafka, mongo_uri, "e2e") as found:
        yield found


async def _produce(services: Services, *records: tuple[str, bytes | None, bytes | None, dict[str, str]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=services.kafka.bootstrap)
    await producer.start()
    try:
        for topic, key, value, headers in records:
            partition = partition_of(key or b"", PARTITIONS)
            encoded = [(name, content.encode()) for name, content in headers.items()]
            await producer.send_and_wait(topic, value, key, partition, headers=encoded)
    finally:
        await producer.stop()


async def _dead_letters(services: Services, topic: str) -> list[tuple[str, bytes | None]]:
    """Reason and original bytes of all dead letters."""
    consumer = AIOKafkaConsumer(bootstrap_servers=services.kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        found = []
        while batch := await consumer.getmany(timeout_ms=1_500):
            for records in batch.values():
                found += [(dict(one.headers)["lernbus-reason"].decode(), one.value) for one in records]
        return found
    finally:
        await consumer.stop()


async def test_an_lms_may_write_to_the_topics_itself(services: Services, unique: str) -> None:
    """Structured and binary, on both topics; a person's record there counts for the next request at the door."""
    who, asked = f"{unique}-p", request(unique, f"{unique}-q")
    binary = {f"ce_{name}": str(asked[name]) for name in ("specversion", "id", "source", "type", "time")}
    key = unique.encode()
    await _produce(
        services,
        ("lms.people", who.encode(), json.dumps(person(who, department="Amt 10")).encode(), {}),
        ("lms.events", key, json.dumps(offering(unique)).encode(), {}),
        ("lms.events", key, json.dumps(asked["data"]).encode(), binary),
    )
    services.settle()
    assert services.post(request(unique, who)).status_code == 202
    services.settle()

    found = services.get("enrolment", f"/api/offerings/{unique}/bookings").json()
    assert [(one["person_id"], one["status"], one["department"]) for one in found] == [
        (f"{unique}-q", "confirmed", None),
        (who, "confirmed", "Amt 10"),
    ]
    messages = services.get("notifications", f"/api/messages?person_id={who}").json()
    assert [(one["kind"], one["status"]) for one in messages] == [("confirmed", "sent")]


async def test_what_cannot_be_read_or_applied_is_a_dead_letter_and_its_neighbours_are_applied(
    services: Services, unique: str
) -> None:
    key = unique.encode()
    absent = event("attendance.recorded", offering_id=unique, person_id="x", session_id="s1", status="attended")
    bad = [
        (b"{nonsense", "not_json"),
        (json.dumps({**request(unique, "p"), "type": "lms.booking.dreamt.v1"}).encode(), "unknown_type"),
        (json.dumps({**request(unique, "p"), "data": {"offering_id": unique}}).encode(), "invalid"),
        (json.dumps(request(f"{unique}-other", "p")).encode(), "wrong_key"),
        (json.dumps(absent).encode(), "no_booking"),
    ]
    await _produce(
        services,
        ("lms.events", key, json.dumps(offering(unique, capacity=9)).encode(), {}),
        *(("lms.events", key, value, {}) for value, _ in bad),
        ("lms.events", key, None, {}),
        ("lms.events", key, json.dumps(request(unique, f"{unique}-p")).encode(), {}),
    )
    services.settle()

    letters = await _dead_letters(services, "enrolment.dead-letters")
    found = services.get("enrolment", f"/api/offerings/{unique}/bookings").json()
    assert [(reason, value) for value, reason in bad] == [one for one in letters if one[1]][-len(bad) :]
    assert letters[-1] == ("not_json", None)
    assert [one["person_id"] for one in found] == [f"{unique}-p"]


async def test_the_log_names_places_and_entities_and_never_people(services: Services, unique: str) -> None:
    """Whatever is wrong with a record, and also where an LMS takes an address for a key."""
    name, address = f"Erika {unique}", f"{unique}@stadt.example"
    asked = request(unique, f"{unique}-p")
    absent = event("attendance.recorded", offering_id=unique, person_id=name, session_id="s1", status="attended")
    services.post(offering(unique, title=name), person(f"{unique}-p", display_name=name, email=address), asked)
    broken = {**person(f"{unique}-q"), "data": {"person_id": f"{unique}-q", "display_name": name, "email": address}}
    await _produce(
        services,
        ("lms.people", f"{unique}-q".encode(), json.dumps(broken).encode(), {}),
        ("lms.people", address.encode(), json.dumps(person(f"{unique}-r", display_name=name)).encode(), {}),
        ("lms.events", address.encode(), f"{{{name}".encode(), {"ce_note": name}),
        ("lms.events", unique.encode(), json.dumps({**asked, "type": name}).encode(), {}),
        ("lms.events", unique.encode(), json.dumps(absent).encode(), {}),
    )
    services.settle()
    until(services.processes["notifications"], "/notifications/health/ready")

    for process in services.processes.values():
        said = "".join([*process.lines])
        assert name not in said
        assert address not in said
    lines = [json.loads(line) for line in services.processes["enrolment"].lines if '"dead letter"' in line]
    mine = [line for line in lines if line["entity"] == unique]
    assert [(line["topic"], line["reason"]) for line in mine] == [("lms.events", "no_booking")]
    assert {"wrong_key", "not_json", "unknown_type", "invalid"} <= {line["reason"] for line in lines}
    assert all(isinstance(line["partition"], int) and isinstance(line["offset"], int) for line in lines)


async def test_a_tombstone_on_the_topic_erases_a_person(services: Services, unique: str) -> None:
    who = f"{unique}-p"
    services.post(offering(unique), person(who), request(unique, who))
    services.settle()
    await _produce(services, ("lms.people", who.encode(), None, {}))
    services.settle()

    (message,) = services.get("notifications", f"/api/messages?person_id={who}").json()
    assert (message["status"], message["to"], message["subject"]) == ("sent", None, None)


def test_while_the_broker_is_away_the_door_says_so_and_afterwards_all_goes_on(
    services: Services, apache: Kafka, unique: str
) -> None:
    apache.pause()
    try:
        answer = services.post(offering(unique))
    finally:
        apache.unpause()
    again = services.post(offering(unique), request(unique, f"{unique}-p"))
    services.settle()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert again.status_code == 202
    assert len(services.get("enrolment", f"/api/offerings/{unique}/bookings").json()) == 1


def test_killed_at_random_under_traffic_nothing_is_lost_or_doubled(services: Services, unique: str) -> None:
    """Bookings, withdrawals and raised capacities while each service is killed twice; then the audit of everything."""
    chance = random.Random(7)
    offerings = [f"{unique}-{n}" for n in range(8)]
    people = [f"{unique}-p{n}" for n in range(60)]
    services.post(*(offering(one, capacity=5) for one in offerings), *map(person, people))
    killed = [name for name in services.urls for _ in range(2)]
    chance.shuffle(killed)
    for name in killed:
        for _ in range(4):
            pushed = [_anything(chance, chance.choice(offerings), chance.choice(people)) for _ in range(100)]
            _until_accepted(services, pushed)
        services.kill(name)
        services.start(name)
    for name in services.urls:
        until(services.processes[name], f"/{name}/health/ready")

    with services.gateway() as client:
        said = Console(file=io.StringIO(), width=200)
        assert not verify(client, said), said.file.getvalue()  # type: ignore[attr-defined]
    live = [services.get("enrolment", f"/api/offerings/{one}").json()["seats"]["confirmed"] for one in offerings]
    assert sum(live) > 0


def _anything(chance: random.Random, offering_id: str, person_id: str) -> dict[str, Any]:
    kind = chance.choices(["request", "withdraw", "capacity"], [70, 25, 5])[0]
    if kind == "request":
        return request(offering_id, person_id)
    if kind == "withdraw":
        return event("booking.withdrawn", offering_id=offering_id, person_id=person_id)
    return event("offering.capacity_changed", offering_id=offering_id, capacity=chance.randint(3, 20))


def _until_accepted(services: Services, events: list[dict[str, Any]]) -> None:
    """An LMS sends again what was not acknowledged, the same events with the same ids."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            if services.post(*events).status_code == 202:
                return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_service_stops_on_sigterm_with_exit_code_0(services: Services) -> None:
    port = str(free_port())
    own = {**services.settings, "LERNBUS_PORT": port, "LERNBUS_DATABASE": "e2e_stats"}
    with running("run", "stats", url=f"http://127.0.0.1:{port}", **own) as second:
        until(second, "/stats/health/ready")
        code = second.stop()

    assert code == 0
