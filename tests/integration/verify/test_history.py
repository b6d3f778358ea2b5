"""Reading a topic as an auditor does, on the broker of the session."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from shared.history import History
from shared.publisher import Out, Publisher
from shared.settings import Settings
from tests.support.servers import Kafka, create_topics


async def filled(kafka: Kafka, topic: str) -> History:
    """Three partitions: 1,200 records, none, and two."""
    await create_topics(kafka.bootstrap, [topic], 3)
    publisher = Publisher(kafka.bootstrap, enable_idempotence=kafka.idempotent)
    await publisher.publish([Out(topic, 0, b"k", str(number).encode()) for number in range(1_200)])
    await publisher.publish([Out(topic, 2, b"k", b"a"), Out(topic, 2, b"k", b"b")])
    await publisher.stop()
    return History(Settings(kafka=kafka.bootstrap, partitions=3), topic)


async def values(history: History) -> list[list[bytes | None]]:
    found: list[list[bytes | None]] = [[], [], []]
    async for records in history.read():
        for record in records:
            found[record.partition].append(record.value)
    return found


async def test_everything_is_read_in_order(kafka: Kafka, unique: str) -> None:
    history = await filled(kafka, unique)
    assert await values(history) == [[str(number).encode() for number in range(1_200)], [], [b"a", b"b"]]
    assert history.cut == set()


async def test_the_end_is_behind_the_last_record(kafka: Kafka, unique: str) -> None:
    assert await (await filled(kafka, unique)).ends() == {0: 1_200, 1: 0, 2: 2}


async def test_a_log_that_was_cut_off_is_known_as_such(apache: Kafka, unique: str) -> None:
    history = await filled(apache, unique)
    admin = AIOKafkaAdminClient(bootstrap_servers=apache.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(unique, 0): RecordsToDelete(before_offset=1_000)})
    finally:
        await admin.close()
    assert [len(some) for some in await values(history)] == [200, 0, 2]
    assert history.cut == {0}
