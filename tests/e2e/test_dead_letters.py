"""`lernbus dead-letters` on the whole stack: an attendance that comes before its booking, and one that stays wrong."""

import json
from pathlib import Path

import pytest

from tests.support.stack import Running, command, event, offering, request


@pytest.fixture
def letters(stack: Running, unique: str) -> tuple[str, str]:
    """The ids of two attendances of people without a seat."""
    stack.push(offering(unique), *(attended(unique, person) for person in ("early", "never")))
    mine = [one for one in listed(stack) if one["key"] == unique]
    assert [one["reason"] for one in mine] == ["no_booking", "no_booking"]
    return mine[0]["id"], mine[1]["id"]


def attended(offering_id: str, person_id: str) -> dict[str, object]:
    data = {"offering_id": offering_id, "session_id": "s1", "person_id": person_id, "status": "attended"}
    return event("attendance.recorded", **data)


def listed(stack: Running) -> list[dict[str, str]]:
    said = command("dead-letters", "list", "--service", "enrolment", "--json", url=stack.url)
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_looked_at_replayed_and_dropped(stack: Running, unique: str, letters: tuple[str, str], tmp_path: Path) -> None:
    first, second = letters
    shown = command("dead-letters", "show", "enrolment", first, url=stack.url).stdout
    assert "Attendance or completion of somebody who has no seat on this offering." in shown
    assert '"person_id":"early"' in shown.replace(" ", "")
    assert "source lms/test" in shown
    said = command("dead-letters", "replay", "enrolment", first, url=stack.url)
    assert (said.returncode, said.stdout.strip()) == (0, "1 failed again, and are open as before")
    stack.push(request(unique, "early"))
    said = command("dead-letters", "replay", "enrolment", first, url=stack.url)
    assert said.stdout.strip() == "1 applied"
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(attended(unique, "nobody")), encoding="utf-8")
    said = command("dead-letters", "replay", "enrolment", second, "--edit", str(edited), url=stack.url)
    assert said.stdout.strip() == "1 failed again, and are open as before"
    said = command("dead-letters", "drop", "enrolment", "--reason", "no_booking", url=stack.url)
    assert (said.returncode, "dropped" in said.stdout) == (0, True)
    assert [one for one in listed(stack) if one["reason"] == "no_booking"] == []
    found = stack.get(f"/enrolment/api/offerings/{unique}/bookings")
    assert [(one["person_id"], one["attendance"][0]["status"]) for one in found] == [("early", "attended")]
    verified = command("verify", url=stack.url)
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "enrolment", "lms.events/0/99999"), "enrolment has no dead letter lms.events/0/99999"),
        (("show", "elsewhere", "lms.events/0/1"), "there is no service elsewhere"),
        (("show", "stats", "nonsense"), "nonsense is no TOPIC/PARTITION/OFFSET"),
        (("replay", "stats"), "say which letter"),
        (("replay", "stats", "--reason", "bug", "--edit", "/nowhere"), "cannot read /nowhere"),
        (("resume", "stats"), "stats does not stand still"),
    ],
)
def test_what_is_wrong_is_one_line(stack: Running, words: tuple[str, ...], says: str) -> None:
    said = command("dead-letters", *words, url=stack.url)
    assert (said.returncode, len(said.stderr.splitlines())) == (2, 1)
    assert says in said.stderr


@pytest.mark.parametrize("kind", ["replayed", "dropped"])
def test_the_door_refuses_what_only_the_office_may_say(stack: Running, kind: str) -> None:
    data = {"service": "enrolment", "topic": "lms.events", "partition": 0, "offset": 0}
    answer = stack.post([event("x") | {"type": f"lernbus.dead-letter.{kind}.v1", "data": data}])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "type")
