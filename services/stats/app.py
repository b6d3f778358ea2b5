"""Composition root of stats."""

from services.stats import api, audit, metrics, pages, rebuilding
from services.stats.consumer import StatsHandler
from services.stats.reports import Reports
from services.stats.settings import Settings
from services.stats.store import Store
from shared import runtime
from shared.clock import Clock


def build(settings: Settings, clock: Clock) -> runtime.Service:
    """The service, ready to run."""
    database = runtime.connect(settings)
    store = Store(database, settings.zone, settings.partitions)
    handler, publisher = StatsHandler(store), runtime.publisher(settings)
    reports = Reports(store, clock, settings.small_cells)
    routers = [
        api.routes(reports, settings),
        audit.router(database, settings, handler),
        rebuilding.router(store),
        pages.router(reports, store, settings, clock),
    ]
    fresh = metrics.freshness(database, clock)
    return runtime.Service(
        settings,
        database,
        publisher,
        handler,
        store.prepare,
        routers=routers,
        loops=[rebuilding.Sweeping(database, store).turn],
        questions=[fresh],
    )
