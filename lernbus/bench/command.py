"""`lernbus bench`: measures, and shows the figures as a table or as one line of JSON."""

import asyncio
import json
import logging
import os
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from lernbus.bench.figures import RATIOS, Rounds, Spread, ratios, spread
from lernbus.bench.run import measure
from lernbus.bench.world import Size

UNITS = {
    **dict.fromkeys(("p50", "p99"), "ms"),
    **dict.fromkeys(("report", "dashboard", "decoded"), "s"),
    **dict.fromkeys(("stats", "parsed", "inserted"), "events/s"),
    "mails": "mails/s",
}
"""By the first or the last word of a figure's name; else bookings a second."""


def bench(console: Console, *, as_json: bool) -> None:
    """Run the benchmark, about four minutes; what it is doing is told on standard error."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells much while a broker starts
    errors = Console(stderr=True, highlight=False)
    with errors.status("") as status:
        broker, rounds = asyncio.run(measure(Size(), status.update))
    if as_json:
        print(json.dumps(as_dict(broker, rounds)))  # noqa: T201 (the answer itself)
    else:
        show(console, broker, rounds)


def as_dict(broker: str, rounds: Rounds) -> dict[str, object]:
    """{"ratios": {name: median}, "ranges": {name: [low, high]}, "figures": {name: {median, low, high}}, "broker"}"""
    found = ratios(rounds)
    return {
        "ratios": {name: round(one.median, 3) for name, one in found.items()},
        "ranges": {name: [round(one.low, 3), round(one.high, 3)] for name, one in found.items()},
        "figures": {name: asdict(spread(values)) for name, values in rounds.items()},
        "broker": broker,
    }


def show(console: Console, broker: str, rounds: Rounds) -> None:
    """Two tables: the ratios, which count, and what was measured on this machine at this moment."""
    number = len(next(iter(rounds.values())))
    console.print(f"{broker}, {os.cpu_count()} cores, median (range) of {number} rounds")
    found = ratios(rounds)
    table = Table("ratio", "median (range)", "target")
    for one in RATIOS:
        table.add_row(one.name, _told(found[one.name]), one.target)
    console.print(table)
    table = Table("measured", "median (range)", "unit")
    for name, values in rounds.items():
        words = name.split("_")
        unit = UNITS.get(words[0]) or UNITS.get(words[-1], "bookings/s")
        table.add_row(name, _told(spread(values)), unit)
    console.print(table)


def _told(found: Spread) -> str:
    return f"{found.median:,.4g} ({found.low:,.4g} - {found.high:,.4g})"
