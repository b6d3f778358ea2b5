"""The reports of one state of the data: counted and decided once, kept, and told in every format alike."""

import asyncio
from asyncio import to_thread
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from services.stats.answered import Answered, packed, unpacked
from services.stats.protection import decide
from services.stats.reading import Year
from services.stats.store import Store
from services.stats.told import tabulate
from shared.clock import Clock

STATES: Final = 4
"""So many years' figures are kept in memory."""


class Reports:
    """What is told of each year; `k`: from so many people on a figure is told."""

    def __init__(self, store: Store, clock: Clock, k: int) -> None:
        self._store, self._clock, self._k = store, clock, k
        self._shelf = store.shelf(k)
        self._known: OrderedDict[tuple[int, str], Answered] = OrderedDict()
        self._lock = asyncio.Lock()

    async def answer(self, year: int) -> Answered:
        """What is told of the present state of the data, by all instances alike."""
        async with self._lock:  # a second reader waits for the first one's figures
            state = await self._store.state()
            return await self._found(year, state, lambda: self._shelf.find(year, state))

    async def of_day(self, year: int) -> Answered:
        """What was told first today: of figures about staff nobody is to see how they change from hour to hour."""
        async with self._lock:
            day = self._today()
            told = await self._found(year, day, lambda: self._shelf.of_day(year, day))
            if told.as_of is None:  # nothing has been heard yet: what comes next takes nothing back
                self._known.pop((year, day))
            return told

    async def _found(self, year: int, name: str, find: Callable[[], Awaitable[bytes | None]]) -> Answered:
        """From memory, by this name (a state or a day); or what `find` finds; or counted."""
        known = self._known.get((year, name))
        if known is None:
            content = await find() or await self._count(year, find)
            known = self._known[year, name] = await to_thread(unpacked, content)
        self._known.move_to_end((year, name))
        while len(self._known) > STATES:
            self._known.popitem(last=False)
        return known

    async def _count(self, year: int, find: Callable[[], Awaitable[bytes | None]]) -> bytes:
        """Of the newest state; if another instance has told of it meanwhile, that."""
        read = await self._store.read(year)
        made = await to_thread(told_of, read, self._k)  # takes seconds where there is much: not in the event loop
        if read.as_of is not None:
            await self._shelf.put((year, read.state), made, self._clock.now(), self._today())
        return await find() or await self._shelf.find(year, read.state) or made

    def _today(self) -> str:
        return self._clock.now().astimezone(self._store.zone).date().isoformat()


def told_of(read: Year, k: int) -> bytes:
    """Decide what is withheld, and count."""
    figures = tabulate(read.columns, decide(read.columns, k))
    names = {name: getattr(read, name) for name in ("courses", "organisations", "offerings", "as_of", "since", "state")}
    return packed(Answered(figures, k=k, rebuilding=read.rebuilding, **names))
