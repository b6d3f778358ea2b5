"""What enrolment is told from outside."""

from pydantic import SecretStr

from shared import settings


class Settings(settings.Settings):
    """Enrolment's settings."""

    database: str = "lernbus_enrolment"
    """The service\'s own database; nobody else reads or writes it."""
    key: SecretStr | None = None
    """The key that a sender must show as `Authorization: Bearer ...`; none is asked for where none is set."""
