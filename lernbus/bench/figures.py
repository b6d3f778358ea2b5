"""The benchmark's statistics. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

Rounds = Mapping[str, Sequence[float]]
"""What was measured -> one number per round."""


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, and their range."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio:
    """One measure over another, round by round. `target`: what it should reach, or stay below."""

    name: str
    over: str
    under: str
    target: str


RATIOS = (
    Ratio("throughput_vs_bare", "enrolment", "bare", ">= 0.8"),
    Ratio("throughput_vs_bare_send", "enrolment", "bare_send", ""),
    Ratio("throughput_vs_textbook", "enrolment", "textbook", ">= 100"),
    Ratio("crowded_vs_fresh", "crowded", "fresh", ">= 0.8"),
    Ratio("book_long_vs_short", "book_long", "book_short", ">= 0.8"),
    Ratio("book_groups_vs_short", "book_groups", "book_short", ">= 0.8"),
    Ratio("withdraw_long_vs_short", "withdraw_long", "withdraw_short", ">= 0.8"),
    Ratio("withdraw_groups_vs_short", "withdraw_groups", "withdraw_short", ">= 0.8"),
    Ratio("cancel_long_vs_short", "cancel_long", "cancel_short", ">= 0.8"),
    Ratio("mails_vs_bare", "mails", "mails_bare", ">= 0.8"),
    Ratio("mails_vs_ready", "mails", "mails_ready", ""),
    Ratio("stats_vs_parsed", "stats", "parsed", ">= 0.5"),
    Ratio("stats_vs_inserted", "stats", "inserted", ""),
    Ratio("report_among_vs_alone", "report_first_among", "report_first", "<= 1.2"),
    Ratio("report_again_vs_first", "report_again", "report_first", "<= 0.06"),
    Ratio("report_elsewhere_vs_first", "report_elsewhere", "report_first", "<= 0.06"),
    Ratio("report_first_vs_decoded", "report_first", "decoded", ""),
    Ratio("dashboard_vs_first", "dashboard", "report_first", "<= 0.04"),
    Ratio("dashboard_among_vs_alone", "dashboard_among", "dashboard", "<= 1.2"),
    Ratio("latency_p50_outcome_vs_bare", "outcome_p50", "round_trip_p50", ""),
    Ratio("latency_p99_outcome_vs_bare", "outcome_p99", "round_trip_p99", "<= 3"),
    Ratio("latency_p50_counter_vs_bare", "counter_p50", "round_trip_p50", ""),
    Ratio("latency_p99_counter_vs_bare", "counter_p99", "round_trip_p99", "<= 6"),
)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered)), 1) - 1]


def spread(values: Sequence[float]) -> Spread:
    """Median and range."""
    return Spread(median(values), min(values), max(values))


def ratios(rounds: Rounds) -> dict[str, Spread]:
    """Each ratio within its round, then median and range over the rounds: what slows a round slows both."""
    return {
        one.name: spread([over / under for over, under in zip(rounds[one.over], rounds[one.under], strict=True)])
        for one in RATIOS
    }


def first_reached(commits: Sequence[tuple[int, float]], offset: int) -> float:
    """When the reader had first read this offset. `commits`: (next offset to read, moment), both rising."""
    return commits[bisect_right([following for following, _ in commits], offset)][1]
