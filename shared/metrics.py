"""What a service shows to Prometheus; docs/metrics.md lists every name, and a test compares.

What the process counts itself is read from its progress. What only the database knows is asked at a scrape: one cheap
query each, not more often than every 15 s, never longer than 2 s. A scrape never fails: what could not be asked is
absent. No metric has a label whose values a sender or a growing number of people decides.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import pymongo
import structlog
from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pymongo.asynchronous.database import AsyncDatabase

from shared.kernel import Kernel
from shared.watch import Watch

KEPT_SECONDS: Final = 15
QUESTION_SECONDS: Final = 2
Samples = Mapping[Any, float]
"""Values of the labels (a tuple of words) -> value."""
Question = Callable[[], Awaitable[Sequence[Metric]]]
"""Asks the database. May fail."""
log = structlog.get_logger()
disable_created_metrics()  # type: ignore[no-untyped-call] # a second line for each, which nobody reads


def gauge(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    """One gauge: `lernbus_<name>`."""
    found = GaugeMetricFamily(f"lernbus_{name}", help_, labels=labels)
    for values, value in samples.items():
        found.add_metric(values, value)
    return found


def counter(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    """One counter: `lernbus_<name>_total`."""
    found = CounterMetricFamily(f"lernbus_{name}", help_, labels=labels)
    for values, value in samples.items():
        found.add_metric(values, value)
    return found


@cache
def _version() -> str:
    try:
        return version("lernbus")
    except PackageNotFoundError:  # run from its folder
        return "not installed"


class Metrics(Collector):
    """All metrics of one service, in a registry of its own: the embedded stack runs three in one process."""

    def __init__(self, kernel: Kernel[Any], watch: Watch, questions: Sequence[Question]) -> None:
        self._kernel, self._watch, self._questions = kernel, watch, (letters_of(kernel.database), *questions)
        self._answers: list[Sequence[Metric]] = [() for _ in self._questions]
        self._errors = 0
        self._asked = float("-inf")
        self._asking = asyncio.Lock()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(kernel.progress.seconds)

    async def text(self) -> bytes:
        """What a scrape is answered with."""
        async with self._asking:
            if time.monotonic() >= self._asked + KEPT_SECONDS:
                self._answers = await asyncio.gather(*map(self._ask, self._questions))
                self._asked = time.monotonic()
        return generate_latest(self._registry)

    async def _ask(self, question: Question) -> Sequence[Metric]:
        try:
            async with asyncio.timeout(QUESTION_SECONDS + 1):  # whatever the driver waits for
                with pymongo.timeout(QUESTION_SECONDS):
                    return await question()
        except Exception as error:  # noqa: BLE001 - a scrape never fails
            log.warning("metrics are missing", service=self._kernel.handler.group, kind=type(error).__name__)
            self._errors += 1
            return ()

    def collect(self) -> Iterator[Metric]:
        """Everything but the histogram, which stands in the registry by itself."""
        yield gauge("build_info", "The running version.", ["version"], {(_version(),): 1})
        yield from progress_of(self._kernel)
        yield from partitions_of(self._kernel)
        yield from health_of(self._watch)
        for answer in self._answers:
            yield from answer
        yield counter("scrape_errors", "Questions to the database that failed at a scrape.", [], {(): self._errors})


def progress_of(kernel: Kernel[Any]) -> Iterator[Metric]:
    """What this process has done since it began."""
    done = kernel.progress
    yield counter("events", "Records read, by what became of them.", ["topic", "type", "outcome"], done.outcomes)
    reasons = {(reason,): n for reason, n in done.reasons.items()}
    yield counter("dead_lettered", "Records put aside as dead letters.", ["reason"], reasons)
    again = {(): done.attempts - done.begun}
    yield counter("transaction_retries", "Runs of a transaction after its first.", [], again)
    failures = {(what,): done.failures[what] for what in ("batch", "tick", "poll")}
    yield counter("failures", "What failed and was tried again.", ["what"], failures)
    waiting = {(): done.unpublished_seconds()}
    yield gauge("unpublished_seconds", "Age of the oldest committed event that is not published.", [], waiting)


def partitions_of(kernel: Kernel[Any]) -> Iterator[Metric]:
    """The partitions that this process has."""
    lag = {(tp.topic, str(tp.partition)): n for tp, n in kernel.lag().items() if n is not None}
    yield gauge("lag_records", "Offsets between our position and the end of the log.", ["topic", "partition"], lag)
    stopped = Counter(tp.topic for tp in kernel.stopped)
    per_topic = {(topic,): stopped[topic] for topic in kernel.handler.topics}
    yield gauge("stopped_partitions", "Partitions that wait for an operator.", ["topic"], per_topic)
    held = Counter(why for position in kernel.owned.values() for why in position.held.values())
    per_reason = {(why,): held[why] for why in ("bug", "unknown")}
    yield gauge("held_keys", "Entities whose records wait, of the partitions here.", ["why"], per_reason)


def health_of(watch: Watch) -> Iterator[Metric]:
    """How the process judges itself."""
    ready = watch.verdict().status == "ready"
    yield gauge("ready", "1 if the service is ready.", [], {(): ready})
    yield gauge("still_seconds", "Time without progress although there is something to do.", [], {(): watch.still})
    there = {(name,): name not in watch.away for name in watch.neighbours}
    yield gauge("neighbour_up", "1 if a neighbour answers.", ["neighbour"], there)


def letters_of(database: AsyncDatabase[dict[str, Any]]) -> Question:
    """The open dead letters of the service, by reason."""

    async def ask() -> Sequence[Metric]:
        open_ones = {"$match": {"status": "open"}}
        found = await database["dead_letters"].aggregate([open_ones, {"$group": {"_id": "$reason", "n": {"$sum": 1}}}])
        samples = {(one["_id"],): one["n"] async for one in found}
        return [gauge("dead_letters", "Dead letters that wait for an operator.", ["reason"], samples)]

    return ask
