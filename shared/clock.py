"""The one place that reads the time."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, or a moved one (a demonstration's): it goes on ticking from where it was set."""

    def __init__(self, start: datetime | None = None) -> None:
        self.ahead = timedelta(0)
        """By how much it differs from real time."""
        if start is not None:
            self.set(start)

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC) + self.ahead

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment with an offset."""
        self.ahead = moment - datetime.now(UTC)
