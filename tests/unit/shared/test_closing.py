"""A producer that is given up while its broker dies."""

import asyncio

from aiokafka import AIOKafkaProducer

from shared.closing import close_producer


async def test_a_sender_that_misses_what_was_given_up_hinders_nobody() -> None:
    """aiokafka puts a batch whose request failed back in its row, and the row has been emptied: KeyError."""

    async def sending() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise KeyError("batch") from None

    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    producer._sender._sender_task = sender = asyncio.create_task(sending())
    await asyncio.sleep(0)
    await close_producer(producer)
    assert isinstance(sender.exception(), KeyError)
