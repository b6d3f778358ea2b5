"""The one way to build a service, in a process of its own and in the embedded stack alike."""

# ruff: noqa: PLC0415 - a process imports only the service that it runs, which saves it memory and time

from typing import Final

from lernbus.config import SETTINGS
from lernbus.errors import CommandError
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications.settings import Settings as NotificationsSettings
from shared.clock import Clock
from shared.runtime import Service
from shared.settings import Settings

NAMES: Final = tuple(SETTINGS)


def kind_of(name: str) -> type[Settings]:
    """The settings' class of the service with this name. Raises CommandError."""
    kind = SETTINGS.get(name)
    if kind is None:
        raise CommandError(f"there is no service {name}: it is {', '.join(NAMES[:-1])} or {NAMES[-1]}")
    return kind


def build(settings: Settings, clock: Clock) -> Service:
    """The service that these settings are of, ready to run."""
    if isinstance(settings, EnrolmentSettings):
        from services.enrolment import app as enrolment

        return enrolment.build(settings, clock)
    if isinstance(settings, NotificationsSettings):
        from services.notifications import app as notifications

        return notifications.build(settings, clock)
    from services.stats import app as stats
    from services.stats.settings import Settings as StatsSettings

    if isinstance(settings, StatsSettings):
        return stats.build(settings, clock)
    raise TypeError(f"no service has the settings {type(settings)}")
