"""Composition root of stats."""

from services.stats import api, audit
from services.stats.consumer import StatsHandler
from services.stats.settings import Settings
from services.stats.store import Store
from shared import runtime
from shared.clock import Clock


def build(settings: Settings, clock: Clock) -> runtime.Service:  # noqa: ARG001 (built like the other two)
    """The service, ready to run."""
    database = runtime.connect(settings)
    store = Store(database, settings.zone)
    handler, publisher = StatsHandler(store), runtime.publisher(settings)
    routers = [api.routes(store), audit.router(database, settings, handler)]
    return runtime.Service(settings, database, publisher, handler, store.prepare, routers=routers)
