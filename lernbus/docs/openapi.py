"""OpenAPI 3.1 of the three services as they are served."""

from typing import Any

from lernbus.roots import NAMES, build, kind_of
from lernbus.serve import application
from shared.clock import Clock


def document() -> dict[str, Any]:
    """Built with the default settings, whatever the environment says; nothing is connected."""
    clock = Clock()
    return application([build(kind_of(name).model_construct(), clock) for name in NAMES]).openapi()
