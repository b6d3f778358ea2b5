"""Where one goes after an action, and who may act."""

import httpx2
import pytest
from fastapi import FastAPI, Request

from services.enrolment import door
from services.enrolment.actions import _back, _is_outdated
from services.enrolment.history import OFFICE
from shared.doors import Pass
from shared.guard import Doors, Guard, user_of
from tests.support.enrolment import NOON, lms
from tests.unit.enrolment.test_office import OFFERING

EVIL = [
    "",
    "x",
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "/a\r\nX-Y: z",
    "javascript:alert(1)",
]


def back(to: str) -> str:
    request = Request({"type": "http", "query_string": b"lang=en", "headers": [], "method": "POST", "path": "/"})
    return _back(request, {"back": to}, "o 1")


@pytest.mark.parametrize("to", EVIL)
def test_only_paths_of_our_own_are_gone_back_to(to: str) -> None:
    assert back(to) == "/enrolment/offerings/o%201?lang=en"


def test_a_path_of_our_own_is_kept_as_it_is() -> None:
    for path in ("/notifications/offerings/a%20b?lang=de&x=1#queue", "/enrolment/offerings/a/b"):
        assert back(path) == path


def test_an_lms_cannot_speak_for_the_office() -> None:
    event = lms("booking.requested", offering_id="o1", person_id="p1")
    forged = type(event)(event.id, OFFICE, event.type, NOON, event.data)
    assert [one["field"] for one in door.of_others([forged], "lms/ilias")] == ["source"]
    assert door.of_others([forged], "*") == []


def test_a_form_is_outdated_once_the_offering_was_changed() -> None:
    assert not _is_outdated({}, OFFERING)
    assert not _is_outdated({"version": str(OFFERING.version)}, OFFERING)
    assert _is_outdated({"version": str(OFFERING.version + 1)}, OFFERING)


class _Anna(Doors):
    """Lets everybody in as Anna."""

    async def ask(self, path: str, headers: list[bytes]) -> Pass:
        assert path == "/who"
        assert headers == []
        return Pass(user="anna")


@pytest.mark.parametrize(("doors", "who"), [(None, "office"), (_Anna(), "anna")], ids=["loopback", "login"])
async def test_who_acts_is_who_has_logged_in(doors: Doors | None, who: str) -> None:
    app = FastAPI()
    app.add_middleware(Guard, doors=doors)

    @app.get("/who")
    async def answer(request: Request) -> str:
        return user_of(request)

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/who")).json() == who
