"""What the three services show: the names of docs/metrics.md, right figures, and no failure without the database."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase

from services.enrolment import app as enrolment
from services.enrolment.metrics import FORMATS
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications import app as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.stats import app as stats
from services.stats.settings import Settings as StatsSettings
from shared import metrics
from shared.clock import Clock
from shared.positions import Position
from shared.progress import Dead
from shared.runtime import Service
from tests.support.servers import free_port

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*)\| (?:process|database) \| (\w+) \|", re.MULTILINE)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
Database = AsyncDatabase[dict[str, Any]]
KINDS: dict[str, tuple[Any, Callable[[Any, Clock], Service]]] = {
    "enrolment": (EnrolmentSettings, enrolment.build),
    "notifications": (NotificationsSettings, notifications.build),
    "stats": (StatsSettings, stats.build),
}


def service(name: str, database: Database, uri: str) -> Service:
    kind, build = KINDS[name]
    settings = kind(mongo=SecretStr(uri), database=database.name, kafka=f"127.0.0.1:{free_port()}")
    return build(settings, Clock(NOW))


async def shown(one: Service) -> dict[str, Metric]:
    text = (await one.metrics.text()).decode()
    return {metric.name: metric for metric in text_string_to_metric_families(text)}


def values(found: dict[str, Metric], name: str, *labels: str) -> dict[Any, float]:
    """Values of the labels -> value, zeros left out."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for sample in found[name].samples
        if sample.value and not sample.name.endswith("_created")
    }


def documented(service: str) -> dict[str, tuple[str, set[str]]]:
    rows = ROW.findall(DOCUMENT.read_text())
    assert len(rows) == DOCUMENT.read_text().count("| `lernbus_"), "a row that cannot be read"
    return {
        name: (kind, {label for label in labels.replace(" ", "").split(",") if label})
        for name, kind, labels, services in rows
        if services in ("all", service)
    }


def full_name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


async def traffic(one: Service, database: Database) -> None:
    """Something of everything, so that every metric has its labels."""
    tp = TopicPartition("lms.events", 3)
    record: Any = type("Record", (), {"topic": tp.topic, "partition": 3, "offset": 7})
    one.kernel.progress.committed({("lms.events", "other", "dead_lettered"): 2}, [Dead(record, "not_json", None)] * 2)
    one.kernel.owned[tp] = Position(5, held={"o1": "bug"})
    one.kernel.lag = lambda: {tp: 4}  # type: ignore[method-assign]
    await one.prepare()
    await database["dead_letters"].insert_one({"_id": "a", "status": "open", "reason": "not_json"})
    await database["dead_letters"].insert_one({"_id": "b", "status": "dropped", "reason": "not_json"})
    await database["positions"].insert_one({"_id": "x", "at": (NOW - timedelta(minutes=2)).timestamp() * 1_000})


@pytest.mark.parametrize("name", KINDS)
async def test_the_services_show_what_the_document_lists(name: str, database: Database, mongo_uri: str) -> None:
    one = service(name, database, mongo_uri)
    await traffic(one, database)
    found = await shown(one)
    assert {full_name(metric): metric.type for metric in found.values()} == {
        name: kind for name, (kind, _) in documented(name).items()
    }
    for metric in found.values():
        labels = {frozenset(sample.labels.keys() - {"le"}) for sample in metric.samples}
        assert labels == {frozenset(documented(name)[full_name(metric)][1])}, metric.name
    assert values(found, "lernbus_dead_letters", "reason") == {("not_json",): 1}
    assert values(found, "lernbus_dead_lettered", "reason") == {("not_json",): 2}
    assert values(found, "lernbus_lag_records", "topic", "partition") == {("lms.events", "3"): 4}
    assert values(found, "lernbus_held_keys", "why") == {("bug",): 1}
    assert values(found, "lernbus_events", "topic", "type", "outcome") == {("lms.events", "other", "dead_lettered"): 2}
    await one.database.client.close()


@pytest.mark.parametrize("name", KINDS)
async def test_without_the_database_a_scrape_says_what_it_can(
    name: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "QUESTION_SECONDS", 0.3)
    one = service(name, database, f"mongodb://127.0.0.1:{free_port()}/?directConnection=true")
    found = await shown(one)
    missing = {"enrolment": 2, "notifications": 4, "stats": 2}[name]
    assert values(found, "lernbus_scrape_errors") == {(): missing}
    assert "lernbus_dead_letters" not in found
    assert "lernbus_still_seconds" in found
    await one.database.client.close()


async def test_the_database_is_not_asked_at_every_scrape(database: Database, mongo_uri: str) -> None:
    one = service("stats", database, mongo_uri)
    await traffic(one, database)
    assert values(await shown(one), "lernbus_stats_age_seconds") == {(): pytest.approx(120, abs=5)}
    await database["dead_letters"].delete_many({})
    assert values(await shown(one), "lernbus_dead_letters", "reason") == {("not_json",): 1}
    one.metrics._asked -= metrics.KEPT_SECONDS
    assert values(await shown(one), "lernbus_dead_letters", "reason") == {}
    await one.database.client.close()


def ledger(name: str, capacity: int | None, confirmed: int, **more: Any) -> dict[str, Any]:
    offering: dict[str, Any] = {
        "offering_id": name,
        "format": "online",
        "status": "scheduled",
        "capacity": capacity,
        "sessions": [],
    }
    return {
        "_id": name,
        "offering": offering | more.pop("offering", {}),
        "confirmed": confirmed,
        "waiting": 0,
        "tallies": [],
        **more,
    }


async def test_free_seats_are_those_that_anybody_may_have(database: Database, mongo_uri: str) -> None:
    past = [{"ends_at": "2026-11-02T12:30:00+01:00"}, {"ends_at": None}]
    future = [{"ends_at": "2026-11-02T13:30:00+01:00"}]
    kept = [
        {"organisation_id": "bonn", "seats": 4, "confirmed": 1},
        {"organisation_id": "k", "seats": 1, "confirmed": 3},
    ]
    await database["offerings"].insert_many(
        [
            ledger("free", 10, 4, offering={"sessions": future}),
            ledger("delegated", 10, 4, tallies=kept),
            ledger("full", 3, 3, waiting=7, offering={"format": "in_person"}),
            ledger("lowered", 3, 5),
            ledger("unlimited", None, 900, offering={"format": "web_based"}),
            ledger("over", 10, 0, offering={"sessions": past}),
            ledger("cancelled", 10, 0, offering={"status": "cancelled"}),
        ]
    )
    one = service("enrolment", database, mongo_uri)
    found = await shown(one)
    assert values(found, "lernbus_free_seats", "format") == {("online",): 6 + 3}
    assert values(found, "lernbus_waiting", "format") == {("in_person",): 7}
    assert values(found, "lernbus_offerings", "format", "state") == {
        ("online", "free"): 2, ("online", "full"): 1, ("in_person", "full"): 1, ("web_based", "unlimited"): 1,
    }  # fmt: skip
    assert len(found["lernbus_offerings"].samples) == 3 * len(FORMATS)
    await one.database.client.close()


async def test_the_queue_and_what_has_to_be_looked_into(database: Database, mongo_uri: str) -> None:
    one = service("notifications", database, mongo_uri)
    await one.prepare()

    def message(name: str, status: str, late: int | None = None, reason: str | None = None) -> dict[str, Any]:
        """`late` seconds after its time; without a time it is settled."""
        due = {} if late is None else {"next_try": NOW - timedelta(seconds=late)}
        return {"_id": name, "status": status, "order": name, "reason": reason, **due}

    await database["messages"].insert_many(
        [
            message("a", "planned", 90), message("b", "planned", 40), message("c", "planned", -600),
            message("d", "planned", 900, "no_address"), message("e", "sent"), message("f", "unclear"),
            message("g", "unclear", -900), message("h", "failed"),
        ]
    )  # fmt: skip
    await database["approvals"].insert_many([{"published": False}, {"published": True}])
    await database["summaries"].insert_many([{"done": False}, {"done": True}, {"done": True}])
    found = await shown(one)
    assert values(found, "lernbus_approvals_unpublished") == {(): 1}
    assert values(found, "lernbus_summaries_unsent") == {(): 1}
    assert values(found, "lernbus_mail_queue_age_seconds") == {(): pytest.approx(90, abs=5)}
    assert values(found, "lernbus_mails", "status") == {("planned",): 4, ("unclear",): 2, ("failed",): 1}
    for query in ({"status": "unclear"}, {"status": "open"}):
        name = "messages" if query["status"] == "unclear" else "dead_letters"
        plan = await database.command("explain", {"count": name, "query": query}, verbosity="queryPlanner")
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    await one.database.client.close()
