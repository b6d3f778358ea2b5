"""Settings from files, as containers are given secrets: `/run/secrets/lernbus_mongo` holds LERNBUS_MONGO."""

import os
import warnings
from pathlib import Path
from typing import Any, Final

from pydantic_settings import BaseSettings, SecretsSettingsSource, SettingsError

DIRECTORY: Final = "LERNBUS_SECRETS"
"""Names the directory; without it, `/run/secrets` is taken where it exists."""
USUAL: Final = Path("/run/secrets")


def directory() -> Path | None:
    """Where secret files are; None: nowhere."""
    named = os.environ.get(DIRECTORY)
    if named:
        return Path(named)
    return USUAL if USUAL.is_dir() else None


class SecretFiles(SecretsSettingsSource):
    """Reads them; one that is empty or cannot be read is an error and never passed over."""

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings, directory())

    def __call__(self) -> dict[str, Any]:
        """The values by the names of their fields. Raises SettingsError."""
        try:
            with warnings.catch_warnings(action="error", category=UserWarning):
                found = super().__call__()
        except (OSError, UserWarning) as error:
            raise SettingsError(f"the secret files cannot be read: {error}") from error
        except SettingsError as error:  # its cause says why, and never holds the value
            why = f": {error.__cause__}" if error.__cause__ else ""
            raise SettingsError(f"{error}{why}") from error
        for name, value in found.items():
            if value == "":
                raise SettingsError(f"the secret file {self.env_prefix}{name}".lower() + " is empty")
        return found
