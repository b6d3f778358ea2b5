"""A long waiting list and a short one: what requests, withdrawals and a cancellation cost on each.

Through enrolment's handler on MongoDB (load, decide, one transaction for each batch), without bus and kernel, whose
share would be the same on both sides and hide a difference.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Final

from msgspec.structs import replace

from lernbus.bench.load import NOW, SOURCE, requested, scheduled
from lernbus.bench.reader import BenchError
from lernbus.bench.world import World
from services.enrolment.consumer import Enrolment
from services.enrolment.events import BookingWithdrawn, Candidate, GroupRequested
from services.enrolment.groups import MOST
from services.enrolment.offering_events import OfferingCancelled
from services.enrolment.store import Store
from shared.cloudevents import Event
from shared.events import LMS_EVENTS
from shared.handler import Item

BATCH: Final = 2_000
MEMBERS: Final = 20
"""Of an all-or-nothing group that waits: more than a withdrawal ever makes room for."""
Figures = Mapping[str, float]


class Queue:
    """The long lists are filled once; each round has short ones of its own."""

    def __init__(self, world: World) -> None:
        self._size = world.size
        self._database = world.database.client["lernbus_bench_queue"]
        self._handler = Enrolment(Store(self._database))
        self.variants: Sequence[Callable[[int], Awaitable[Figures]]] = (
            self.long_list,
            self.long_list_with_groups,
            self.short_list,
        )

    async def prepare(self) -> None:
        """Two offerings with seats for the withdrawals of all rounds, then so many people who wait."""
        await Store(self._database).prepare()
        size = self._size
        for name in ("long", "groups"):
            await self._fill(name, size.rounds * size.moves, size.waiting)
        asked = {"lms.group.requested.v1": [_group("groups", number) for number in range(MOST)]}
        _expect(await self._apply(_events("together", asked)), waitlisted=MOST * MEMBERS)

    async def long_list(self, number: int) -> Figures:
        """Requests, and withdrawals of people with a seat, where the list is long; a long list that is cancelled."""
        found = await self._ask_and_withdraw("long", number)
        await self._fill(f"cancelled{number}", 0, self._size.cancelled)
        rate = await self._cancel(f"cancelled{number}", self._size.cancelled)
        return {"book_long": found[0], "withdraw_long": found[1], "cancel_long": rate}

    async def long_list_with_groups(self, number: int) -> Figures:
        """The same where as many groups wait as may, and each is asked with every withdrawal whether it fits."""
        found = await self._ask_and_withdraw("groups", number)
        return {"book_groups": found[0], "withdraw_groups": found[1]}

    async def short_list(self, number: int) -> Figures:
        """The same on an offering where nobody waits but those who move up."""
        name, size = f"short{number}", self._size
        await self._fill(name, size.moves, 0)
        found = await self._ask_and_withdraw(name, number)
        await self._fill(f"few{number}", 0, size.moves)
        return {"book_short": found[0], "withdraw_short": found[1], "cancel_short": await self._cancel(
            f"few{number}", size.moves)}  # fmt: skip

    async def _ask_and_withdraw(self, name: str, number: int) -> tuple[float, float]:
        """Requests a second, then withdrawals a second, each of which lets the first of the queue move up."""
        count, label = self._size.moves, f"{name}-{number}"
        asking = [requested(name, f"{label}-p{one}", one) for one in range(count)]
        begin = perf_counter()
        _expect(await self._apply(_events(label, {"lms.booking.requested.v1": asking})), waitlisted=count)
        middle = perf_counter()
        first = number * count if name in ("long", "groups") else 0
        leaving = [BookingWithdrawn(offering_id=name, person_id=f"{name}-p{first + one}") for one in range(count)]
        told = await self._apply(_events(f"{label}-off", {"lms.booking.withdrawn.v1": leaving}))
        _expect(told, cancelled=count, promoted=count)
        return count / (middle - begin), count / (perf_counter() - middle)

    async def _cancel(self, name: str, people: int) -> float:
        """Bookings a second."""
        events = _events(name, {"lms.offering.cancelled.v1": [OfferingCancelled(offering_id=name)]})
        begin = perf_counter()
        _expect(await self._apply(events), cancelled=people + 1)
        return people / (perf_counter() - begin)

    async def _fill(self, name: str, seated: int, waiting: int) -> None:
        """An offering with this many confirmed people `name`-p0 ..., and behind them those who wait."""
        asking = [requested(name, f"{name}-p{one}", one) for one in range(seated + waiting)]
        of: dict[str, Sequence[object]] = {
            "lms.offering.scheduled.v1": [scheduled(name, seated)],
            "lms.booking.requested.v1": asking,
        }
        _expect(await self._apply(_events(f"fill-{name}", of)), scheduled=1, confirmed=seated, waitlisted=waiting)

    async def _apply(self, events: Sequence[Event]) -> Counter[str]:
        """Apply them in batches as the kernel does; what was told, by kind."""
        told = Counter[str]()
        for at in range(0, len(events), BATCH):
            items = [Item(one, one.data.offering_id, LMS_EVENTS, 0, at) for one in events[at : at + BATCH]]
            while items:
                items = await self._batch(items, told)
        return told

    async def _batch(self, items: Sequence[Item], told: Counter[str]) -> list[Item]:
        """One transaction; what is left where an item needs another step."""
        state, left = await self._handler.load(items), list[Item]()
        for number, item in enumerate(items, 1):
            result = self._handler.apply(state, item)
            told.update(event.type.split(".")[-2] for event in result.events)
            if result.more:
                left = [replace(item, step=item.step + 1), *items[number:]]
                break
        async with self._database.client.start_session() as session, await session.start_transaction():
            for name, writes in self._handler.writes(state).items():
                if writes:
                    await self._database[name].bulk_write([*writes], session=session)
        return left


def _events(label: str, of: Mapping[str, Sequence[object]]) -> list[Event]:
    """Payloads by type, as events with ids of their own."""
    pairs = [(kind, data) for kind, several in of.items() for data in several]
    return [Event(f"{label}-{number}", SOURCE, kind, NOW, data) for number, (kind, data) in enumerate(pairs)]


def _group(offering_id: str, number: int) -> GroupRequested:
    people = [Candidate(person_id=f"g{number}-{member}", organisation_id="org-1") for member in range(MEMBERS)]
    return GroupRequested(
        offering_id=offering_id, group_id=f"g{number}", requested_by="boss", all_or_nothing=True, people=people
    )


def _expect(told: Counter[str], **kinds: int) -> None:
    if told != Counter(kinds):
        raise BenchError(f"the waiting lists: {dict(told)} was told instead of {kinds}")
