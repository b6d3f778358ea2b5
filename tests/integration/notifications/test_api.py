from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications import api
from shared import web
from tests.support.notifications_world import World, booking, offering, person, session

FIELDS = [
    "message_id",
    "kind",
    "person_id",
    "offering_id",
    "session_id",
    "to",
    "subject",
    "language",
    "status",
    "reason",
    "created_at",
    "sent_at",
]


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    return await World(database).prepared()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    web.install(app)
    app.include_router(api.router(world.database))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def listed(client: httpx2.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/notifications/api/messages{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def two_offerings(world: World) -> None:
    await world.feed(
        ("lms.person.changed.v1", person("anna")),
        ("offering.scheduled", offering(1)),
        ("offering.scheduled", offering(1, "o2")),
        ("booking.confirmed", booking(2, "anna")),
        ("booking.waitlisted", booking(3, "bela", status="waiting")),
        ("booking.confirmed", booking(2, "anna", booking_id="b2", offering_id="o2")),
        ("offering.rescheduled", offering(4, sessions=[session("s2")])),
    )


async def test_messages_are_listed_in_the_order_of_creation(world: World, client: httpx2.AsyncClient) -> None:
    await two_offerings(world)
    found = await listed(client)
    assert [list(one) for one in found] == [FIELDS] * 5
    assert [(one["kind"], one["person_id"]) for one in found] == [
        ("confirmed", "anna"),
        ("waitlisted", "bela"),
        ("confirmed", "anna"),
        ("rescheduled", "anna"),
        ("rescheduled", "bela"),
    ]
    assert found[0]["status"] == "planned"
    assert found[0]["created_at"].startswith("2024-11-04T08:00:0")
    assert found[0]["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?person_id=anna", 3),
        ("?offering_id=o1", 4),
        ("?kind=rescheduled", 2),
        ("?person_id=anna&offering_id=o1&kind=rescheduled", 1),
        ("?person_id=nobody", 0),
        ("?person_id=&offering_id=&kind=&after=&limit=2", 2),
    ],
)
async def test_the_list_is_narrowed(world: World, client: httpx2.AsyncClient, query: str, expected: int) -> None:
    await two_offerings(world)
    assert len(await listed(client, query)) == expected


async def test_pages_follow_each_other(world: World, client: httpx2.AsyncClient) -> None:
    await world.feed(("offering.scheduled", offering(1)))
    await world.feed(*(("booking.confirmed", booking(n, f"p{n}")) for n in range(2, 252)))
    pages = [await listed(client)]
    while pages[-1]:
        pages.append(await listed(client, f"?after={pages[-1][-1]['message_id']}"))
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [one["person_id"] for page in pages for one in page] == [f"p{n}" for n in range(2, 252)]


@pytest.mark.parametrize("query", ["?after=unknown", "?limit=0", "?limit=1001", "?limit=many"])
async def test_a_wrong_question_is_a_problem(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"/notifications/api/messages{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == query[1:].partition("=")[0]


async def test_the_mail_is_shown_as_it_was_sent(world: World, client: httpx2.AsyncClient) -> None:
    await two_offerings(world)
    first, waiting = (await listed(client))[:2]
    before = await client.get(f"/notifications/api/messages/{first['message_id']}/raw")
    async with world.mail.listening() as port:
        await world.sender(port).send_due()
    sent = (await listed(client))[0]
    assert (sent["to"], sent["status"], sent["language"]) == ("anna@stadt.example", "sent", "de")
    assert sent["sent_at"] >= sent["created_at"]
    after = await client.get(f"/notifications/api/messages/{first['message_id']}/raw")
    assert (before.status_code, after.status_code) == (404, 200)
    assert before.headers["content-type"] == "application/problem+json"
    assert after.headers["content-type"] == "message/rfc822"
    assert after.content in [raw for _, raw in world.mail.accepted]
    unsent = await client.get(f"/notifications/api/messages/{waiting['message_id']}/raw")
    assert unsent.status_code == 404
