"""Is this process ready, and should it end so that a new one takes its place? Decided from progress. Pure.

* Progress is a committed transaction, or having nothing to do: every partition read to its end by a consumer that
  answers. A batch has at most `Budgets.revocation`, so a long one is no standstill.
* What is to be done and is not done for `Budgets.stall` makes unready, for `Budgets.restart` it ends the process,
  whatever the reason: a client that hangs, a dead consumer, a failure of ours that nobody has thought of. A new process
  cures many of these.
* It does not cure an absent neighbour. While one is known to be away nothing is counted, and when it is back the time
  begins anew: restarting would only add to its load then.
* A rebalance is no standstill: readiness may be false while partitions move, for `Budgets.rebalance` at most, which is
  shorter than `Budgets.stall`.
* A partition that was stopped on purpose waits for an operator: not ready, but a restart would not help.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

LONGEST_LOOK: Final = 5.0
"""Seconds. More between two looks was no time of ours: the process was frozen, or the machine asleep."""
Status = Literal["starting", "ready", "moving", "failing", "away", "stopped", "stalled", "dead"]


class Look(NamedTuple):
    """What can be seen of a process at one moment. `busy`: something is left to be done."""

    seconds: float
    commits: int
    polls: int
    busy: bool
    away: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered from look to look. `still`: seconds without progress although there was something to do."""

    still: float = 0.0
    commits: int = 0
    polls: int = 0


class State(NamedTuple):
    """What the kernel says of itself at this moment. `moving`: partitions are on their way."""

    polled: bool
    moving: bool
    failing: Collection[str] = ()
    stopped: Collection[str] = ()
    away: Collection[str] = ()


class Limits(NamedTuple):
    """Seconds without progress: not ready, then the end."""

    stall: float
    restart: float


class Verdict(NamedTuple):
    """`ready` is the only one that is; `dead` ends the process."""

    status: Status
    why: str = ""


def after(health: Health, look: Look) -> Health:
    """What is remembered after one look more."""
    seen = replace(health, commits=look.commits, polls=look.polls)
    moved = look.commits > health.commits
    idle = not look.busy and look.polls > health.polls
    if moved or idle or look.away:
        return replace(seen, still=0.0)
    return replace(seen, still=health.still + min(look.seconds, LONGEST_LOOK))


def judged(health: Health, state: State, limits: Limits) -> Verdict:
    """The first thing that is wrong, the gravest first."""
    still = f"no progress for {health.still:.0f} s"
    wrong: list[tuple[object, Status, str]] = [
        (health.still >= limits.restart and not state.away, "dead", still),
        (state.stopped, "stopped", "; ".join(state.stopped)),
        (state.away, "away", f"{' and '.join(sorted(state.away))} cannot be reached"),
        (health.still >= limits.stall, "stalled", still),
        (not state.polled, "starting", "nothing was read yet"),
        (state.failing, "failing", f"failed, trying again: {', '.join(sorted(state.failing))}"),
        (state.moving, "moving", "not every partition is being read"),
    ]
    return next((Verdict(status, why) for is_so, status, why in wrong if is_so), Verdict("ready"))
