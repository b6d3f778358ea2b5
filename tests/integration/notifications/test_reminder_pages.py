from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pymongo.asynchronous.database import AsyncDatabase

from services.notifications import reminder_pages
from services.notifications.lead_times import LeadTimes
from services.notifications.reminder_pages import days_of
from shared import web
from tests.support.notifications_world import World, offering

PAGE = "/notifications/offerings/o%20/1/reminders"


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]]) -> World:
    world = await World(database).prepared()
    await world.feed(("offering.scheduled", offering(1, "o /1", title="<b>Vielfalt</b>")))
    return world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    web.install(app)
    settings = world.settings(25)
    times = LeadTimes(world.database, settings, world.clock)
    app.include_router(reminder_pages.router(world.database, settings, times))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def days(world: World) -> list[int]:
    return [one["days"] async for one in world.database["due"].find().sort("at")]


async def test_the_office_sets_when_people_are_reminded(world: World, client: httpx2.AsyncClient) -> None:
    before = (await client.get(PAGE + "?lang=en")).text
    assert "&lt;b&gt;Vielfalt" in before
    assert 'value="7, 1"' in before
    assert f'action="{PAGE}?lang=en"' in before
    assert "The general setting counts" in before
    saved = await client.post(PAGE, data={"days": " 3,14, 3 ", "action": "save"})
    assert (saved.status_code, saved.headers["location"]) == (303, PAGE + "?done=saved")
    assert await days(world) == [14, 3]
    after = (await client.get(PAGE + "?lang=en&done=saved")).text
    assert 'value="14, 3"' in after
    assert "has times of its own" in after
    assert (await client.post(PAGE, data={"days": "5", "action": "general"})).status_code == 303
    assert await days(world) == [7, 1]


@pytest.mark.parametrize("given", ["a week", "-1", "366", "1,2,3,4,5,6", "1,,2", "٣", "99999999999"])
async def test_a_wrong_list_changes_nothing_and_says_why(world: World, client: httpx2.AsyncClient, given: str) -> None:
    answer = await client.post(PAGE, data={"days": given, "action": "save"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{given}"' in answer.text
    assert await days(world) == [7, 1]


async def test_an_unknown_offering_has_no_page(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/notifications/offerings/x/reminders")).status_code == 404
    assert (await client.post("/notifications/offerings/x/reminders", data={"days": "1"})).status_code == 404


def test_an_empty_list_means_nobody() -> None:
    assert days_of("  ") == []
    assert days_of("1, 7,1") == [7, 1]
