"""What every service is told from outside (`LERNBUS_...`), and the budgets of time, each smaller than the next."""

from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared import access, safety
from shared.secret_files import SecretFiles

DEMO_SINK: Final = "mailpit"
"""The name of the mail sink in docker-compose.yml: what it takes reaches nobody."""


class Budgets(BaseModel):
    """Seconds. A later one must be able to wait for an earlier one, or work is cut off that was about to end."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    batch: float = 2
    """The work on one batch, 99 of 100."""
    transaction_lifetime: float = 5
    """mongod's transactionLifetimeLimitSeconds: so long a dead owner's open transaction blocks its successor."""
    database: float = 10
    """The database's time for one batch."""
    revocation: float = 12
    """Waiting for the running batch when a partition is taken away."""
    stop: float = 20
    """A graceful stop."""
    rebalance: float = 30
    """How long Kafka waits for the members of a group at a change."""
    container_stop: float = 45
    """From SIGTERM to SIGKILL (stop_grace_period)."""
    stall: float = 60
    """So long a service may have something to do and do nothing; then it is not ready."""
    restart: float = 120
    """So long, and its process ends: a new one is started. Not while a neighbour is away."""
    poll: float = 300
    """A consumer that has not asked for records for so long has lost its partitions (max.poll.interval.ms)."""
    retention: float = 14 * 24 * 3600
    """What the topics keep, people aside."""

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

    model_config = SettingsConfigDict(
        env_prefix="LERNBUS_", env_nested_delimiter="__", extra="ignore", use_attribute_docstrings=True
    )

    kafka: str = "127.0.0.1:9092"
    """Brokers to begin with: `host:port`, several with commas."""
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    """With `ssl` the connection is encrypted and the broker's certificate checked, with `sasl` a user is shown."""
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How the password is proven where `LERNBUS_KAFKA_SECURITY` begins with `sasl`; PLAIN sends it as it is."""
    kafka_username: str | None = None
    """The user at the broker."""
    kafka_password: SecretStr | None = None
    """The user's password."""
    kafka_ca: Path | None = None
    """The file of authorities (PEM) whose certificates of brokers are trusted; without it, the system's."""
    kafka_certificate: Path | None = None
    """The file of our own certificate (PEM), where the broker asks its clients for one."""
    kafka_certificate_key: Path | None = None
    """The file of its key, unless it stands in the certificate's file."""
    mongo: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?directConnection=true")
    """Where MongoDB is, with user and password: a replica set, for only there are transactions.

    TLS and more are options of the address: `tls=true&tlsCAFile=/path&authMechanism=SCRAM-SHA-256`.
    """
    database: str = ""
    """The service's own database; nobody else reads or writes it."""
    partitions: int = Field(12, ge=1, le=1_000)
    """Of every topic, the same for all services; never changed once there are events (see Scale)."""
    replication: int = Field(1, ge=1)
    """Copies of every topic, read when `lernbus topics` makes them: 3 where there are three brokers."""
    broker: Literal["kafka", "embedded"] = "kafka"
    """The embedded one refuses idempotent producers, is quicker with short waits, and never outlives the database."""
    instance: str | None = None
    """A name that this instance keeps over a restart makes the restart cheap (static membership)."""
    time_zone: str = "Europe/Berlin"
    """Whose days and years count, and in which times are shown and mailed."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 is all of them."""
    port: int = Field(8000, ge=0, le=65_535)
    """The port to listen on; 0 is any free one."""
    keys: Path | None = None
    """The file of senders' keys; must be set where `LERNBUS_HOST` is not the loopback address."""
    users: Path | None = None
    """The file of the training office's users; must be set where `LERNBUS_HOST` is not the loopback address."""
    smtp_host: str = "127.0.0.1"
    """The mail server; only notifications speaks to it."""
    now: AwareDatetime | None = None
    """Only for demonstrations: the clock of all services starts here and can be moved (`lernbus clock`).

    Refused unless `LERNBUS_SMTP_HOST` is `mailpit` or this machine: nobody is to get mail from another time.
    """
    budgets: Budgets = Budgets()
    """Budgets of time, in seconds, each smaller than the next."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override] # called by names, and the other two have no say
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        **_: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The first one that knows a setting wins: arguments, environment, secret files."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"there is no time zone {name}") from error
        return name

    @model_validator(mode="after")
    def _moved_clock_reaches_nobody(self) -> Self:
        if self.now is not None and not (self.smtp_host == DEMO_SINK or safety.is_loopback(self.smtp_host)):
            raise ValueError(f"now: a moved clock is only for LERNBUS_SMTP_HOST={DEMO_SINK} or a loopback address")
        return self

    @model_validator(mode="after")
    def _neighbours_can_be_reached(self) -> Self:
        access.kafka(self)
        access.check_mongo(self.mongo.get_secret_value())
        return self

    def unsafe(self) -> list[safety.Finding]:
        """What works and is dangerous; a service adds what its own settings can be."""
        return safety.common(self)

    @property
    def connecting(self) -> dict[str, Any]:
        """What every client of Kafka needs beyond its address: TLS, user and password."""
        return access.kafka(self)

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
