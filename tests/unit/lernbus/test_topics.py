"""What the topics keep: nothing with a name in it for longer than two days after an erasure."""

import pytest

from lernbus.topics import DAY_MS, config_of
from shared.settings import Settings

TWO_DAYS_MS = 2 * DAY_MS
CHECKED_MS = 5 * 60 * 1000
"""Kafka looks for what is too old every five minutes (`log.retention.check.interval.ms`)."""


def test_dead_letters_of_notifications_are_gone_within_two_days() -> None:
    """A segment goes as a whole, once its newest record is too old."""
    config = config_of("notifications.dead-letters", Settings())
    assert config.get("cleanup.policy", "delete") == "delete"
    assert int(config["segment.ms"]) + int(config["retention.ms"]) + CHECKED_MS < TWO_DAYS_MS


@pytest.mark.parametrize("setting", ["max.compaction.lag.ms", "delete.retention.ms"])
def test_people_are_compacted_within_two_days(setting: str) -> None:
    config = config_of("lms.people", Settings())
    assert config["cleanup.policy"] == "compact"
    assert int(config["segment.ms"]) + int(config[setting]) < TWO_DAYS_MS
