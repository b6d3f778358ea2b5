"""Prometheus' own tools on our files."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.servers import docker_present

pytestmark = pytest.mark.containers
ROOT = Path(__file__).parents[2]


def promtool(*words: str) -> str:
    assert docker_present()
    image = f"prom/prometheus:{os.environ.get('PROMETHEUS_TAG', 'latest')}"
    mount = f"{ROOT / 'deploy' / 'monitoring'}:/monitoring:ro"
    command = ["docker", "run", "--rm", "--entrypoint", "promtool", "-v", mount, "-w", "/monitoring", image, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_valid_and_finds_the_rules() -> None:
    assert "1 rule files found" in promtool("check", "config", "prometheus.yml")


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")
