import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from fastapi import FastAPI

from services.notifications import approvals_pages
from services.notifications.approvals_pages import Approvals
from services.notifications.links import Links
from services.notifications.settings import Settings
from shared import web
from shared.errors import Unpublished
from shared.events import PersonErased
from shared.publisher import Out
from shared.runtime import Database
from tests.support.notifications_world import NOW, World, booking, offering, person

EVIL = "<script>alert(1)</script>"


class Log:
    """Takes what is published, unless it is `broken`."""

    def __init__(self) -> None:
        self.outs: list[Out] = []
        self.broken = False

    async def publish(self, outs: Sequence[Out]) -> list[int]:
        await asyncio.sleep(0)
        if self.broken:
            raise Unpublished("the broker is away")
        self.outs += outs
        return [0 for _ in outs]

    def said(self) -> list[tuple[str, str | None]]:
        events = [msgspec.json.decode(out.value or b"") for out in self.outs]
        return [(one["type"].split(".")[2], one["data"]["reason"]) for one in events]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def links() -> Links:
    return Links(Settings(links_key="k" * 32))


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database).prepared()
    await world.feed(
        ("lms.person.changed.v1", person("anna", display_name=f"Anna {EVIL}", supervisor_id="bela")),
        ("lms.person.changed.v1", person("bela", language="en")),
        ("offering.scheduled", offering(1, approval="supervisor", booking_closes_at=NOW + timedelta(days=9))),
        ("booking.approval_requested", booking(2, "anna", status="awaiting_approval")),
    )
    return world


@pytest.fixture
async def client(world: World, log: Log, links: Links) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    web.install(app)
    approving = Approvals(world.database, log, links, world.clock, 12)  # type: ignore[arg-type] # only `publish`
    app.include_router(approvals_pages.router(approving, world.clock, Settings().zone))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        yield client


@pytest.fixture
async def path(world: World, links: Links) -> str:
    """Where the supervisor's mail leads to: it is sent, so its reader is known."""
    async with world.mail.listening() as port:
        await world.sender(port).send_due()
    (message,) = await world.messages(kind="approval_requested")
    assert message["person_id"] == "bela"
    return "/notifications/approvals/" + links.sign("approval", message["_id"])


async def heading(client: httpx2.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == status, answer.text
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", answer.text)
    return found[1] if found else ""


async def post(client: httpx2.AsyncClient, path: str, **form: str) -> int:
    return (await client.post(path, data=form)).status_code


async def test_a_scanner_that_fetches_the_link_changes_nothing(
    client: httpx2.AsyncClient, path: str, log: Log, world: World
) -> None:
    for query in ("", "?answer=refused", "?answer=approved&reason=x"):
        answer = await client.get(path + query)
        assert answer.status_code == 200
        assert "Anna &lt;script&gt;" in answer.text
        assert answer.headers["cache-control"] == "no-store"
    await client.head(path)

    assert log.outs == []
    assert await world.database["approvals"].count_documents({}) == 0


async def test_an_answer_is_put_on_the_log_once(client: httpx2.AsyncClient, path: str, log: Log) -> None:
    answer = await client.post(path, data={"answer": "approved"})

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert await heading(client, path) == "You have approved"
    assert await post(client, path, answer="refused", reason="doch nicht") == 303
    assert await post(client, path, answer="approved") == 303
    assert await heading(client, path) == "You have approved"
    assert log.said() == [("approved", None)]


async def test_a_refusal_may_have_a_reason(client: httpx2.AsyncClient, path: str, log: Log) -> None:
    await client.post(path, data={"answer": "refused", "reason": "  Vertretung fehlt  "})

    assert log.said() == [("refused", "Vertretung fehlt")]
    assert await heading(client, path) == "You have refused"


@pytest.mark.parametrize("form", [{}, {"answer": "perhaps"}, {"answer": "refused", "reason": "x" * 501}])
async def test_what_is_no_answer_is_asked_again(
    client: httpx2.AsyncClient, path: str, log: Log, form: dict[str, str]
) -> None:
    assert await post(client, path, **form) == 422
    assert log.outs == []


async def test_a_flood_is_turned_away(client: httpx2.AsyncClient, path: str) -> None:
    assert await post(client, path, answer="refused", reason="x" * 9_000) == 413


async def test_a_forged_link_leads_to_nothing(client: httpx2.AsyncClient, path: str, log: Log, links: Links) -> None:
    (message_id,) = links.read("approval", path.rpartition("/")[2]) or [""]
    forged = Links(Settings(links_key="x" * 32)).sign("approval", message_id)
    for token in (forged, message_id, links.sign("calendar", message_id), links.sign("approval", "none"), "x" * 5_000):
        assert await heading(client, f"/notifications/approvals/{token}", 404) == "This link leads to nothing"
        assert await post(client, f"/notifications/approvals/{token}", answer="approved") == 404
    assert log.outs == []


async def ended(client: httpx2.AsyncClient, path: str, log: Log) -> str:
    """What a link says that is no longer open."""
    await client.post(path, data={"answer": "approved"})
    assert log.outs == []
    answer = await client.get(path, headers={"accept-language": "en"})
    assert "Anna" not in answer.text
    return await heading(client, path, answer.status_code)


async def test_after_booking_has_closed(client: httpx2.AsyncClient, path: str, log: Log, world: World) -> None:
    world.clock.set(NOW + timedelta(days=9))

    assert await ended(client, path, log) == "It is too late to decide"


async def test_another_supervisor(client: httpx2.AsyncClient, path: str, log: Log, world: World) -> None:
    await world.feed(("lms.person.changed.v1", person("anna", supervisor_id="cleo")))

    assert await ended(client, path, log) == "This link is no longer valid"


async def test_an_erased_person(client: httpx2.AsyncClient, path: str, log: Log, world: World) -> None:
    await world.feed(("lms.person.erased.v1", PersonErased(person_id="anna")))

    assert await ended(client, path, log) == "This link is no longer valid"


async def test_a_withdrawn_booking(client: httpx2.AsyncClient, path: str, log: Log, world: World) -> None:
    await world.feed(("booking.cancelled", booking(3, "anna", status="cancelled", reason="withdrawn")))

    assert await ended(client, path, log) == "The booking is no longer there"


async def test_decided_in_the_portal(client: httpx2.AsyncClient, path: str, log: Log, world: World) -> None:
    await world.feed(("booking.confirmed", booking(3, "anna")))

    assert await ended(client, path, log) == "It has been decided already"


async def test_an_answer_that_could_not_be_passed_on_can_be_given_again(
    client: httpx2.AsyncClient, path: str, log: Log
) -> None:
    log.broken = True
    assert await post(client, path, answer="refused") == 503
    log.broken = False
    assert await post(client, path, answer="approved") == 303

    assert log.said() == [("approved", None)]
    assert await heading(client, path) == "You have approved"


async def test_two_answers_at_the_same_moment_are_one_event(client: httpx2.AsyncClient, path: str, log: Log) -> None:
    await asyncio.gather(*(post(client, path, answer=one) for one in ("approved", "refused") * 3))

    ids: set[Any] = {msgspec.json.decode(out.value or b"")["id"] for out in log.outs}
    assert len(ids) == 1
