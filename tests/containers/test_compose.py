"""The container stack: the stories through the gateway, scaled, started again, closed to whom it is not for."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import JOBS, Compose, composed, is_fit, needs_docker, service_of
from tests.support.stack import command, event, offering, person, request

pytestmark = [pytest.mark.containers, pytest.mark.timeout(400)]
START = "2020-10-12T12:00:00+02:00"
SERVICES = ("enrolment", "notifications", "stats")
MB = 1024 * 1024
NEW_YEAR = "2030-01-01T00:00:00+01:00"
CLOCK = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8000/clock", headers={"authorization": "Bearer " + sys.argv[1]})
print(urllib.request.urlopen(request).read().decode())
"""
INTRUDER = """
const denied = (work) => { try { work(); return false; } catch (error) { return error.code === 13; } };
const other = db.getSiblingDB("lernbus_OTHER");
print(JSON.stringify([
  db.positions.countDocuments() > 0,
  denied(() => other.positions.findOne()),
  denied(() => other.positions.insertOne({})),
  db.adminCommand({ listDatabases: 1 }).databases.every((one) => one.name === db.getName()),
]));
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Compose]:
    needs_docker()
    with composed(LERNBUS_NOW=START) as running:
        yield running


def lernbus(stack: Compose, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that must succeed."""
    done = command(*words, url=stack.url)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}\n{stack.run('logs', '--tail', '20')}"
    return done


def report(stack: Compose) -> Any:  # noqa: ANN401 (JSON)
    figures = json.loads(lernbus(stack, "report", "2023", "--format", "json").stdout)
    figures.pop("as_of")
    return figures


def test_both_stories_come_true_through_the_gateway(stack: Compose) -> None:
    lernbus(stack, "demo", "--url", stack.url)
    courses = {row["label"]: row for row in report(stack)["by"]["course"]}
    assert courses["Interkulturelle Kommunikation in Teams"]["bookings"] == 181
    assert "all seven invariants hold" in lernbus(stack, "verify").stdout


def test_scaled_the_instances_share_the_work_and_the_clock(stack: Compose, tmp_path: Path) -> None:
    stack.up("--scale", "enrolment=3", "--scale", "notifications=2", "--scale", "stats=2")
    running = Counter(service_of(one) for one in stack.containers() if one["State"]["Running"])
    assert [running[service] for service in SERVICES] == [3, 2, 2]

    people = [person(f"p{number}") for number in range(60)]
    runs = [offering(f"scaled-{number}", capacity=2) for number in range(20)]
    asked = [request(f"scaled-{number % 20}", f"p{number}") for number in range(60)]
    told = [event("organisation.changed", organisation_id="bonn", name="Bonn"), *people, *runs, *asked]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, told)))
    assert f"{len(told)} events accepted" in lernbus(stack, "push", str(file), "--wait").stdout
    for number in range(20):
        seats = stack.http.get(f"/enrolment/api/offerings/scaled-{number}").json()["seats"]
        assert (seats["confirmed"], seats["waiting"]) == (2, 1)
    assert "all seven invariants hold" in lernbus(stack, "verify").stdout

    lernbus(stack, "clock", "set", NEW_YEAR)
    key = stack.run("run", "--rm", "secrets", "show", "operator-key").split()[-1]
    for service, number in (("enrolment", 3), ("notifications", 2), ("stats", 2)):
        for index in range(1, number + 1):
            words = ("exec", "-T", "--index", str(index), service, "python", "-c", CLOCK, key)
            now = datetime.fromisoformat(json.loads(stack.run(*words))["now"])
            assert 0 <= (now - datetime.fromisoformat(NEW_YEAR)).total_seconds() < 120


def test_started_again_it_has_kept_everything(stack: Compose) -> None:
    before = {one["Id"] for one in stack.containers() if service_of(one) not in JOBS}
    figures = report(stack)
    stack.up("--scale", "enrolment=3", "--scale", "notifications=2", "--scale", "stats=2")
    assert {one["Id"] for one in stack.containers() if service_of(one) not in JOBS} == before
    stack.run("down")
    stack.up()
    assert report(stack) == figures
    assert datetime.fromisoformat(stack.http.get("/clock").json()["now"]) >= datetime.fromisoformat(NEW_YEAR)
    assert "all seven invariants hold" in lernbus(stack, "verify").stdout


def test_an_idle_service_needs_less_than_120_mb(stack: Compose) -> None:
    for service in SERVICES:
        said = stack.run("exec", "-T", service, "cat", "/proc/1/status")
        found = re.search(r"VmRSS:\s+(\d+) kB", said)
        assert found is not None
        assert int(found[1]) * 1024 < 120 * MB


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_machine(stack: Compose) -> None:
    published = {
        (service_of(one), binding["HostIp"])
        for one in stack.containers()
        for bindings in (one["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    }
    assert published == {("gateway", "127.0.0.1")}


def test_no_container_can_do_more_than_it_must(stack: Compose) -> None:
    for one in stack.containers():
        host, name = one["HostConfig"], service_of(one)
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["CapAdd"] == (["CHOWN"] if name == "secrets" else None), name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["RestartPolicy"]["Name"] == ("no" if name in JOBS else "unless-stopped"), name
        assert one["Config"]["User"].split(":")[0] not in ("", "0") or name in ("secrets", "mailpit"), name
    for service in SERVICES:
        assert [one["Config"]["StopTimeout"] for one in stack.containers(service)] == [45]


def test_secrets_are_files_that_only_their_owner_sees(stack: Compose) -> None:
    passwords = set()
    for service in SERVICES:
        uri = stack.run("exec", "-T", service, "cat", "/run/secrets/lernbus_mongo")
        files = {"lernbus_mongo", *({"lernbus_links_key"} if service == "notifications" else ())}
        assert {*stack.run("exec", "-T", service, "ls", "/run/secrets").split()} == files
        passwords.add(uri.rpartition("@")[0].rpartition(":")[2])
    assert len(passwords) == 3
    passwords.add(stack.run("run", "--rm", "secrets", "show", "operator-key").split()[-1])
    told = stack.run("logs") + json.dumps(stack.containers())
    assert not [password for password in passwords if password in told]


def test_a_service_reads_no_other_services_database(stack: Compose) -> None:
    for service, other in zip(SERVICES, (*SERVICES[1:], SERVICES[0]), strict=True):
        uri = stack.run("exec", "-T", service, "cat", "/run/secrets/lernbus_mongo").strip()
        words = ("exec", "-T", "mongo", "mongosh", "--quiet", "--norc", uri, "--eval", INTRUDER.replace("OTHER", other))
        assert json.loads(stack.run(*words)) == [True, True, True, True], service


def test_the_gateway_answers_in_problems(stack: Compose) -> None:
    large = stack.http.post(
        "/enrolment/lms/events", content=b" " * 1_200_000, headers={"content-type": "application/json"}
    )
    larger = stack.http.post("/enrolment/lms/events", content=b" " * 3_000_000)
    nowhere = stack.http.get("/nowhere")
    assert [answer.status_code for answer in (large, larger, nowhere)] == [413, 413, 404]
    for answer in (large, larger, nowhere):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def test_what_is_not_there_is_told_as_such_and_comes_back_without_a_reload(stack: Compose) -> None:
    stack.run("stop", "stats")
    away = stack.http.get("/stats/")
    assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    assert away.headers["retry-after"] == "2"
    assert stack.http.get("/enrolment/").status_code == 200
    stack.up("stats")
    assert stack.http.get("/stats/").status_code == 200


def test_a_page_whose_name_was_pointed_here_is_asked_for_a_key(stack: Compose) -> None:
    """DNS rebinding: the browser believes that this machine is the foreign page's own."""
    for host, status in {
        "localhost:1": 200,
        "127.0.0.1": 200,
        "evil.example": 401,
        "127.0.0.1.evil.example": 401,
    }.items():
        assert stack.http.get("/notifications/", headers={"host": host}).status_code == status, host


def test_beyond_loopback_the_gateway_opens_no_door(stack: Compose) -> None:
    """127.0.0.2 stands for an address of the network."""
    key = stack.run("run", "--rm", "secrets", "show", "operator-key").split()[-1]
    password = stack.run("run", "--rm", "secrets", "show", "office-password").split()[-1]
    made = stack.run("run", "--rm", "secrets", "key", "urn:lms:test").split()[-1]
    stack.up("gateway", LERNBUS_BIND="127.0.0.2")
    place = stack.url.replace("127.0.0.1", "127.0.0.2")
    bearer = {"authorization": f"Bearer {key}"}
    assert stack.http.get(f"{place}/notifications/").status_code == 401
    assert stack.http.get(f"{place}/notifications/", headers=bearer).status_code == 200
    assert stack.http.get(f"{place}/notifications/", auth=("office", password)).status_code == 200
    assert stack.http.get(f"{place}/notifications/", auth=("office", "wrong")).status_code == 401
    for path in ("/stats/metrics", "/stat%73/metrics", "//stats/metrics"):
        assert stack.http.get(f"{place}{path}", headers=bearer).status_code == 404, path
    content = {"content-type": "application/cloudevents-batch+json"}
    assert stack.http.post(f"{place}/enrolment/lms/events", content="[]", headers=content).status_code == 401
    sender = {**content, "authorization": f"Bearer {made}"}
    assert stack.http.post(f"{place}/enrolment/lms/events", content="[]", headers=sender).status_code == 202
    assert stack.http.get(f"{place}/notifications/", headers=sender).status_code == 403
    assert all(is_fit(one) for one in stack.containers())
