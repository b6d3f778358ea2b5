"""What notifications shows to Prometheus besides what every service does."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final

from prometheus_client.core import Metric
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications.messages import NO_ADDRESS
from services.notifications.sender import Sender
from services.notifications.store import QUEUE, QUEUED
from shared.clock import Clock
from shared.metrics import Question, counter, gauge

SETTLED: Final = ("sent", "failed", "withheld", "unclear")
LOOKED_INTO: Final = ("failed", "unclear")
"""What somebody has to look into; few, so that an index of them alone is small."""


def questions(database: AsyncDatabase[dict[str, Any]], clock: Clock, sender: Sender) -> list[Question]:
    """The queue, what has to be looked into, and what this process's sender knows without asking."""
    return [_queue(database, clock), _statuses(database), _office(database), _sender(sender)]


def _queue(database: AsyncDatabase[dict[str, Any]], clock: Clock) -> Question:
    async def ask() -> Sequence[Metric]:
        now = clock.now()
        due = {**QUEUED, "next_try": {"$lte": now}, "reason": {"$ne": NO_ADDRESS}}
        oldest = await database["messages"].find_one(due, ["next_try"], sort=[("next_try", 1)])
        age = 0.0 if oldest is None else (now - oldest["next_try"].replace(tzinfo=UTC)).total_seconds()
        return [gauge("mail_queue_age_seconds", "So long the oldest mail that is due is late.", [], {(): age})]

    return ask


def _statuses(database: AsyncDatabase[dict[str, Any]]) -> Question:
    async def ask() -> Sequence[Metric]:
        messages = database["messages"]
        planned = await messages.count_documents({"status": "planned"}, hint=QUEUE)
        samples = {("planned",): planned}
        for status in LOOKED_INTO:
            samples[status,] = await messages.count_documents({"status": status})
        return [gauge("mails", "Messages, by status.", ["status"], samples)]

    return ask


def _office(database: AsyncDatabase[dict[str, Any]]) -> Question:
    async def ask() -> Sequence[Metric]:
        answers = await database["approvals"].count_documents({"published": False})
        days = await database["summaries"].count_documents({"done": False})
        return [
            gauge("approvals_unpublished", "Answers by a link that are not on the log.", [], {(): answers}),
            gauge("summaries_unsent", "Days whose summary has not gone out.", [], {(): days}),
        ]

    return ask


def _sender(sender: Sender) -> Question:
    async def ask() -> Sequence[Metric]:
        settled = {(status,): sender.settled[status] for status in SETTLED}
        return [
            counter("mails_settled", "Messages settled by this process.", ["status"], settled),
            gauge("mail_server_up", "1 unless the last try did not reach it.", [], {(): sender.reachable}),
        ]

    return ask
