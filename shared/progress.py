"""What this process has done since it began, as plain numbers: health is decided from them, and metrics show them."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog
from aiokafka.structs import TopicPartition
from prometheus_client import Histogram

from shared.codec import Record

Outcome = tuple[str, str, str]
"""Topic, event type (`other`: none that is known), outcome."""
OTHER: Final = "other"
BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
MOST_LINES: Final = 20
"""So many dead letters of one batch have a line of their own in the log."""
log = structlog.get_logger()


class Dead(NamedTuple):
    """A record that was put aside. `entity`: its key, where that was checked; it is an id or a pseudonym."""

    record: Record
    reason: str
    entity: str | None


def _batch_seconds() -> Histogram:
    return Histogram(
        "lernbus_batch_seconds", "From reading a batch to its publication.", buckets=BUCKETS, registry=None
    )


@dataclass(slots=True)
class Progress:
    """Counts only grow, but for `unpublished`."""

    polls: int = 0
    """Answers of the consumer, empty ones too."""
    commits: int = 0
    attempts: int = 0
    """Runs of transactions; what is more than `begun` was run again."""
    begun: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason."""
    failures: Counter[str] = field(default_factory=Counter)
    """What failed and was tried again: batch, tick, poll."""
    unpublished: dict[TopicPartition, float] = field(default_factory=dict)
    """Since when (monotonic) events of a partition wait to be published."""

    seconds: Histogram = field(default_factory=_batch_seconds)

    def committed(self, outcomes: Mapping[Outcome, int], dead: Sequence[Dead]) -> None:
        """Count what a transaction has done, and say what was put aside."""
        self.commits += 1
        self.outcomes.update(outcomes)
        self.reasons.update(one.reason for one in dead)
        for record, reason, entity in dead[:MOST_LINES]:
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning("dead letter", **place, reason=reason, entity=entity)
        if more := dead[MOST_LINES:]:
            log.warning("more dead letters", count=len(more), reasons=dict(Counter(one.reason for one in more)))

    def waits(self, tps: Iterable[TopicPartition]) -> None:
        """These partitions have events to publish."""
        now = time.monotonic()
        for tp in tps:
            self.unpublished.setdefault(tp, now)

    def published(self, tps: Iterable[TopicPartition]) -> None:
        """All events of these partitions are out."""
        for tp in tps:
            self.unpublished.pop(tp, None)

    def unpublished_seconds(self) -> float:
        """How long the oldest event has waited to be published."""
        return max(0.0, time.monotonic() - min(self.unpublished.values())) if self.unpublished else 0.0
