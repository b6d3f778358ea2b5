"""The one configuration of logging: JSON lines for containers, readable lines on a terminal, never a record's content.

Messages of exceptions and local variables may hold names and addresses, so of an exception only its type and the stack
are written. What is logged on purpose is named by its keyword.
"""

import logging
import sys
import time
import traceback
from typing import Final

import structlog
from structlog.typing import EventDict, Processor

OWN: Final = ("lernbus", "services", "shared")
QUIET: Final = {"aiokafka": logging.ERROR, "mail": logging.ERROR}
"""aiokafka tells of every try during an outage; `mail` is the embedded sink's, whose lines hold addresses."""
EVERY_SECONDS: Final = 30


def configure(*, terminal: bool | None = None, own: int = logging.INFO) -> None:
    """Configure structlog and Python's own logging, of ours from the level `own`; `terminal`: somebody reads there."""
    readable = sys.stdout.isatty() if terminal is None else terminal
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_content,
    ]
    last: Processor = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(own),
    )
    handler = logging.StreamHandler(sys.stderr if readable else sys.stdout)
    processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=processors, foreign_pre_chain=shared))
    handler.addFilter(Seldom())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name, level in {**dict.fromkeys(OWN, own), **QUIET}.items():
        logging.getLogger(name).setLevel(level)


def without_content(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, its causes' types and its stack, without messages and variables."""
    if (record := event.get("_record")) is not None and record.name == "asyncio":  # it adds what a task has failed with
        event["event"] = str(event["event"]).partition("\n")[0]
    given = event.pop("exc_info", None)
    if given and (error := _error(given)) is not None:
        event["error"] = " < ".join(type(one).__name__ for one in _causes(error))
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for one in _causes(error)
            for frame in traceback.extract_tb(one.__traceback__)
        ]
    return event


def _error(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    return given[1] if isinstance(given, tuple) else sys.exc_info()[1]


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it came from."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


class Seldom(logging.Filter):
    """Lets a line of somebody else's library through once in 30 seconds: an outage would bring hundreds a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True for what may be written."""
        if not record.name.startswith(("aiokafka", "faststream", "pymongo")):
            return True
        now, kind = time.monotonic(), (record.name, str(record.msg))
        if now - self._last.get(kind, -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        self._last[kind] = now
        return True
