"""Scaled, killed, frozen, cut off and restarted under traffic: nothing lost, nothing doubled, nothing stalled."""

import contextlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from lernbus.client import Client
from tests.faults.healing import StuckError, healed, until_none
from tests.faults.model import Model
from tests.faults.recount import BOOKED, HELD, Found, Seen, findings
from tests.faults.sink import Sink, Span
from tests.faults.table import Fault, table
from tests.faults.traffic import Lms
from tests.support.compose import Compose, composed, needs_docker
from tests.support.stack import command

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@dataclass
class City:
    """A stack, who pushes, and what was done to it. `cuts`: when a mail may have been repeated."""

    stack: Compose
    senders: list[Lms]
    prober: Lms
    sink: Sink
    cuts: list[Span] = field(default_factory=list)

    @property
    def accepted(self) -> dict[str, list[Found]]:
        """What each sender was promised."""
        return {one.name: one.accepted for one in (*self.senders, self.prober)}

    def suffer(self, fault: Fault) -> dict[str, float]:
        """One fault from its beginning to the end of its effects; the seconds that these took."""
        began = datetime.now(UTC)
        if fault.forgets:
            self.sink.fetch()
            began = datetime.now(UTC)
            self.sink.fetch()  # what came during the first, which is the long one
        heal = fault.do(self.stack)
        time.sleep(fault.seconds)
        heal()
        times = healed(self.stack, self.prober)
        span = Span(began, datetime.now(UTC))
        if fault.repeats:
            self.cuts.append(span)
        if fault.forgets:
            self.sink.forgot.append(span)
        return times

    def seen(self) -> Seen:
        """What the services and the sink tell at the end."""
        with Client(self.stack.url) as client:
            names = [name for events in self.accepted.values() for name in Model(events).offerings]
            return Seen(
                offerings={name: client.get(f"/enrolment/api/offerings/{name}") for name in names},
                bookings={name: client.get(f"/enrolment/api/offerings/{name}/bookings") for name in names},
                messages=messages(client),
                mails=self.sink.fetch(),
                reports={year: client.get("/stats/api/report", year=year) for year in (BOOKED, HELD)},
                letters=dead_letters(client),
                forgot=self.sink.forgot,
                cuts=self.cuts,
            )


def messages(client: Client) -> list[Found]:
    """All messages, page by page."""
    found: list[Found] = []
    while page := client.get(
        "/notifications/api/messages", limit=1000, after=found[-1]["message_id"] if found else None
    ):
        found += page
    return found


def dead_letters(client: Client) -> set[str]:
    """The events that enrolment could not apply. One that was sent twice may lie there twice."""
    found: list[Found] = []
    while page := client.get("/enrolment/api/dead-letters", limit=1000, after=found[-1]["id"] if found else None):
        found += page
    return {one["event_id"] for one in found}


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    needs_docker()
    run = uuid.uuid4().hex[:6]
    with composed(LERNBUS_VERSION="faults") as stack:
        senders = [Lms(stack.url, f"lms-{run}-{number}", number) for number in range(2)]
        built = City(stack, senders, Lms(stack.url, f"lms-{run}-probe", 0), Sink(stack))
        for sender in senders:
            sender.start()
        yield built
        for sender in senders:
            with contextlib.suppress(AssertionError):  # told by the test that stops them
                sender.stop()
        for sender in (*senders, built.prober):
            sender.close()


@pytest.mark.parametrize(
    "fault",
    [pytest.param(one, id=one.name, marks=() if one.short else pytest.mark.nightly) for one in table()],
)
def test_it_heals_by_itself(city: City, fault: Fault, tell: Callable[[str], None]) -> None:
    times = city.suffer(fault)
    tell(f"{fault.name}: {', '.join(f'{what} after {seconds:.1f} s' for what, seconds in times.items())}")
    assert not [one.failure for one in city.senders if one.failure]


def test_nothing_is_lost_or_doubled(city: City, tell: Callable[[str], None]) -> None:
    """The product's own audit, and a recount that shares nothing with it. Then: would that have seen a fault?"""
    for sender in city.senders:
        sender.stop()
    with Client(city.stack.url) as client:
        client.wait(patience=120)
        until_none(city.stack, lambda: [json.dumps(one) for one in messages(client) if one["status"] == "planned"])
    audit = command("verify", url=city.stack.url)
    assert audit.returncode == 0, audit.stdout + audit.stderr

    seen, models = city.seen(), {name: Model(events) for name, events in city.accepted.items()}
    for line in [*summary(city, models, seen), *audit.stdout.splitlines()]:
        tell(line)
    assert findings(models, seen) == []

    name = city.senders[0].name
    lost = next(one for one in city.accepted[name] if one["type"] == "lms.booking.requested.v1")
    without = {**models, name: Model(one for one in city.accepted[name] if one is not lost)}
    assert any(lost["data"]["offering_id"] in found for found in findings(without, seen))
    assert findings(models, replace(seen, mails=seen.mails[:-1]))
    late = seen.mails[-1]._replace(at=datetime.now(UTC))
    assert findings(models, replace(seen, mails=[*seen.mails, late, late]))
    report = deepcopy(seen.reports[BOOKED])
    report["totals"]["bookings"] += 1
    assert len(findings(models, replace(seen, reports={**seen.reports, BOOKED: report}))) == 1


def test_what_does_not_come_back_is_named(city: City) -> None:
    city.stack.run("stop", "stats")
    with pytest.raises(StuckError, match=r"(?s)stuck for 5 s:\nstats: .*stats-1: exited"):
        healed(city.stack, city.prober, patience=5)


def summary(city: City, models: dict[str, Model], seen: Seen) -> list[str]:
    """What the run was like."""
    events, dead = sum(map(len, city.accepted.values())), sum(len(one.dead) for one in models.values())
    again, longest = sum(one.repeats for one in city.senders), max(one.longest for one in city.senders)
    statuses = Counter(one["status"] for one in seen.messages)
    arrived = {mail.message_id for mail in seen.mails}
    gone = sum(one["status"] == "sent" and one["message_id"] not in arrived for one in seen.messages)
    return [
        f"events accepted: {events}, dead letters: {dead}, offerings: {len(seen.offerings)}",
        f"requests sent again: {again}, longest wait of a sender: {longest:.1f} s",
        f"messages: {dict(statuses)}, mails: {len(seen.mails)}, repeated: {len(seen.mails) - len(arrived)}",
        f"mails that the sink took and lost with its memory: {gone}",
    ]
