"""What API, pages and the clock's loop read of enrolment's documents."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment import seats
from services.enrolment.documents import Document, attributes_of, claimant_of, ledger_of
from services.enrolment.offerings import next_deadline
from services.enrolment.state import Attributes, Ledger
from services.enrolment.waiting import Claimant
from shared.events import Booking, Offering


class Seats(msgspec.Struct, frozen=True):
    """How an offering is booked. `free`: open seats; None without a limit."""

    capacity: int | None
    confirmed: int
    waiting: int
    awaiting_approval: int
    free: int | None


class DelegationView(msgspec.Struct, frozen=True):
    """The seats set aside for one organisation, and its people on the offering."""

    organisation_id: str
    seats: int
    confirmed: int
    waiting: int
    release_at: datetime | None
    released: bool


class OfferingView(msgspec.Struct, frozen=True):
    """An offering with its seats. `answer` is the shape of the API."""

    offering: Offering
    seats: Seats
    delegations: list[DelegationView]

    def answer(self) -> "OfferingAnswer":
        """The offering's own fields, with `seats`, and the delegations with their counts."""
        own = msgspec.structs.asdict(self.offering)
        return OfferingAnswer(**{**own, "seats": self.seats, "delegations": self.delegations})


class OfferingAnswer(Offering, kw_only=True):
    """A bookable run of a course with its seats."""

    seats: Seats
    delegations: list[DelegationView]  # type: ignore[assignment] # with counts, where the event has none


class BookingView(Booking, kw_only=True):
    """A booking, and its place on the waiting list, counted from 1."""

    waiting_position: int | None = None


class Deadline(msgspec.Struct, frozen=True):
    """The moment at which seats of an offering are released."""

    offering_id: str
    at: datetime


class Views:
    """Reads what is shown; nothing here is decided on."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def offering(self, offering_id: str) -> OfferingView | None:
        """One offering; None if it is not known."""
        ledger = await self.ledger(offering_id)
        return None if ledger is None else offering_view(ledger)

    async def offerings(self) -> list[OfferingView]:
        """All offerings, in the order of their ids."""
        cursor = self._database["offerings"].find().sort("_id")
        return [offering_view(ledger_of(document)) async for document in cursor]

    async def bookings(self, offering_id: str) -> list[BookingView]:
        """All bookings of an offering, in the order of the requests on the log."""
        return booking_views(await self.claimants(offering_id))

    async def claimants(self, offering_id: str) -> list[Claimant]:
        """Everybody on an offering, in the order of their ids."""
        ids = {"$gt": f"{offering_id}\n", "$lt": f"{offering_id}\x0b"}
        return [claimant_of(document) async for document in self._database["claimants"].find({"_id": ids})]

    async def assigned(self, offering: Offering) -> list[Claimant]:
        """Whoever was assigned to an offering with a cohort, there and on all other runs of its course."""
        claimants = self._database["claimants"]
        query: Document = {"offering_id": offering.offering_id, "assigned": {"$exists": True}}
        own = [claimant_of(document) async for document in claimants.find(query)]
        query = {
            "bookings.booking.course_id": offering.course_id,
            "person_id": {"$in": [one.person_id for one in own]},
            "offering_id": {"$ne": offering.offering_id},
        }
        return [*own, *[claimant_of(document) async for document in claimants.find(query)]] if own else own

    async def ledger(self, offering_id: str) -> Ledger | None:
        """One offering with its counts; None if it is not known."""
        document = await self._database["offerings"].find_one({"_id": offering_id})
        return None if document is None else ledger_of(document)

    async def organisations(self, ids: Collection[str]) -> dict[str, str]:
        """Names of these organisations; those not known are missing."""
        cursor = self._database["organisations"].find({"_id": {"$in": sorted(ids)}})
        return {document["_id"]: document["entity"]["name"] async for document in cursor}

    async def due(self, now: datetime, limit: int) -> list[Deadline]:
        """Deadlines that have passed, the oldest first."""
        cursor = self._database["offerings"].find({"next_deadline": {"$lte": now}}).sort("next_deadline").limit(limit)
        offerings = [ledger_of(document).offering async for document in cursor]
        moments = [(offering.offering_id, next_deadline(offering)) for offering in offerings]
        return [Deadline(offering_id, at) for offering_id, at in moments if at is not None]

    async def attributes(self, people: Collection[str]) -> dict[str, Attributes]:
        """What is known of these people; those of whom nothing is are missing."""
        cursor = self._database["people"].find({"_id": {"$in": [*people]}})
        return {document["_id"]: attributes_of(document) async for document in cursor}


def offering_view(ledger: Ledger) -> OfferingView:
    """An offering with its counts."""
    offering, free = ledger.offering, seats.open_free(ledger)
    return OfferingView(
        offering,
        Seats(
            offering.capacity,
            ledger.confirmed,
            ledger.waiting,
            ledger.awaiting,
            None if free is None else max(0, free),
        ),
        [
            DelegationView(
                one.organisation_id,
                one.seats,
                ledger.tallies[one.organisation_id].confirmed,
                ledger.tallies[one.organisation_id].waiting,
                one.release_at,
                one.organisation_id in offering.released,
            )
            for one in offering.delegations
        ],
    )


def booking_views(claimants: Collection[Claimant]) -> list[BookingView]:
    """Bookings in the order of the requests, with their places on the waiting list."""
    numbers = sorted(one.place for one in claimants if one.place is not None)
    places = {number: place for place, number in enumerate(numbers, 1)}
    claims = [(claim.seq, claim.booking, one) for one in claimants for claim in one.bookings]
    return [
        BookingView(
            **msgspec.structs.asdict(booking),
            waiting_position=places[one.place or 0] if booking.status == "waiting" else None,
        )
        for _, booking, one in sorted(claims, key=lambda claim: claim[0])
    ]
