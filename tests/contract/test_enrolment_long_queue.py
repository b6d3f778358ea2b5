"""100,000 waiting people in a real MongoDB: no event reads or changes more than a step of them."""

from collections.abc import Sequence
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment.consumer import Enrolment
from services.enrolment.documents import claimant_document, ledger_document
from services.enrolment.groups import MOST
from services.enrolment.state import Ledger, claimant_id
from services.enrolment.store import Store
from services.enrolment.views import Views
from services.enrolment.waiting import Claim, Claimant
from shared.cloudevents import Event
from shared.events import Booking, Offering
from shared.handler import Result
from tests.support.enrolment import NOON, delegation, item, lms, scheduled
from tests.support.enrolment import World as Memory

WAITING = 100_000
STEP = 1_000


class LongQueue:
    """Offering o1 with one confirmed person, "seated", and 100,000 who wait, every thousandth of them from Jena."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.database, self.handler, self.views = database, Enrolment(Store(database)), Views(database)

    async def push(self, event: Event, most: int = STEP + 1) -> list[Result]:
        results: list[Result] = []
        while not results or results[-1].more:
            items = [item(event, step=len(results))]
            state = await self.handler.load(items)
            assert len(state.claimants) <= most, "a step reads no more than it may change"
            results.append(self.handler.apply(state, items[0]))
            async with self.database.client.start_session() as session, await session.start_transaction():
                for name, writes in self.handler.writes(state).items():
                    if writes:
                        await self.database[name].bulk_write([*writes], session=session)
        return results


@pytest.fixture
async def queue(database: AsyncDatabase[dict[str, Any]]) -> LongQueue:
    await Store(database).prepare()
    memory = Memory()
    memory.push(scheduled(capacity=1), lms("booking.requested", offering_id="o1", person_id="seated"))
    ledger = memory.store.ledger("o1")
    seated = [claimant_document(one) for one in memory.store.claimants("o1")]
    await database["claimants"].insert_many([*seated, *(waiting(ledger, number) for number in range(WAITING))])
    await database["offerings"].insert_one(ledger_document(ledger))
    return LongQueue(database)


def waiting(ledger: Ledger, number: int) -> dict[str, Any]:
    """One more who waits; the order of the ids is not that of the queue."""
    offering: Offering = ledger.offering
    ledger.version, ledger.requests = ledger.version + 1, ledger.requests + 1
    ledger.waiting, ledger.queued = ledger.waiting + 1, ledger.queued + 1
    person, organisation = f"p{WAITING - number:06}", "jena" if number % 1_000 == 999 else None
    booking = Booking(
        booking_id=f"b{number}", offering_id="o1", course_id=offering.course_id, person_id=person,
        organisation_id=organisation, department=None, status_group=None, status="waiting", requested_at=NOON,
        waiting_since=NOON, version=ledger.version, cause="made by hand",
    )  # fmt: skip
    return claimant_document(
        Claimant(
            id=claimant_id("o1", person), offering_id="o1", person_id=person, waiting=ledger.queued,
            organisation=organisation, bookings=[Claim(ledger.requests, booking)],
        )
    )  # fmt: skip


async def test_everything_is_done_in_steps_of_a_thousand_and_in_the_order_of_the_queue(queue: LongQueue) -> None:
    withdrawn = await queue.push(lms("booking.withdrawn", offering_id="o1", person_id="seated"))
    assert [[event.data.person_id for event in result.events] for result in withdrawn] == [["seated", "p100000"]]

    raised = await queue.push(lms("offering.capacity_changed", offering_id="o1", capacity=2_501))
    assert [len(result.events) for result in raised] == [1, 1_000, 1_000, 500]
    promoted = [event.data.person_id for result in raised[1:] for event in result.events]
    assert promoted == [f"p{WAITING - number:06}" for number in range(1, 2_501)]

    given = await queue.push(
        lms("offering.capacity_changed", offering_id="o1", capacity=2_507, delegations=[delegation("jena", 8)])
    )
    assert [event.data.person_id for event in given[-1].events] == [
        f"p{WAITING - 999 - 1_000 * n:06}" for n in range(2, 8)
    ]
    view = await queue.views.offering("o1")
    assert view is not None
    assert (view.seats.confirmed, view.seats.waiting) == (2_507, WAITING - 2_507)
    assert [(one.confirmed, one.waiting) for one in view.delegations] == [(8, 92)]

    cancelled = await queue.push(lms("offering.cancelled", offering_id="o1"))
    assert [len(result.events) for result in cancelled] == [1, *[STEP] * (WAITING // STEP)]
    assert await queue.database["claimants"].count_documents({"waiting": {"$exists": True}}) == 0
    versions = [
        event.data.version for results in (withdrawn, raised, given, cancelled) for r in results for event in r.events
    ]
    assert versions == [*range(WAITING + 3, WAITING + 3 + len(versions))]


def group(name: str, people: int, kind: str = "w") -> Event:
    listed = [{"person_id": f"{kind}{name}-{number}", "organisation_id": "jena"} for number in range(people)]
    return lms(
        "group.requested", offering_id="o1", group_id=name, requested_by="boss", all_or_nothing=True, people=listed
    )


async def test_groups_behind_and_between_100_000_people_wait_and_move_up_as_a_whole(queue: LongQueue) -> None:
    """As many groups as may wait, the first of 5, the others of 20; nobody is read who does not move."""
    names = [f"{number:03}" for number in range(MOST)]
    for name in names:
        await queue.push(group(name, 5 if name == "000" else 20))
    late = await queue.push(group("late", 2))
    assert [event.data.reason for event in late[0].events] == ["full", "full"]

    withdrawn = await queue.push(lms("booking.withdrawn", offering_id="o1", person_id="seated"), most=3)
    assert told(withdrawn) == ["seated", f"p{WAITING:06}"], "one seat is the first one's, and no group's"

    # the delegation's people move up in the order of the queue: 100 who wait alone, then the groups as far as they fit
    given = lms("offering.capacity_changed", offering_id="o1", capacity=131, delegations=[delegation("jena", 130)])
    promoted = told(await queue.push(given, most=2 * STEP))[1:]
    assert promoted[:100] == [f"p{WAITING - 999 - 1_000 * n:06}" for n in range(100)]
    assert promoted[100:] == [f"w{name}-{n}" for name, size in (("000", 5), ("001", 20)) for n in range(size)]

    raised = await queue.push(resized(3_000), most=2 * STEP)
    assert [len(result.events) for result in raised] == [1, 1_000, 1_000, 869], (
        "five seats of the delegation are too few"
    )
    assert not [one for one in told(raised) if one.startswith("w")], "the open seats are those of who came before"
    view = await queue.views.offering("o1")
    assert view is not None
    assert (view.seats.confirmed, view.seats.waiting) == (2_995, WAITING + 5 + 20 * (MOST - 1) - 2_995)


def told(results: Sequence[Result]) -> list[str]:
    return [getattr(event.data, "person_id", "") for result in results for event in result.events]


def resized(capacity: int) -> Event:
    return lms("offering.capacity_changed", offering_id="o1", capacity=capacity)
