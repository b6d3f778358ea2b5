"""What enrolment is told from outside."""

from pydantic import SecretStr

from shared import settings
from shared.safety import Finding, is_loopback


class Settings(settings.Settings):
    """Enrolment's settings."""

    database: str = "lernbus_enrolment"
    """The service\'s own database; nobody else reads or writes it."""
    key: SecretStr | None = None
    """The key that a sender must show as `Authorization: Bearer ...`; none is asked for where none is set."""

    def unsafe(self) -> list[Finding]:
        """The common ones and the door's."""
        found = super().unsafe()
        if self.key is None and not is_loopback(self.host):
            found.append(Finding("LERNBUS_KEY", "whoever reaches the door can book and cancel", "set a key"))
        return found
