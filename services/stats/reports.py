"""The reports of one state of the data: counted once, then told as often as somebody asks, in every format alike."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

import msgspec

from services.stats.cells import Mask, decide
from services.stats.report import Question, council_report
from services.stats.store import Store
from services.stats.tables import Data, Tables, tabulate

YEARS: Final = 8
"""So many years' tables are kept in memory."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A year's tables, what is withheld in them, and the labels; `state` tells the states of the data apart."""

    state: str
    data: Data
    tables: Tables
    mask: Mask


class Reports:
    """What is known of each year, as long as no event has been read since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted: OrderedDict[int, Counted] = OrderedDict()
        self._lock = asyncio.Lock()

    async def answer(self, question: Question) -> tuple[dict[str, Any] | None, str]:
        """The report and its state; None where nothing is known of this organisation."""
        counted = await self._of(question.year)
        known = (None, *counted.data.organisations, *counted.tables.narrowed)
        if question.organisation not in known:
            return None, counted.state
        told = council_report(question, counted.data, counted.tables, counted.mask, self._store.zone)
        return told, counted.state

    async def _of(self, year: int) -> Counted:
        """One at a time: a second reader of the same year waits for the first one's figures."""
        async with self._lock:
            state = _digest(await self._store.positions())
            known = self._counted.get(year)
            if known is None or known.state != state:
                data = await self._store.year(year)
                # Counting a large year takes seconds: not in the event loop.
                known = await asyncio.to_thread(self._count, state, data, year)
            self._counted[year] = known
            self._counted.move_to_end(year)
            while len(self._counted) > YEARS:
                self._counted.popitem(last=False)
            return known

    def _count(self, state: str, data: Data, year: int) -> Counted:
        tables = tabulate(data, year, self._store.zone)
        labels = replace(data, facts=(), leaves=())  # figures and labels are kept, bookings are not
        return Counted(state, labels, tables, decide(tables))


def _digest(positions: object) -> str:
    """The same for the same positions, so each instance of the service gives it."""
    return blake2b(msgspec.json.encode(positions), digest_size=12).hexdigest()
