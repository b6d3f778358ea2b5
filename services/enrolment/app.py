"""Composition root of enrolment."""

from services.enrolment import actions, api, audit, metrics, pages, restate_api
from services.enrolment.consumer import Enrolment
from services.enrolment.deadlines import Deadlines
from services.enrolment.restate import Restating
from services.enrolment.settings import Settings
from services.enrolment.store import Store
from services.enrolment.views import Views
from shared import runtime
from shared.clock import Clock


def build(settings: Settings, clock: Clock) -> runtime.Service:
    """The service, ready to run."""
    database, publisher = runtime.connect(settings), runtime.publisher(settings)
    store, views = Store(database), Views(database)
    entrance = runtime.publisher(settings, max_batch_size=1024 * 1024 + 65_536)
    handler = Enrolment(store)
    desk = api.Door(database, entrance, settings, clock)
    deadlines = Deadlines(views, entrance, clock, settings)
    restating = Restating(database, again := runtime.publisher(settings), clock, settings.partitions)

    async def also() -> dict[str, int]:
        return {"due": len(await views.due(clock.now(), 1))}

    service = runtime.Service(
        settings,
        database,
        publisher,
        handler,
        store.prepare,
        routers=[
            audit.router(database, settings, handler),
            api.router(desk, views, clock),
            pages.router(database, settings, clock),
            actions.router(database, settings, clock, desk),
            restate_api.router(restating),
        ],
        loops=[deadlines.turn, restating.turn],
        closing=[entrance.stop, again.stop],
        also=also,
        questions=[metrics.seats(database, clock)],
    )
    deadlines.kernel = service.kernel
    return service
