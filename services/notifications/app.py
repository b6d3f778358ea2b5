"""Composition root of notifications."""

from collections.abc import Collection

from services.notifications import (
    api,
    approvals_pages,
    audit,
    certificate_pages,
    editor,
    metrics,
    pages,
    reminder_pages,
    roster_pages,
    subscription,
)
from services.notifications.approvals_pages import Approvals
from services.notifications.calendars import Office
from services.notifications.consumer import Consumer
from services.notifications.firing import Reminders
from services.notifications.lead_times import LeadTimes
from services.notifications.links import Links
from services.notifications.queue import Queue
from services.notifications.sender import Sender
from services.notifications.settings import Settings
from services.notifications.store import Store, prepare
from services.notifications.subscription import Readers
from services.notifications.summary import Summary
from services.notifications.trainers_firing import Rosters
from shared import marks, runtime
from shared.clock import Clock
from shared.events import LMS_EVENTS


def build(settings: Settings, clock: Clock) -> runtime.Service:
    """The service, ready to run."""
    database, publisher = runtime.connect(settings), runtime.publisher(settings)
    marking, queue = runtime.publisher(settings), Queue(database)
    links, speaking = Links(settings), runtime.publisher(settings)
    sender = Sender(queue, settings, clock, links)
    approving = Approvals(database, speaking, links, clock, settings.partitions)

    async def append_marks(partitions: Collection[int]) -> None:
        await marks.append(marking, clock, [LMS_EVENTS], partitions)

    reminders = Reminders(database, clock, append_marks, sender.wake.set, settings)

    rosters = Rosters(database, clock, append_marks, sender.wake.set, settings.budgets.database)
    summary = Summary(database, settings, clock, links)
    lead_times = LeadTimes(database, settings, clock)

    async def also() -> dict[str, int]:
        due = await reminders.backlog()  # first: one that fires meanwhile is in the queue then
        due += await rosters.backlog()
        return {"due": due + await queue.backlog(clock.now())}

    handler = Consumer(Store(database, clock), settings.reminder_days)
    service = runtime.Service(
        settings,
        database,
        publisher,
        handler,
        lambda: prepare(database),
        routers=[
            api.router(database),
            audit.router(database, settings, handler, clock),
            reminder_pages.router(database, settings, lead_times),  # before the roster, whose pages have any ending
            roster_pages.router(database, settings, clock),
            pages.router(database, settings, clock),
            editor.router(database, settings, clock),
            approvals_pages.router(approving, clock, settings.zone),
            certificate_pages.router(database, links, settings),
            subscription.router(Readers(database, links), Office(settings.sender, settings.zone), clock),
        ],
        loops=[
            *(sender.send_forever, reminders.remind_forever, rosters.tell_forever),
            *(summary.tell_forever, lead_times.watch_forever),
        ],
        closing=[marking.stop, speaking.stop],
        also=also,
        questions=metrics.questions(database, clock, sender),
    )
    service.kernel.on_commit = sender.wake.set
    return service
