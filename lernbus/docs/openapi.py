"""OpenAPI 3.1 of the three services as they are served."""

from typing import Any

from lernbus.serve import application
from services.enrolment import app as enrolment
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications import app as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.stats import app as stats
from services.stats.settings import Settings as StatsSettings
from shared.clock import Clock


def document() -> dict[str, Any]:
    """Built with the default settings, whatever the environment says; nothing is connected."""
    clock = Clock()
    services = [
        enrolment.build(EnrolmentSettings.model_construct(), clock),
        notifications.build(NotificationsSettings.model_construct(), clock),
        stats.build(StatsSettings.model_construct(), clock),
    ]
    return application(services).openapi()
