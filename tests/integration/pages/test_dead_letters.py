"""Dead letters over HTTP and as pages: looked at, replayed, edited and dropped, on a real Kafka."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from lernbus.serve import application
from shared import limit
from tests.support.html import Page
from tests.support.servers import Kafka
from tests.support.world import World, seats, until

EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def world(
    kafka: Kafka, mongo_uri: str, database: AsyncDatabase[dict[str, Any]], unique: str, tmp_path: Path
) -> World:
    world = World(kafka, mongo_uri, database, unique, tmp_path)
    await world.create()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with world.service() as service:
        world.running = service  # type: ignore[attr-defined]
        transport = httpx2.ASGITransport(app=application([service]))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://test/{world.unique}") as client:
            yield client


async def three(world: World) -> None:
    """A bug with two behind it, one that is no JSON, one with a wrong value."""
    await world.produce([world.event("scheduled", "k1", capacity=9)])
    await world.produce([world.event("requested", "k1", person_id="moody")])
    await world.produce([world.event("requested", "k1", person_id=f"p{n}") for n in range(2)])
    await world.produce(
        [(b"k2", f"{EVIL} kein JSON \xe4".encode("latin-1")), world.event("scheduled", "k3", capacity="x")]
    )
    await world.until_idle()


async def by_reason(http: httpx2.AsyncClient, reason: str) -> dict[str, Any]:
    found = (await http.get("/api/dead-letters", params={"reason": reason})).json()
    assert len(found) == 1
    return dict(found[0])


async def test_over_http(world: World, http: httpx2.AsyncClient) -> None:
    await three(world)
    every = (await http.get("/api/dead-letters")).json()
    assert sorted(one["reason"] for one in every) == ["bug", "invalid", "not_json"]
    pages = [(await http.get("/api/dead-letters", params={"after": one["id"]})).json() for one in every]
    assert [len(page) for page in pages] == [2, 1, 0]
    bug = await by_reason(http, "bug")
    assert (bug["source"], bug["type"], bug["key"], bug["blocks"]) == ("test", "test.requested.v1", "k1", True)
    detail = (await http.get(f"/api/dead-letters/{bug['id']}")).json()
    assert detail["held"] == 2
    assert json.loads(base64.b64decode(detail["value"]))["data"]["person_id"] == "moody"
    missing = await http.get("/api/dead-letters/x/0/1")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    seats(world.running).cured = True  # type: ignore[attr-defined]
    answer = await http.post("/api/dead-letters/replay", json={"ids": [bug["id"]]})
    assert (answer.status_code, [*answer.json()["accepted"]]) == (202, [bug["id"]])

    async def replayed() -> bool:
        return bool((await http.get(f"/api/dead-letters/{bug['id']}")).json()["status"] == "replayed")

    await until(replayed)
    again = await http.post("/api/dead-letters/drop", json={"ids": [bug["id"]]})
    assert (again.status_code, "replayed already" in again.json()["detail"]) == (409, True)


async def test_an_edit_is_checked_before_it_is_said(world: World, http: httpx2.AsyncClient) -> None:
    await three(world)
    wrong = await by_reason(http, "invalid")
    value = base64.b64decode((await http.get(f"/api/dead-letters/{wrong['id']}")).json()["value"])

    async def edited(content: bytes, *more: str) -> httpx2.Response:
        body = {"ids": [wrong["id"], *more], "value": base64.b64encode(content).decode()}
        return await http.post("/api/dead-letters/replay", json=body)

    mark = value.replace(b"test.scheduled.v1", b"lernbus.mark.v1")
    refused = [await edited(one) for one in (b"{", value, value.replace(b"k3", b"k1"), mark)]
    assert [one.status_code for one in refused] == [400] * 4
    assert (await edited(b" " * 600_001)).status_code == 413
    assert (await edited(value.replace(b'"x"', b"3"), wrong["id"])).status_code == 400
    for body in (b"[]", b"{}", b'{"ids": []}', b"\xff", b'{"ids": ["x"], "more": 1}'):
        assert (await http.post("/api/dead-letters/drop", content=body)).status_code == 400
    assert (await edited(value.replace(b'"x"', b"3"))).status_code == 202

    async def there() -> bool:
        return await world.database["offerings"].count_documents({"_id": "k3"}) == 1

    await until(there)


async def test_the_pages_show_and_settle(world: World, http: httpx2.AsyncClient) -> None:
    """In both languages, without a script; what a sender wrote is only text."""
    empty = Page((await http.get("/dead-letters", headers={"accept-language": "de"})).text)
    assert (empty.language, "Alles ist verarbeitet" in empty.text) == ("de", True)
    await three(world)
    page = Page((await http.get("/dead-letters", params={"lang": "en"})).text)
    assert "The service itself failed on this event." in page.text
    assert "The content is no readable JSON." in page.text
    broken = await by_reason(http, "not_json")
    detail = Page((await http.get(f"/dead-letters/{broken['id']}")).text)
    assert f"{EVIL} kein JSON \\xe4" in detail.text
    bug = await by_reason(http, "bug")
    detail = Page((await http.get(f"/dead-letters/{bug['id']}", params={"lang": "de"})).text)
    assert "2 spätere Ereignisse desselben Schlüssels warten" in detail.text
    assert [tag["method"] for name, tag in detail.tags if name == "form"] == ["post", "post"]
    refused = await http.post(f"/dead-letters/{broken['id']}", data={"action": "edit", "value": "{<b>"})
    assert refused.status_code == 400
    assert "{<b>" in Page(refused.text).text
    answer = await http.post(f"/dead-letters/{bug['id']}?lang=de", data={"action": "drop"})
    assert (answer.status_code, answer.headers["location"].partition("?")[2]) == (303, "asked=1&lang=de")
    answer = await http.post("/dead-letters", data={"action": "drop", "reason": "not_json"})
    assert answer.status_code == 303

    async def dropped() -> bool:
        found = (await http.get("/api/dead-letters", params={"status": "dropped"})).json()
        return {one["reason"] for one in found} == {"bug", "not_json"}

    await until(dropped)
    for path in ("/dead-letters/x/0/1", "/dead-letters?after=x"):
        assert (await http.get(path)).status_code in (400, 404)
    page = Page((await http.get("/dead-letters", params={"status": "all", "lang": "en"})).text)
    assert "dropped" in page.text


async def test_a_stopped_partition_is_shown_and_goes_on(
    world: World, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "IN_A_ROW", 3)
    await world.produce([(b"k2", b"{")] * 5)
    kernel = world.running.kernel  # type: ignore[attr-defined]
    await until(lambda: kernel.stopped)
    [place] = (await http.get("/api/dead-letters/stopped")).json()["stopped"]
    assert f"{place} stands still: 3 dead letters in a row" in Page((await http.get("/dead-letters?lang=en")).text).text
    assert place in (await http.get("/health/ready")).text
    refused = await http.post("/api/dead-letters/resume", json={"partition": "nonsense"})
    assert refused.status_code == 400
    answer = await http.post("/dead-letters", data={"action": "resume", "place": place})
    assert answer.status_code == 303
    await world.until_idle()
    assert not kernel.stopped
    assert (await http.post("/api/dead-letters/resume")).json() == {"resumed": []}
