"""The files for Prometheus and Grafana name metrics that there are, and each alert has its section in the handbook."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
RULES, TESTS = (MONITORING / name for name in ("alerts.yml", "alerts.test.yml"))
DASHBOARD = MONITORING / "grafana" / "lernbus.json"
METRIC = re.compile(r"\blernbus_\w+")


def metrics() -> set[str]:
    """Every name of the document, a histogram's with its endings."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    endings = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + ending for name, kind in rows for ending in endings.get(kind, ("",))}


def alerts() -> list[str]:
    return re.findall(r"- alert: Lernbus(\w+)", RULES.read_text())


@pytest.mark.parametrize("path", [RULES, TESTS, DASHBOARD], ids=lambda path: path.name)
def test_only_metrics_that_there_are(path: Path) -> None:
    named = set(METRIC.findall(path.read_text()))
    assert named
    assert named <= metrics(), named - metrics()


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name.removesuffix("_bucket") for name in METRIC.findall(DASHBOARD.read_text())}
    every = {re.sub("_(bucket|sum|count)$", "", name) for name in metrics()}
    assert shown == every


def test_each_alert_is_tested_and_has_its_section() -> None:
    handbook = (ROOT / "docs" / "operations.md").read_text()
    sections = re.findall(r"^### Alert (\w+)$", handbook, re.MULTILINE)
    links = re.findall(r"runbook: docs/operations.md#alert-(\w+)$", RULES.read_text(), re.MULTILINE)
    assert sections == alerts()
    assert links == [name.lower() for name in alerts()]
    assert set(re.findall(r"- name: Lernbus(\w+)", TESTS.read_text())) == set(alerts())


def test_the_dashboard_can_be_read_by_grafana() -> None:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text())
    assert board["uid"] == "lernbus"
    assert {one["name"] for one in board["templating"]["list"]} == {"datasource", "job"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
    assert len(places) == len(ids)
    for panel in board["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["expr"] and target["refId"] for target in panel["targets"])
