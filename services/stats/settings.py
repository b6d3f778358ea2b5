"""What stats is told from outside."""

from pydantic import Field

from shared import settings


class Settings(settings.Settings):
    """The common settings, with a database of its own."""

    database: str = "lernbus_stats"
    """The service's own database; nobody else reads or writes it."""
    small_cells: int = Field(5, ge=3)
    """From so many people on a figure about staff is told; with fewer it is withheld, and so is what would tell it."""
