"""The image, built once.

image   its name
"""

import os

import pytest

from tests.support.compose import IMAGE, docker, needs_docker


@pytest.fixture(scope="session")
def image() -> str:
    needs_docker()
    argument = f"PYTHON_TAG={os.environ.get('PYTHON_TAG', '3.13-slim')}"
    words = ("build", "--file", "deploy/Dockerfile", "--build-arg", argument, "--tag", IMAGE, ".")
    docker(*words, timeout=280)
    return IMAGE
