"""`lernbus rebuild stats`, with each service as a process of its own: under traffic, after damage, killed half-way."""

import contextlib
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from rich.console import Console

from lernbus.rebuild import JOINED, View, rebuild
from lernbus.verify import verify
from services.stats.generations import Generations
from tests.support.servers import Kafka
from tests.support.services import PARTITIONS, Services, running_services, until
from tests.support.stack import event, offering, request

OFFERINGS = [f"o{number}" for number in range(30)]
PEOPLE = [f"p{number}" for number in range(150)]
BATCH = 500


@pytest.fixture(scope="module")
def services(kafka: Kafka, mongo_uri: str) -> Iterator[Services]:
    """All three, with bookings enough that saying them again takes more than a second; nobody has an address."""
    with running_services(kafka, mongo_uri, "rebuild") as found:
        push(found, [offering(one, capacity=80) for one in OFFERINGS])
        push(found, [request(one, who) for one in OFFERINGS for who in PEOPLE])
        cohort = [{"person_id": one} for one in PEOPLE[:5]]
        push(found, [event("cohort.assigned", offering_id="o0", cohort="2024", mandatory=True, people=cohort)])
        push(found, [attendance("o1", who) for who in PEOPLE[:60]])
        found.settle()
        yield found


@pytest.fixture
def stats(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo_uri) as client:
        yield client["rebuild_stats"]


def push(services: Services, events: list[dict[str, Any]]) -> None:
    for start in range(0, len(events), BATCH):
        some = events[start : start + BATCH]
        deadline = time.monotonic() + 60
        while True:  # an LMS sends again what was not acknowledged
            with contextlib.suppress(httpx2.HTTPError):
                if services.post(*some).status_code == 202:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.2)


def attendance(offering_id: str, person_id: str) -> dict[str, Any]:
    seen = {"session_id": "s1", "person_id": person_id, "status": "attended"}
    return event("attendance.recorded", offering_id=offering_id, **seen)


def anything(chance: random.Random) -> dict[str, Any]:
    one, who = chance.choice(OFFERINGS), chance.choice(PEOPLE)
    kind = chance.choice(["request", "withdraw", "capacity", "new"])
    if kind == "request":
        return request(one, who)
    if kind == "withdraw":
        return event("booking.withdrawn", offering_id=one, person_id=who)
    if kind == "new":
        return request(one, f"{who}-{chance.randrange(10**6)}")
    return event("offering.capacity_changed", offering_id=one, capacity=chance.randint(60, 120))


@contextlib.contextmanager
def traffic(services: Services) -> Iterator[list[int]]:
    """Bookings, withdrawals and capacities all the time; how many so far."""
    chance, over, sent = random.Random(7), threading.Event(), [0]

    def keep_on() -> None:
        while not over.is_set():
            push(services, [anything(chance) for _ in range(10)])
            sent[0] += 10

    thread = threading.Thread(target=keep_on)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()


def run(services: Services) -> str:
    """The command to its end; what it said."""
    said = io.StringIO()
    with services.gateway() as client:
        rebuild(client, "stats", Console(file=said, width=200))
    return said.getvalue()


def view(services: Services) -> View:
    with services.gateway() as client:
        return View.of(client)


def report(services: Services, year: int) -> dict[str, Any]:
    found: dict[str, Any] = services.get("stats", f"/api/report?year={year}").json()
    return found


def figures(services: Services) -> dict[str, Any]:
    """What the council would read, but for the moments that it tells of."""
    moments = ("as_of", "since", "rebuilding")
    return {
        str(year): {name: value for name, value in report(services, year).items() if name not in moments}
        for year in (2024, 2034)
    }


def recount(services: Services) -> dict[str, int]:
    """Naively, from what enrolment keeps of every booking."""
    counts, after = Counter[str](), ""
    while after is not None:
        page = services.get("enrolment", f"/api/audit/bookings?limit=2000&after={after}").json()
        after = page["after"] and page["after"].replace("\n", "%0A")
        for one in page["entities"].values():
            counts["bookings"] += one["seated_at"] is not None
            counts["cancelled"] += one["seated_at"] is not None and one["status"] == "cancelled"
            counts["waiting"] += one["status"] == "waiting"
            counts["participants"] += bool(one["attendance"])
    return dict(counts)


def told(services: Services) -> dict[str, int]:
    booked, attended = (report(services, year)["totals"] for year in (2024, 2034))
    return {
        **{name: booked[name] for name in ("bookings", "cancelled", "waiting")},
        "participants": attended["participants"],
    }


def holds(services: Services) -> None:
    with services.gateway() as client:
        said = io.StringIO()
        assert not verify(client, Console(file=said, width=200)), said.getvalue()


def mails(services: Services) -> dict[str, int]:
    return dict(services.get("notifications", "/api/progress").json()["tally"]["enrolment.events"])


def test_under_traffic_it_equals_a_naive_recount_and_tells_nobody_anything(services: Services) -> None:
    before = view(services)
    with traffic(services) as sent:
        said = run(services)
        during = sent[0]
    services.settle()

    assert during > 0
    assert view(services).stats["reading"] > before.stats["reading"]
    assert JOINED not in said
    assert told(services) == recount(services)
    holds(services)  # of mails, too: exactly those that the live outcomes make necessary
    assert mails(services)["repeated"] > len(OFFERINGS) * len(PEOPLE)


def test_damage_is_mended_and_until_then_the_figures_are_those_of_before(
    services: Services, stats: Database[dict[str, Any]]
) -> None:
    services.settle()
    right = figures(services)
    generation = view(services).stats["reading"]
    facts, sums = (stats[f"{name}_{generation}" if generation else name] for name in ("facts", "sums"))
    lost = [one["_id"] for one in facts.find({}, ["_id"]).limit(700)]
    facts.delete_many({"_id": {"$in": lost}})
    sums.update_many({}, {"$inc": {"bookings": 13}})
    push(services, [request("o2", "one-more")])  # another state of the data
    services.settle()
    wrong = told(services)
    seen = set()
    worker = threading.Thread(target=run, args=[services])
    worker.start()
    while worker.is_alive():
        found = view(services)
        figure = report(services, 2024)
        if found.stats["building"] and view(services).stats["building"]:
            seen.add((figure["totals"]["bookings"], figure.get("rebuilding")))
    worker.join()
    push(services, [event("booking.withdrawn", offering_id="o2", person_id="one-more")])
    services.settle()

    assert wrong != recount(services)
    assert seen == {(wrong["bookings"], True)}
    assert told(services) == recount(services)
    assert "rebuilding" not in report(services, 2024)
    assert figures(services)["2034"] == right["2034"]
    assert figures(services)["2024"]["cohorts"] == right["2024"]["cohorts"]
    holds(services)


@pytest.mark.parametrize("name", ["stats", "enrolment"])
def test_killed_half_way_it_goes_on_and_can_be_started_again(
    services: Services, stats: Database[dict[str, Any]], name: str
) -> None:
    services.settle()
    generation = view(services).stats["reading"]
    stats[f"facts_{generation}" if generation else "facts"].delete_many({})
    with traffic(services):
        answer = services.processes["enrolment"].http.post("/enrolment/api/restatements")
        assert answer.status_code == 202
        while not 0 < view(services).enrolment["said"] < view(services).enrolment["entities"]:
            assert not view(services).enrolment["over"], "too fast to be killed half-way"
        services.kill(name)
        begun = answer.json()["generation"]
        assert Generations.of(stats["generations"].find_one(), PARTITIONS).reading < begun
        services.start(name)
        until(services.processes[name], f"/{name}/health/ready")
        run(services)
    services.settle()

    assert view(services).stats["reading"] >= begun
    assert told(services) == recount(services)
    holds(services)


def test_two_at_once_are_one(services: Services) -> None:
    said: list[str] = []
    both = [threading.Thread(target=lambda: said.append(run(services))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert sum(JOINED in one for one in said) == 1
