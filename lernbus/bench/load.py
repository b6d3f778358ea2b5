"""What is pushed: offerings, and requests that go round them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from services.enrolment.events import BookingRequested
from services.enrolment.offering_events import OfferingScheduled
from shared.cloudevents import Event, encode
from shared.events import LMS_EVENTS, Session
from shared.keys import partition_of
from shared.publisher import Out

SOURCE: Final = "lms/bench"
NOW: Final = datetime(2024, 11, 1, 9, tzinfo=UTC)
ORGANISATIONS: Final = 25


def offerings(ids: Sequence[str], capacity: int, partitions: int) -> list[Out]:
    """Schedule offerings with a waiting list."""
    return [_out(LMS_EVENTS, f"scheduled-{one}", scheduled(one, capacity), partitions) for one in ids]


def requests(topic: str, name: str, ids: Sequence[str], count: int, partitions: int) -> list[Out]:
    """Requests `name`-0, `name`-1, ..., each by another person, round the offerings."""
    return [
        _out(topic, f"{name}-{number}", requested(ids[number % len(ids)], f"{name}-p{number}", number), partitions)
        for number in range(count)
    ]


def names(prefix: str, count: int) -> list[str]:
    """Ids of offerings."""
    return [f"{prefix}-{number}" for number in range(count)]


def _out(topic: str, name: str, data: OfferingScheduled | BookingRequested, partitions: int) -> Out:
    kind = "lms.offering.scheduled.v1" if isinstance(data, OfferingScheduled) else "lms.booking.requested.v1"
    key = data.offering_id.encode()
    return Out(topic, partition_of(key, partitions), key, encode(Event(name, SOURCE, kind, NOW, data)))


def scheduled(offering_id: str, capacity: int) -> OfferingScheduled:
    """An offering online with a waiting list."""
    begins = NOW + timedelta(days=20)
    session = Session(
        session_id=f"{offering_id}-1",
        title="Modul 1",
        format="online",
        starts_at=begins,
        ends_at=begins + timedelta(hours=6),
        join_url="https://example.org/room",
    )
    return OfferingScheduled(
        offering_id=offering_id,
        course_id="course-1",
        title="Interkulturelle Kommunikation in Teams",
        host_organisation_id="org-0",
        format="online",
        capacity=capacity,
        waiting_list=True,
        sessions=[session],
        approval="none",
    )


def requested(offering_id: str, person_id: str, number: int) -> BookingRequested:
    """A request; `number` spreads organisations and departments."""
    return BookingRequested(
        offering_id=offering_id,
        person_id=person_id,
        organisation_id=f"org-{number % ORGANISATIONS}",
        department=f"Amt {number % 40}",
        status_group="civil_servant",
    )
