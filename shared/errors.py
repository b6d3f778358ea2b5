"""Every failure is one of three kinds, and its type says which.

Invalid      never retried: a dead letter on a topic, 400 at the HTTP door
Transient    back off and begin again, for as long as it takes; readiness turns false
├── Fenced       somebody else has moved this partition on
└── Unpublished  the broker did not take what we had to say
Stopped      this partition must not go on without an operator
├── LogReplaced  other records stand where ours stood
├── LogCut       records that we had not read are gone
└── TooManyDeadLetters  so many that something is wrong with the sender or with us
Anything else is a bug: the record is isolated and dead-lettered, later records of its key are held.
"""


class Invalid(Exception):
    """No retry can cure it. `reason` is a fixed word, `field` the place of the fault, `detail` a sentence."""

    def __init__(self, reason: str, field: str = "", detail: str = "") -> None:
        super().__init__(f"{reason}: {field}: {detail}" if field else f"{reason}: {detail}" if detail else reason)
        self.reason, self.field, self.detail = reason, field, detail


class Transient(Exception):
    """A retry can cure it."""


class Fenced(Transient):
    """The position is not the one we remember: another owner wrote it."""


class Unpublished(Transient):
    """The broker did not acknowledge every record."""


class Stopped(Exception):
    """A partition that stays where it is until an operator has looked."""


class LogReplaced(Stopped):
    """Records newer than ours stand before our position: the topic was made anew."""


class LogCut(Stopped):
    """The log begins beyond our position: records were removed before we read them."""


class TooManyDeadLetters(Stopped):
    """So many dead letters that something is wrong; `lernbus dead-letters resume` lets the partition go on."""
