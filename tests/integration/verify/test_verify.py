"""`lernbus verify` on a running stack: clean as it is, and every check names what was broken by hand."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from pymongo.collection import Collection

from lernbus.client import Client
from shared.events import Booking
from shared.publisher import Out
from tests.support.planted import World, request

LATE = datetime(2024, 11, 13, tzinfo=UTC)


class Plant(NamedTuple):
    """What is broken (by name also the offering on which), and the invariant and the words that must be said of it."""

    name: str
    by: Callable[[World, str], Any]
    invariant: int
    words: str


def of(world: World, place: str) -> Collection[dict[str, Any]]:
    service, _, name = place.partition(".")
    return world.databases[service][name]


def change(place: str, key: str, **update: Any) -> Callable[[World, str], Any]:
    """Update one document; in `key` and in the update {o} is the offering."""

    def plant(world: World, offering: str) -> None:
        changes = {f"${operator}": fields for operator, fields in update.items()}
        done = of(world, place).update_one({"_id": key.format(o=offering)}, changes)
        assert done.modified_count == 1, key

    return plant


def remove(place: str, **query: Any) -> Callable[[World, str], Any]:
    def plant(world: World, offering: str) -> None:
        wanted = {name: value.format(o=offering) if isinstance(value, str) else value for name, value in query.items()}
        assert of(world, place).delete_one(wanted).deleted_count == 1

    return plant


def edit(place: str, query: dict[str, Any], **fields: Any) -> Callable[[World, str], Any]:
    """Set fields of one document of the offering."""

    def plant(world: World, offering: str) -> None:
        found = {name: value.format(o=offering) if isinstance(value, str) else value for name, value in query.items()}
        assert of(world, place).update_one(found, {"$set": fields}).matched_count == 1

    return plant


def copied(place: str, query: dict[str, Any], **fields: Any) -> Callable[[World, str], Any]:
    """Put one document there again, changed."""

    def plant(world: World, offering: str) -> None:
        wanted = {name: value.format(o=offering) if isinstance(value, str) else value for name, value in query.items()}
        document = of(world, place).find_one(wanted)
        assert document is not None
        of(world, place).insert_one({**document, "_id": f"planted {offering}", **fields})

    return plant


def second_booking(world: World, offering: str) -> None:
    people = of(world, "enrolment.claimants")
    found = people.find_one({"_id": f"{offering}\na"})
    assert found is not None
    claim = {"seq": 9, "booking": {**found["bookings"][0]["booking"], "booking_id": "second"}}
    people.update_one({"_id": found["_id"]}, {"$push": {"bookings": {"$each": [claim], "$position": 0}}})


A = {"offering_id": "{o}", "person_id": "a"}
CONFIRMED = {**A, "kind": "confirmed"}
REMINDER = {**A, "kind": "reminder"}
OWN = "offering {o}"
PLANTS = [
    Plant("counter", change("enrolment.offerings", "{o}", inc={"confirmed": 1}), 1, f"{OWN}: 3 bookings are"),
    Plant("seated", change("enrolment.claimants", "{o}\nc", set={"bookings.0.booking.status": "confirmed"}), 1,
          f"{OWN}: 2 bookings are counted as confirmed, and 3 are kept"),
    Plant("altered", change("enrolment.claimants", "{o}\nc", set={"bookings.0.booking.department": "x"}), 4,
          "and was published last as waiting"),
    Plant("widened", change("enrolment.offerings", "{o}", set={"offering.capacity": 3}), 2, f"{OWN}: a seat is free"),
    Plant("retitled", change("enrolment.offerings", "{o}", set={"offering.title": "x"}), 4,
          f"{OWN}: is not kept as it was published last"),
    Plant("place", change("enrolment.claimants", "{o}\nd", set={"waiting": 1}), 2, f"{OWN}: place 1 on the"),
    Plant("twice", second_booking, 3, f"{OWN}: a has 2 live bookings"),
    Plant("unbooked", remove("enrolment.claimants", _id="{o}\nc"), 4, "was published, and is not kept"),
    Plant("gone", remove("enrolment.offerings", _id="{o}"), 4, f"{OWN}: version 5 was published, and nothing is kept"),
    Plant("orphan", remove("enrolment.offerings", _id="{o}"), 4, "person a: is on offering {o}, which is not kept"),
    Plant("course", change("enrolment.courses", "c", set={"entity.title": "x"}), 4, "course c: version 1 is kept"),
    Plant("held", remove("enrolment.held", key="not scheduled"), 4, "are counted as held, and 0 are kept"),
    Plant("address", change("enrolment.claimants", "{o}\na", set={"email": "a@example.org"}), 7,
          "person a: enrolment keeps what it must not know: email"),
    Plant("attributes", change("enrolment.people", "e", set={"organisation_id": "jena"}), 7,
          "person e: is erased, and organisation_id is still kept"),
    Plant("untold", remove("notifications.messages", **CONFIRMED), 5, "person a on offering {o}: was never told"),
    Plant("retold", copied("notifications.messages", CONFIRMED), 5, "message planted {o} (confirmed): tells nothing"),
    Plant("unexplained", edit("notifications.messages", CONFIRMED, status="withheld"), 5, "is withheld, and no reason"),
    Plant("unsent", edit("notifications.messages", CONFIRMED, status="planned", next_try=LATE,
                         lease={"token": "x", "until": datetime(2200, 1, 1, tzinfo=UTC)}), 5, "nobody has tried"),
    Plant("reminded twice", copied("notifications.messages", REMINDER), 5,
          "person a on offering {o}: was reminded 2 times of session s, 7 days before"),
    Plant("reminded late", copied("notifications.messages", REMINDER, created_at="2024-11-21T08:30:00Z"), 5,
          "message planted {o} (reminder): reminds of a session that had begun"),
    Plant("reminded seatless", copied("notifications.messages", REMINDER, about="c", person_id="c"), 5,
          "message planted {o} (reminder): reminds c, who had no seat then"),
    Plant("unreminded", remove("notifications.messages", **REMINDER), 5,
          "person a on offering {o}: was not reminded of session s, 7 days before"),
    Plant("not due", remove("notifications.due", offering_id="{o}", days=1), 5,
          f"{OWN}: nobody will be reminded of session s, 1 days before"),
    Plant("due twice", copied("notifications.due", {"offering_id": "{o}"}, session_id="x"), 5,
          f"{OWN}: a reminder is due for session x at a time that is not its own"),
    Plant("roster", edit("notifications.bookings", A, status="waiting"), 4, "stands on the roster as waiting"),
    Plant("contact", change("notifications.contacts", "e", set={"person": {"person_id": "e"}}), 7,
          "person e: is erased, and the contact is still kept"),
    Plant("readdressed", edit("notifications.messages", {"person_id": "e", "kind": "confirmed"}, to="e@example.org"), 7,
          "still has the address or the subject of an erased reader"),
    Plant("mail", edit("notifications.messages", {"person_id": "e", "kind": "confirmed"}, raw=b"To: Person e"), 7,
          "keeps the mail to or about an erased person"),
    Plant("sum", lambda world, offering: of(world, "stats.counters").update_one(
        {"offering_id": offering, "trace": {"$regex": "confirmed"}}, {"$inc": {"n": 1}}), 6,
        "counter of offering {o}, confirmed: the counter says 3, and 2 facts are behind it"),
    Plant("factless", remove("stats.facts", **{"booking.offering_id": "{o}", "booking.person_id": "a"}), 6,
          "enrolment keeps it, and stats has no fact of it"),
    Plant("other fact", edit("stats.facts", {"booking.offering_id": "{o}", "booking.person_id": "a"},
                             **{"booking.status": "waiting"}), 6, "stats and enrolment differ in status"),
    Plant("hidden", edit("stats.facts", {"booking.offering_id": "{o}", "booking.person_id": "a"}, years=[]), 6,
          "is not found for the year 2024"),
    Plant("named", edit("stats.facts", {"booking.offering_id": "{o}", "booking.person_id": "a"},
                        **{"booking.display_name": "A"}), 7, "stats keeps what it must not know: display_name"),
]  # fmt: skip
TALLIES = {"enrolment": "lms.events", "notifications": "enrolment.events", "stats": "enrolment.events"}


@pytest.fixture(scope="module")
def offerings() -> list[str]:
    return [*(plant.name for plant in PLANTS), "overbooked", "passed", "gap"]


@pytest.fixture(scope="module")
def said(world: World) -> list[str]:
    """What is said when everything is broken at once, after it was clean; then it is as it was."""
    broken, lines = world.verify()
    assert not broken, lines
    world.keep()
    for plant in PLANTS:
        plant.by(world, plant.name)
    for service, topic in TALLIES.items():
        tally(world, f"{service}/{topic}/0", applied=1)
    tally(world, "enrolment/lms.people/1", applied=-1, dead_lettered=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lernbus.verify.PATIENCE_SECONDS", 1)  # one of the plants is a mail that stays due
        broken, lines = world.verify()
    assert broken
    world.restore()
    for service, topic in TALLIES.items():
        tally(world, f"{service}/{topic}/0", applied=-1)
    tally(world, "enrolment/lms.people/1", applied=1, dead_lettered=-1)
    return lines


def tally(world: World, position: str, **by: int) -> None:
    changes = {"$inc": {f"tally.{outcome}": n for outcome, n in by.items()}}
    service = position.partition("/")[0]
    assert world.databases[service]["positions"].update_one({"_id": position}, changes).modified_count == 1


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_was_broken_is_named(plant: Plant, said: list[str]) -> None:
    words = plant.words.format(o=plant.name)
    assert [line for line in said if line.startswith(f"invariant {plant.invariant} broken: ") and words in line]


@pytest.mark.parametrize("service", TALLIES)
def test_a_record_without_an_outcome_is_named(service: str, said: list[str]) -> None:
    place = f"invariant 4 broken: {service}: {service} {TALLIES[service]}/0: "
    assert [line for line in said if line.startswith(place) and "have an outcome" in line]


def test_a_lacking_dead_letter_is_named(said: list[str]) -> None:
    place = "invariant 4 broken: enrolment: enrolment lms.people/1: 1 records are counted as dead_lettered, and 0 "
    assert [line for line in said if line.startswith(place)]


@pytest.mark.usefixtures("said")
def test_a_stack_as_it_was_is_clean_and_says_what_was_checked(world: World) -> None:
    broken, lines = world.verify()
    assert not broken, lines
    assert lines[-1] == "all seven invariants hold"
    numbers = " ".join(lines)
    known = len(PLANTS) + 4
    assert f"{known} offerings" in numbers
    assert f"{4 * (known - 1) + 1} bookings" in numbers
    assert "1 dead letters, 1 held" in numbers


def test_events_that_come_in_meanwhile_are_no_fault(world: World) -> None:
    """Somebody books all the time."""
    stop = threading.Event()

    def book() -> None:
        with Client(world.client.url) as client:
            for number in count():
                some = [request(plant.name, f"x{number}") for plant in PLANTS[:5]]
                client.push([world.event(kind, data) for kind, data in some])
                if stop.wait(0.1):
                    return

    thread = threading.Thread(target=book)
    thread.start()
    try:
        broken, lines = world.verify()
    finally:
        stop.set()
        thread.join()
    assert not broken, lines
    assert not world.verify()[0]


# --- what cannot be undone: the last tests here -----------------------------------------------------------------


def booking_of(world: World, offering: str, person: str) -> dict[str, Any]:
    found = of(world, "enrolment.claimants").find_one({"_id": f"{offering}\n{person}"})
    assert found is not None
    booking: dict[str, Any] = found["bookings"][-1]["booking"]
    return booking


def seat(world: World, offering: str, person: str, version: int, kind: str, status: str) -> None:
    """Give somebody who waits a seat, or take one: on the log and in the database, as a wrong decision would."""
    document = {**booking_of(world, offering, person), "status": status, "version": version, "cause": "planted"}
    booking = msgspec.convert(document, Booking)
    update = {"$set": {"bookings.0.booking": document}, "$unset": {"waiting": "", "organisation": ""}}
    of(world, "enrolment.claimants").update_one({"_id": f"{offering}\n{person}"}, update)
    world.publish(kind, booking, offering)


def count_anew(world: World, offering: str, **fields: int) -> None:
    of(world, "enrolment.offerings").update_one({"_id": offering}, {"$set": fields})


def names(lines: list[str], offering: str) -> set[str]:
    prefix = " broken: enrolment: offering "
    found = (line.partition(prefix) for line in lines if prefix in line)
    return {f"{before}: {rest.partition(': ')[2]}" for before, _, rest in found if rest.startswith(f"{offering}: ")}


def test_wrong_decisions_are_named_from_the_history_alone(world: World) -> None:
    """Counters, documents and log agree; only who recounts the rule finds it."""
    seat(world, "overbooked", "c", 6, "booking.promoted", "confirmed")
    count_anew(world, "overbooked", version=6, confirmed=3, waiting=1)
    seat(world, "passed", "a", 6, "booking.cancelled", "cancelled")
    seat(world, "passed", "d", 7, "booking.promoted", "confirmed")
    count_anew(world, "passed", version=7, confirmed=2, waiting=1)
    seat(world, "gap", "a", 7, "booking.attendance_recorded", "confirmed")
    count_anew(world, "gap", version=7)
    broken, lines = world.verify()
    assert broken
    (over,) = names(lines, "overbooked")
    assert over.startswith("invariant 1: booking ")
    assert over.endswith("got a seat as version 6 that was not free: capacity 2, confirmed 2")
    (passed,) = names(lines, "passed")
    assert passed.startswith("invariant 2: booking ")
    assert passed.endswith("which waited longer and could have the seat")
    assert names(lines, "gap") == {"invariant 4: version 7 follows 5: an outcome was never published"}


def test_dead_letters_without_a_reason_are_named(world: World) -> None:
    world.send(Out("stats.dead-letters", 2, b"x", b"{}"))
    _, lines = world.verify()
    assert "invariant 4 broken: stats: stats dead letter 2/0: has no reason or origin" in lines


def test_a_mail_that_does_not_go_out_ends_the_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lernbus.verify.PATIENCE_SECONDS", 1)
    free = {"status": "sent", "kind": "confirmed"}
    held = {"status": "planned", "next_try": LATE, "lease": {"token": "x", "until": datetime(2200, 1, 1, tzinfo=UTC)}}
    of(world, "notifications.messages").update_one(free, {"$set": held})
    _, lines = world.verify()
    assert "not checked: whether mail goes out: 1 mails or reminders stay due for 1 s" in lines
