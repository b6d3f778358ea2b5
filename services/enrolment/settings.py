"""What enrolment is told from outside."""

from shared import settings


class Settings(settings.Settings):
    """The common settings; enrolment needs no other."""

    database: str = "lernbus_enrolment"
    """The service\'s own database; nobody else reads or writes it."""
