"""What stats is told from outside."""

from shared import settings


class Settings(settings.Settings):
    """The common settings, with a database of its own."""

    database: str = "lernbus_stats"
    """The service\'s own database; nobody else reads or writes it."""
