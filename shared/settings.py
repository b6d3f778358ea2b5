"""What every service is told from outside (`LERNBUS_...`), and the budgets of time, each smaller than the next."""

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Budgets(BaseModel):
    """Seconds. A later one must be able to wait for an earlier one, or work is cut off that was about to end."""

    batch: float = 2
    transaction_lifetime: float = 5
    """mongod's transactionLifetimeLimitSeconds: so long a dead owner's open transaction blocks its successor."""
    database: float = 10
    revocation: float = 12
    stop: float = 20
    rebalance: float = 30
    container_stop: float = 45
    poll: float = 300
    retention: float = 14 * 24 * 3600

    @model_validator(mode="after")
    def _each_smaller_than_the_next(self) -> Self:
        for (earlier, shorter), (later, longer) in pairwise(self.model_dump().items()):
            if shorter >= longer:
                raise ValueError(
                    f"the budget of time {earlier} ({shorter} s) must be smaller than {later} ({longer} s)"
                )
        return self


class Settings(BaseSettings):
    """Common to the three services; each adds its own."""

    model_config = SettingsConfigDict(env_prefix="LERNBUS_", env_nested_delimiter="__", extra="ignore")

    kafka: str = "127.0.0.1:9092"
    mongo: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?directConnection=true")
    database: str = ""
    partitions: int = Field(12, ge=1, le=1_000)
    replication: int = Field(1, ge=1)
    broker: Literal["kafka", "embedded"] = "kafka"
    """The embedded one refuses idempotent producers, is quicker with short waits, and never outlives the database."""
    instance: str | None = None
    """A name that this instance keeps over a restart makes the restart cheap (static membership)."""
    time_zone: str = "Europe/Berlin"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    budgets: Budgets = Budgets()

    @property
    def producing(self) -> dict[str, Any]:
        """Producer settings that depend on the broker."""
        return {"enable_idempotence": self.broker == "kafka"}

    @property
    def consuming(self) -> dict[str, Any]:
        """Consumer settings that depend on the broker.

        The embedded one answers a fetch only when its wait is over, and lets a member join after half of the session.
        """
        embedded = self.broker == "embedded"
        return {"session_timeout_ms": 3_000 if embedded else 10_000, "fetch_max_wait_ms": 50 if embedded else 500}

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days and years count."""
        return ZoneInfo(self.time_zone)


STATIC = Path(__file__).parent / "static"
