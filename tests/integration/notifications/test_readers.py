"""Lists for trainers and certificates: on a real database and over SMTP."""

import io
from collections.abc import Collection
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import httpx2
import pytest
from fastapi import FastAPI
from pypdf import PdfReader

from services.notifications import certificate_pages
from services.notifications.links import Links
from services.notifications.trainers_firing import Rosters
from shared import web
from shared.events import Attendance, Course, Organisation, PersonErased, Presence
from shared.runtime import Database
from tests.support.notifications_world import NOW, START, World, booking, offering, person, session

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database).prepared()
    await world.feed(
        ("organisation.changed", Organisation(organisation_id="jena", name="Stadt Jena", version=1)),
        ("lms.person.changed.v1", person("tom", display_name="Tom Trainer")),
        ("lms.person.changed.v1", person("anna", display_name="Anna Arnold", organisation_id="jena")),
        ("lms.person.changed.v1", person("bela", display_name="Bela Brandt")),
        ("offering.scheduled", offering(1, trainers=["tom"])),
        ("booking.confirmed", booking(2, "anna")),
        ("booking.waitlisted", booking(3, "bela", status="waiting")),
    )
    return world


async def nothing(_partitions: Collection[int]) -> None:
    """The marks come from the tests."""


async def at(world: World, moment: datetime) -> list[str]:
    """Move the clock there, let a mark through, and send; the texts of new lists."""
    world.clock.set(moment)
    await world.mark()
    before, rosters = len(world.mail.accepted), Rosters(world.database, world.clock, nothing, lambda: None, 10)
    while await rosters.tell_due():
        pass
    await deliver(world)
    return [text(raw) for address, raw in world.mail.accepted[before:] if address == "tom@stadt.example"]


async def deliver(world: World) -> None:
    async with world.mail.listening() as port:
        sender = world.sender(port, links_key="k" * 32)
        while await sender.send_due():
            pass


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def text(raw: bytes) -> str:
    body = read(raw).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_trainer_gets_the_list_seven_days_and_one_day_before(world: World) -> None:
    assert await at(world, START - 7 * DAY - MINUTE) == []
    (week,) = await at(world, START - 7 * DAY)
    assert "1. Anna Arnold, Stadt Jena" in week
    assert "Bela" not in week
    assert await at(world, START - 2 * DAY) == []
    assert len(await at(world, START - DAY)) == 1
    assert await at(world, START + DAY) == []


async def test_it_is_not_made_before_its_partition_has_been_read_so_far(world: World) -> None:
    world.clock.set(START - 7 * DAY)
    await world.mark(START - 7 * DAY - MINUTE)
    asked: list[int] = []

    async def append(partitions: Collection[int]) -> None:
        asked.extend(partitions)

    rosters = Rosters(world.database, world.clock, append, lambda: None, 10)
    assert await rosters.tell_due() == 0
    assert len(asked) == 1
    assert await rosters.backlog() == 1


async def test_late_changes_are_told_together_within_an_hour(world: World) -> None:
    await at(world, START - 7 * DAY)
    late = START - 3 * DAY
    world.clock.set(late)
    await world.feed(("booking.promoted", booking(4, "bela")))
    world.clock.set(late + 20 * MINUTE)
    await world.feed(("booking.cancelled", booking(5, "anna", status="cancelled", reason="withdrawn")))

    assert await at(world, late + 59 * MINUTE) == []
    (update,) = await at(world, late + HOUR + MINUTE)
    assert "1. Bela Brandt" in update
    assert "Anna" not in update
    assert await at(world, late + 5 * HOUR) == []


async def test_a_change_shortly_before_is_told_before_the_beginning(world: World) -> None:
    await at(world, START - DAY)
    await at(world, START - 40 * MINUTE)
    await world.feed(("booking.promoted", booking(4, "bela")))

    assert await at(world, START - 16 * MINUTE) == []
    assert len(await at(world, START - 14 * MINUTE)) == 1


async def test_a_change_that_the_next_list_tells_anyway_needs_none_of_its_own(world: World) -> None:
    world.clock.set(START - DAY - 10 * MINUTE)
    await world.feed(("booking.promoted", booking(4, "bela")))

    assert len(await at(world, START - DAY)) == 1
    assert await at(world, START - 20 * HOUR) == []


async def test_after_a_standstill_one_list_will_do(world: World) -> None:
    world.clock.set(START - 6 * DAY)
    await world.feed(("booking.promoted", booking(4, "bela")))

    (only,) = await at(world, START - HOUR)
    assert "2. Bela Brandt" in only


async def test_a_moved_session_has_its_list_a_week_before_its_new_time(world: World) -> None:
    moved = [session("s1", START + 30 * DAY)]
    await world.feed(("offering.rescheduled", offering(4, trainers=["tom"], sessions=moved)))

    assert not [one for one in await at(world, START - 7 * DAY) if "Bestätigte Plätze" in one]
    assert len(await at(world, START + 23 * DAY)) == 1


async def test_who_becomes_the_trainer_later_gets_the_lists_to_come(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("tina")),
        ("offering.scheduled", offering(4, "o2")),
        ("offering.scheduled", offering(5, "o2", trainers=["tina"])),
    )
    await at(world, START - 7 * DAY)

    assert [one["person_id"] for one in await world.messages(kind="roster")] == ["tom", "tina"]


async def test_an_erased_person_is_on_no_list_and_in_no_mail_that_was_sent(world: World) -> None:
    await world.feed(("booking.promoted", booking(4, "bela")))
    await at(world, START - 7 * DAY)
    (sent,) = await world.messages(kind="roster")
    assert {"tom", "anna", "bela"} == {*sent["mentions"]}

    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    (cleared,) = await world.messages(kind="roster")
    assert "raw" not in cleared
    assert "anna" not in cleared["mentions"] + cleared["people"]
    assert cleared["status"] == "sent"
    (day,) = await at(world, START - DAY)
    assert "Anna" not in day
    assert "1. Bela Brandt" in day


async def test_an_erasure_while_the_list_waits_does_not_take_it_from_its_trainer(world: World) -> None:
    world.clock.set(START - 7 * DAY)
    await world.mark()
    await Rosters(world.database, world.clock, nothing, lambda: None, 10).tell_due()
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
    await deliver(world)

    (message,) = await world.messages(kind="roster")
    assert (message["status"], message["people"]) == ("sent", [])
    assert "Anna" not in text(world.mail.accepted[-1][1])


# --- certificates ---------------------------------------------------------------------------------------------------


def attended(status: Presence = "attended") -> list[Attendance]:
    return [Attendance(session_id="s1", status=status, recorded_at=NOW)]


async def test_who_attended_all_gets_the_certificate_by_mail_though_the_course_is_over(world: World) -> None:
    world.clock.set(START + DAY)
    course = Course(course_id="c1", title="Strategie", topics=[], competencies=["Weitblick"], version=1)
    await world.feed(
        ("course.changed", course),
        ("booking.attendance_recorded", booking(5, "anna", attendance=attended())),
        ("booking.completed", booking(6, "anna", attendance=attended(), completed_at=START)),
    )
    await deliver(world)

    (message,) = await world.messages(kind="certificate")
    (kept,) = [one async for one in world.database["certificates"].find()]
    mail = read(world.mail.accepted[-1][1])
    (file,) = [one for one in mail.iter_attachments() if one.get_content_type() == "application/pdf"]
    printed = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(file.get_content())).pages)
    assert (message["status"], message["to"]) == ("sent", "anna@stadt.example")
    assert file.get_filename() == "teilnahmebescheinigung.pdf"
    for words in ("Anna Arnold", "Strategie", "Weitblick", kept["code"][:5]):
        assert words in printed
    assert "Anna" not in str(kept)


async def test_a_certificate_that_was_withdrawn_before_it_went_out_does_not(world: World) -> None:
    await world.feed(
        ("booking.attendance_recorded", booking(5, "anna", attendance=attended())),
        ("booking.attendance_recorded", booking(6, "anna", attendance=attended("absent"))),
    )
    await deliver(world)

    (message,) = await world.messages(kind="certificate")
    assert (message["status"], message["reason"]) == ("withheld", "superseded")


async def test_a_code_is_valid_until_it_is_withdrawn_or_its_person_erased(world: World) -> None:
    app = FastAPI()
    web.install(app)
    settings = world.settings(25)
    app.include_router(certificate_pages.router(world.database, Links(settings), settings))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:

        async def statuses() -> tuple[int, int]:
            page = await client.get(f"/notifications/certificates/{code.lower()}")
            assert "Anna" not in page.text
            assert "Wirken" not in page.text
            return page.status_code, (await client.get("/notifications/bookings/b-anna/certificate.pdf")).status_code

        await world.feed(("booking.attendance_recorded", booking(5, "anna", attendance=attended())))
        (kept,) = [one async for one in world.database["certificates"].find()]
        code = kept["code"]
        assert await statuses() == (200, 200)
        await world.feed(("booking.attendance_recorded", booking(6, "anna", attendance=attended("absent"))))
        assert await statuses() == (404, 404)
        await world.feed(("booking.attendance_recorded", booking(7, "anna", attendance=attended())))
        assert await statuses() == (200, 200)
        await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))
        assert await statuses() == (404, 404)
        await world.feed(("booking.erased", booking(8, "pseudonym-2", booking_id="b-anna", attendance=attended())))
        assert await world.database["certificates"].count_documents({}) == 0
        assert (await client.get("/notifications/certificates/")).status_code == 200
        asked = await client.get("/notifications/certificates/", params={"code": code, "lang": "en"})
        assert asked.headers["location"].endswith("?lang=en")
        assert (await client.get("/notifications/certificates/?code=wrong")).status_code == 404
