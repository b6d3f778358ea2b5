"""Enrolment says everything again: on a real mongod, with a publisher that keeps what it is given."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.enrolment import restate
from services.enrolment.documents import claimant_document, ledger_document
from services.enrolment.restate import DONE, PAGE, STAGES, Restating
from services.enrolment.state import Ledger
from services.enrolment.store import Store
from services.enrolment.waiting import Claim, Claimant
from shared.clock import Clock
from shared.cloudevents import Event, parse
from shared.errors import Unpublished
from shared.events import OUTCOMES, RESTATED, RESTATING, Assigned, Booking, Offering
from shared.keys import partition_of
from shared.publisher import Out, Publisher
from shared.runtime import Database

PARTITIONS = 6
NOW = datetime(2024, 5, 4, 8, tzinfo=UTC)
PEOPLE = 2 * PAGE + 7


class Topic(Publisher):
    """Keeps what is said; `broken` is how often it fails first."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.outs: list[Out] = []
        self.broken = 0

    async def publish(self, outs: Sequence[Out]) -> list[int]:
        self.outs += outs
        if self.broken:
            self.broken -= 1
            raise Unpublished("the acknowledgement got lost")
        return [len(self.outs) - len(outs) + index for index in range(len(outs))]

    @property
    def events(self) -> list[tuple[int, Event]]:
        return [(out.partition, parse(out.value or b"", OUTCOMES)) for out in self.outs]


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
async def kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two offerings; on one of them more people than fit into two pages, one of whom has booked twice."""
    monkeypatch.setattr(restate, "REST", 0)
    monkeypatch.setattr(restate, "IDLE_SECONDS", 0)
    await Store(database).prepare()
    offerings = [offering("o1"), offering("o2")]
    await database["offerings"].insert_many([ledger_document(Ledger(offering=one)) for one in offerings])
    claims = {f"p{n}": [booking(n)] for n in range(PEOPLE)}
    claims["p0"].append(booking(0, "again", version=9_000))
    people = [
        Claimant(
            id=f"o1\n{one}",
            offering_id="o1",
            person_id=one,
            bookings=[Claim(n, booked) for n, booked in enumerate(own, 1)],
        )
        for one, own in claims.items()
    ]
    await database["claimants"].insert_many([claimant_document(one) for one in people])
    return database


def offering(offering_id: str) -> Offering:
    return Offering(
        offering_id=offering_id,
        course_id="c",
        title="Reihe",
        host_organisation_id="bonn",
        format="online",
        capacity=None,
        waiting_list=True,
        delegations=[],
        sessions=[],
        version=1,
    )


def booking(number: int, name: str = "b", **fields: object) -> Booking:
    known = {"organisation_id": None, "department": None, "status_group": None, "version": number + 2}
    return Booking(
        booking_id=f"{name}{number}",
        offering_id="o1",
        course_id="c",
        person_id=f"p{number}",
        status="confirmed",
        requested_at=NOW,
        **(known | fields),  # type: ignore[arg-type]
    )


async def walk(restating: Restating, turns: int = 50) -> None:
    for _ in range(turns):
        await restating.turn()


async def test_everything_is_said_with_its_version_between_marks_on_its_own_partition(
    kept: Database, topic: Topic
) -> None:
    restating = Restating(kept, topic, Clock(NOW), PARTITIONS)
    generation, joined = await restating.begin()
    await walk(restating)

    assert not joined
    kinds = [event.type for _, event in topic.events]
    assert kinds[:PARTITIONS] == [RESTATING] * PARTITIONS
    assert kinds[-PARTITIONS:] == [RESTATED] * PARTITIONS
    for marks in (topic.events[:PARTITIONS], topic.events[-PARTITIONS:]):
        assert {partition for partition, _ in marks} == {*range(PARTITIONS)}
        assert {event.data.generation for _, event in marks} == {generation}
    said = {event.data.booking_id: event.data for _, event in topic.events if isinstance(event.data, Booking)}
    assert {one.version for one in said.values()} == {*range(2, PEOPLE + 2), 9_000}
    assert len(said) == PEOPLE + 1
    assert kinds.count("enrolment.booking.restated.v1") == PEOPLE + 1
    assert kinds.count("enrolment.offering.restated.v1") == 2
    assert all(partition_of(out.key or b"", PARTITIONS) == out.partition for out in topic.outs)
    of_o1 = {
        out.key for out, (_, event) in zip(topic.outs, topic.events, strict=True) if isinstance(event.data, Booking)
    }
    assert of_o1 == {b"o1"}
    state = await restating.state()
    assert state is not None
    assert (state["stage"], state["said"], state["entities"]) == (DONE, PEOPLE + 2, PEOPLE + 2)
    assert {*state["ends"]} == {str(one) for one in range(PARTITIONS)}


@pytest.mark.parametrize("stage", STAGES)
async def test_whoever_dies_at_any_stage_is_succeeded_and_nothing_is_left_out(
    kept: Database, topic: Topic, stage: str
) -> None:
    first, second = (Restating(kept, topic, Clock(NOW), PARTITIONS) for _ in range(2))
    await first.begin()
    while (await first.state() or {})["stage"] != stage:
        await first.turn()
    topic.broken = 1
    with pytest.raises(Unpublished):  # said, and not known to be: as if it died
        await first.turn()
    done = len(topic.outs)
    await walk(second)
    assert len(topic.outs) == done, "the lease of the first one is not over"
    second._clock.set(NOW + timedelta(minutes=1))
    await walk(second)

    assert (await first.state() or {})["stage"] == DONE
    said = Counter(event.data.booking_id for _, event in topic.events if isinstance(event.data, Booking))
    assert len(said) == PEOPLE + 1
    kinds = [event.type for _, event in topic.events]
    assert kinds[-PARTITIONS:] == [RESTATED] * PARTITIONS
    assert kinds.index("enrolment.offering.restated.v1") >= PARTITIONS


async def test_who_asks_while_one_is_under_way_joins_it_and_afterwards_begins_a_later_one(
    kept: Database, topic: Topic
) -> None:
    restating, other = (Restating(kept, topic, Clock(NOW), PARTITIONS) for _ in range(2))
    await asyncio.gather(*(restating.state() for _ in range(9)))  # a connection each, so that none waits for another
    begun = await asyncio.gather(*(one.begin() for one in (restating, other) * 4))
    await restating.turn()
    late = await other.begin()
    await walk(restating)
    next_one = await other.begin()

    assert {one.generation for one in begun} == {late.generation}
    assert [one.joined for one in begun].count(False) == 1
    assert late.joined
    assert not next_one.joined
    assert next_one.generation > late.generation


async def test_an_old_booking_without_the_times_of_its_cohorts_has_the_request_s(kept: Database, topic: Topic) -> None:
    known = Assigned(cohort="B", at=NOW + timedelta(days=1))
    old = booking(1, "old", cohorts=["A", "B"], assigned=[known], version=1)
    one = Claimant(id="o2\np1", offering_id="o2", person_id="p1", bookings=[Claim(1, old)])
    await kept["claimants"].insert_one(claimant_document(one))
    restating = Restating(kept, topic, Clock(NOW), PARTITIONS)
    await restating.begin()
    await walk(restating)

    [said] = [event.data for _, event in topic.events if getattr(event.data, "booking_id", "") == "old1"]
    assert said.assigned == [known, Assigned(cohort="A", at=NOW)]
