"""Seconds until a report, over HTTP within the process: of a year alone in the database, and of one among others.

`report_first`: for a new state of the data; `report_again`: once more; `report_elsewhere`: by another instance of
stats; `dashboard`: the page. `..._among`: the same with a second year of the same size in the database. `decoded`: the
year's bookings read from MongoDB, one document after the other, and nothing made of them.

`python -m lernbus.bench.report` measures this alone, with a million bookings in each year (filling takes some minutes).
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Final

import httpx2
import typer
from rich.console import Console

from lernbus.bench.figures import spread
from lernbus.bench.place import Place
from lernbus.bench.reader import BenchError
from lernbus.bench.year import fill, new_state
from lernbus.embedded.directory import data_directory
from lernbus.embedded.mongod import mongod
from lernbus.serve import application
from services.stats import app as stats
from services.stats.settings import Settings
from shared.clock import Clock
from shared.runtime import Database, connect

YEAR: Final = 2023
OTHER: Final = 2022
ALONE: Final = "lernbus_bench_year"
AMONG: Final = "lernbus_bench_years"
TOO_LONG: Final = 600
Figures = Mapping[str, float]


class Report:
    """`count` bookings in each year."""

    def __init__(self, place: Place, count: int) -> None:
        self._place, self._count = place, count
        self.variants: Sequence[Callable[[int], Awaitable[Figures]]] = (self.alone, self.among)

    async def prepare(self) -> None:
        """Two databases: with one year, and with the same and another one."""
        async with self._database(ALONE) as (database, _):
            await fill(database, YEAR, self._count)
            for name in await database.list_collection_names():
                await database[name].aggregate([{"$out": {"db": AMONG, "coll": name}}])
            await fill(database.client[AMONG], OTHER, self._count)

    async def alone(self, _number: int) -> Figures:
        """Nothing but that year."""
        async with self._database(ALONE) as (database, settings):
            begin = perf_counter()
            found = [len(one) async for one in database["facts"].find({"years": YEAR})]
            decoded = perf_counter() - begin
            if len(found) < self._count // 2:
                raise BenchError(f"only {len(found)} bookings count in the year")
            return {**await self._measured(database, settings), "decoded": decoded}

    async def among(self, _number: int) -> Figures:
        """With another year."""
        async with self._database(AMONG) as (database, settings):
            found = await self._measured(database, settings)
        return {f"{name}_among": seconds for name, seconds in found.items()}

    async def _measured(self, database: Database, settings: Settings) -> dict[str, float]:
        await new_state(database)
        report, page = f"/stats/api/report?year={YEAR}", f"/stats/?year={YEAR}"
        async with _client(settings) as client:
            found = {"report_first": await _seconds(client, report), "report_again": await _seconds(client, report)}
            await _seconds(client, page)  # templates are compiled
            found["dashboard"] = await _seconds(client, page)
        async with _client(settings) as client:
            await _seconds(client, "/stats/api/report?year=1990")  # connected
            return {**found, "report_elsewhere": await _seconds(client, report)}

    @contextlib.asynccontextmanager
    async def _database(self, name: str) -> AsyncIterator[tuple[Database, Settings]]:
        settings = Settings(**self._place.settings(name))
        database = connect(settings)
        try:
            yield database, settings
        finally:
            await database.client.close()


@contextlib.asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A new instance of stats, which has counted nothing yet; it reads no topic."""
    service = stats.build(settings, Clock())
    try:
        transport = httpx2.ASGITransport(application([service]))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=TOO_LONG) as client:
            yield client
    finally:
        await service.database.client.close()


async def _seconds(client: httpx2.AsyncClient, path: str) -> float:
    begin = perf_counter()
    answer = await client.get(path)
    if answer.status_code != 200:  # noqa: PLR2004 - the only right one
        raise BenchError(f"{path} was answered with {answer.status_code}")
    return perf_counter() - begin


async def alone(bookings: int, rounds: int, console: Console) -> None:
    """Only this part, without a broker."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    with data_directory() as directory:
        async with mongod(directory) as uri:
            report = Report(Place("none", "127.0.0.1:9092", "embedded", uri), bookings)
            await report.prepare()
            for number in range(rounds):
                for variant in report.variants if number % 2 == 0 else reversed(report.variants):
                    for name, seconds in (await variant(number)).items():
                        found[name].append(seconds)
    for name, values in found.items():
        one = spread(values)
        console.print(f"{name:24} {one.median:8.3f} s ({one.low:.3f} - {one.high:.3f})")


def main(bookings: int = 1_000_000, rounds: int = 3) -> None:
    """Seconds until a report of so many bookings."""
    asyncio.run(alone(bookings, rounds, Console(highlight=False)))


if __name__ == "__main__":
    typer.run(main)
