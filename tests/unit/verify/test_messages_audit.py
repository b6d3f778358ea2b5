"""Messages that do not follow from what happened, and what the auditor of notifications says to them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.notifications.audit_lead_times import Lead, LeadTimes
from services.notifications.audit_messages import MessageAudit, audit_due
from services.notifications.audit_told import Telling, untold
from services.notifications.messages import identity
from shared.events import Booking, Leave, Mark, Offering, Session, Status
from shared.keys import partition_of

NOON = datetime(2024, 11, 1, 12, tzinfo=UTC)
START = NOON + timedelta(days=20)
HERE = partition_of(b"o", 4)
LEAD_DAYS = (7, 1)
BERLIN = ZoneInfo("Europe/Berlin")
LEAD = LeadTimes(Lead(LEAD_DAYS), {}, BERLIN)


class World:
    """Records of one partition in their order; the clock goes on by hand."""

    def __init__(self) -> None:
        self.telling = Telling()
        self.version = 0
        self.offset = -1
        self.offering("scheduled")

    def offering(self, what: str, start: datetime = START, **changes: Any) -> "World":
        session = Session(session_id="s", title="t", format="online", starts_at=start, ends_at=start)
        names: dict[str, Any] = {
            "offering_id": "o",
            "course_id": "c",
            "title": "t",
            "host_organisation_id": "h",
            "format": "online",
        }
        fields: dict[str, Any] = {
            "capacity": None,
            "waiting_list": True,
            "delegations": [],
            "sessions": [session],
            "cause": "",
            **changes,
        }
        self._take(f"enrolment.offering.{what}.v1", Offering(**names, **{**fields, **self._next(changes)}))
        return self

    def booking(self, what: str, person: str, status: Status, **changes: Any) -> "World":
        names: dict[str, Any] = {
            "booking_id": f"b-{person}",
            "offering_id": "o",
            "course_id": "c",
            "organisation_id": None,
        }
        rest: dict[str, Any] = {
            "department": None,
            "status_group": None,
            "requested_at": NOON,
            **changes,
            **self._next(changes),
        }
        self._take(f"enrolment.booking.{what}.v1", Booking(**names, person_id=person, status=status, **rest))
        return self

    def mark(self, time: datetime) -> "World":
        self._take("lernbus.mark.v1", Mark(mark_id="m"), time)
        return self

    def message(self, kind: str, person: str, version: int, reader: str = "person", **changes: Any) -> dict[str, Any]:
        return message(identity(kind, f"b-{person}", version, reader), kind, person, **changes)

    def judged(
        self, *messages: dict[str, Any], now: datetime = NOON, erased: tuple[str, ...] = (), lead: LeadTimes = LEAD
    ) -> list[str]:
        audit = MessageAudit(self.telling, now, lead, 4)
        audit.erased = erased
        for one in messages:
            audit.add(one)
        offering = self.telling.offerings["o"]
        found = [*audit.findings(), *untold(self.telling), *audit.unreminded(offering, ())]
        return [f"{one.invariant} {one.entity}: {one.detail}" for one in found]

    def _next(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        return {"version": changes.get("version", self.version), "cause": changes.get("cause", f"e{self.version}")}

    def _take(self, kind: str, data: Booking | Offering | Mark, time: datetime = NOON) -> None:
        self.offset += 1
        self.telling.take(kind, data, time, (HERE, self.offset))


def message(message_id: str, kind: str, person: str, **changes: Any) -> dict[str, Any]:
    sent: dict[str, Any] = {"status": "sent", "reason": None, "sent_at": NOON.isoformat(), "tried_at": None}
    read = {"person_id": person, "about": person, "offering_id": "o", "to": "x@example.org", "subject": "t"}
    read["booking_id"] = f"b-{person}"
    return {
        "_id": message_id,
        "kind": kind,
        **read,
        "created_at": NOON.isoformat(),
        "next_try": NOON,
        **sent,
        **changes,
    }


def reminder(person: str, created: datetime, start: datetime = START, number: int = 1) -> dict[str, Any]:
    days = 1 if created >= start - timedelta(days=1) else 7
    times: dict[str, Any] = {"created_at": created.isoformat(), "starts_at": start.isoformat(), "days": days}
    return message(f"r{person}{created}{number}", "reminder", person, session_id="s", **times)


def test_every_outcome_is_told_once_to_each_reader() -> None:
    world = World().booking("approval_requested", "p", "awaiting_approval").booking("confirmed", "p", "confirmed")
    assert len(world.telling.expected) == 3
    told = [world.message("received", "p", 2), world.message("approval_requested", "p", 2, "supervisor")]
    assert world.judged(*told, world.message("confirmed", "p", 3)) == []


def test_what_nobody_was_told_is_named() -> None:
    found = World().booking("confirmed", "p", "confirmed").judged()
    assert found[0].startswith("5 person p on offering o: was never told: there is no message confirmed")


def test_what_did_not_happen_or_is_told_again_is_named() -> None:
    world = World().booking("confirmed", "p", "confirmed")
    told = world.message("confirmed", "p", 2)
    assert world.judged(told, {**told, "_id": "again"}) == [
        "5 message again (confirmed): tells nothing that happened, or tells it again"
    ]


def test_of_a_log_without_its_beginning_a_message_that_it_does_not_explain_is_only_counted() -> None:
    audit = MessageAudit(World().telling, NOON, LEAD, 4)
    audit.cut = {HERE}
    audit.add(message("m", "confirmed", "p"))
    audit.add(reminder("p", START - timedelta(days=7)))
    assert ([*audit.findings()], audit.unknown) == ([], 1)


def test_the_wrong_person_or_kind_is_named() -> None:
    world = World().booking("confirmed", "p", "confirmed")
    assert world.judged({**world.message("confirmed", "p", 2), "about": "q"})[0].endswith("should tell p confirmed")


def test_a_repeat_tells_nothing() -> None:
    world = World().booking("confirmed", "p", "confirmed").booking("confirmed", "p", "confirmed", version=2)
    assert world.judged(world.message("confirmed", "p", 2)) == []


def test_a_moved_session_is_told_to_who_has_a_seat_or_waits() -> None:
    world = World().booking("confirmed", "a", "confirmed").booking("waitlisted", "b", "waiting")
    world.booking("cancelled", "c", "cancelled", reason="withdrawn")
    world.telling.expected.clear()
    world.offering("rescheduled", start=START + timedelta(days=1))
    assert {one.about for one in world.telling.expected.values()} == {"a", "b"}
    assert world.judged(world.message("rescheduled", "a", 5))[0].startswith("5 person b on offering o: was never told")


def test_a_change_that_is_published_twice_is_told_once() -> None:
    world = World().booking("confirmed", "a", "confirmed").offering("format_changed", cause="x")
    world.offering("rescheduled", cause="x")
    assert world.judged(world.message("confirmed", "a", 2), world.message("format_changed", "a", 3)) == []


def test_a_cancelled_offering_is_told_as_such() -> None:
    world = World().booking("cancelled", "p", "cancelled", reason="offering_cancelled")
    assert world.judged(world.message("offering_cancelled", "p", 2)) == []


def test_leave_is_told() -> None:
    world = World()
    names: dict[str, Any] = {
        "leave_id": "l",
        "person_id": "p",
        "organisation_id": "o",
        "department": None,
        "status_group": None,
    }
    days: dict[str, Any] = {
        "starts_on": NOON.date(),
        "ends_on": NOON.date(),
        "days": 1,
        "subject": "s",
        "provider": "v",
        "version": 1,
    }
    world.telling.take("enrolment.leave.granted.v1", Leave(**names, **days), NOON, (0, 0))
    assert "there is no message leave_granted" in world.judged()[0]


@pytest.mark.parametrize("is_told", [True, False])
def test_a_record_in_progress_may_have_told_or_not(*, is_told: bool) -> None:
    world = World().booking("confirmed", "p", "confirmed")
    confirmed, told = world.message("confirmed", "p", 2), world.message("rescheduled", "p", 3)
    offering = World().offering("rescheduled").telling.offerings["o"]
    offering.version = 3
    world.telling.begin("enrolment.offering.rescheduled.v1", offering, NOON, (HERE, 9))
    if is_told:
        assert world.judged(confirmed, told) == []
    else:
        assert world.judged(confirmed) == []


def test_a_message_that_a_record_in_progress_has_told_before_is_no_fault() -> None:
    world = World().booking("confirmed", "p", "confirmed")
    world.telling.optional.add("m")
    assert world.judged(world.message("confirmed", "p", 2), message("m", "rescheduled", "p")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "failed"}, "is failed, and no reason is given"),
        ({"status": "withheld"}, "is withheld, and no reason is given"),
        ({"sent_at": None}, "is sent, and nobody knows when"),
        ({"status": "lost"}, "is lost, which is no status"),
        ({"status": "planned"}, "is due since"),
        ({"status": "planned", "reason": "no_address"}, "waits for an address for more than three days"),
    ],
)
def test_a_message_without_an_explained_end_is_named(changes: dict[str, Any], words: str) -> None:
    world = World().booking("confirmed", "p", "confirmed")
    late = NOON + timedelta(days=3, hours=2)
    told = world.message("confirmed", "p", 2, **changes)
    assert [one for one in world.judged(told, now=late) if words in one]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "unclear"},
        {"status": "withheld", "reason": "over"},
        {"status": "planned"},
        {"status": "planned", "tried_at": NOON.isoformat(), "next_try": NOON - timedelta(days=1)},
        {"status": "planned", "reason": "no_address", "next_try": NOON - timedelta(days=1)},
    ],
)
def test_a_message_whose_status_is_explained_is_not(changes: dict[str, Any]) -> None:
    world = World().booking("confirmed", "p", "confirmed")
    assert world.judged(world.message("confirmed", "p", 2, **changes)) == []


def test_a_message_of_an_erased_person_keeps_nothing() -> None:
    world = World().booking("confirmed", "p", "confirmed")
    told = world.message("confirmed", "p", 2, display_name="P")
    assert world.judged(told, erased=("p",)) == [
        f"7 message {told['_id']} (confirmed): still has the address or the subject of an erased reader",
        f"7 message {told['_id']} (confirmed): keeps display_name of an erased person",
    ]


# --- reminders ------------------------------------------------------------------------------------------------------


def seated(*people: str) -> World:
    """These have a seat from the beginning; marks stand before and after the two moments of reminding."""
    world = World()
    for person in people:
        world.booking("confirmed", person, "confirmed")
    world.mark(START - timedelta(days=7) + timedelta(seconds=1)).mark(START - timedelta(days=6))
    world.mark(START - timedelta(days=1) + timedelta(seconds=1))
    return world


def told_of(world: World, *people: str) -> list[dict[str, Any]]:
    return [world.message("confirmed", person, version) for version, person in enumerate(people, 2)]


WEEK = START - timedelta(days=7) + timedelta(seconds=2)


def test_a_reminder_to_each_seat_and_lead_time_is_clean() -> None:
    world = seated("a", "b")
    day = START - timedelta(days=1) + timedelta(seconds=2)
    reminders = [reminder(person, when) for person in "ab" for when in (WEEK, day)]
    assert world.judged(*told_of(world, "a", "b"), *reminders, now=day) == []


def test_two_reminders_of_the_same_are_named() -> None:
    world = seated("a")
    found = world.judged(*told_of(world, "a"), reminder("a", WEEK), reminder("a", WEEK, number=2))
    assert found == ["5 person a on offering o: was reminded 2 times of session s, 7 days before"]


def test_a_reminder_too_late_or_too_early_is_named() -> None:
    world = seated("a")
    late, early = reminder("a", START), reminder("a", START - timedelta(days=8))
    found = world.judged(*told_of(world, "a"), late, early)
    assert [one.partition(": ")[2] for one in found] == ["reminds of a session that had begun", "reminds too early"]


def test_a_reminder_to_somebody_without_a_seat_is_named() -> None:
    world = World().booking("confirmed", "a", "confirmed").booking("cancelled", "a", "cancelled", reason="withdrawn")
    world.mark(WEEK).mark(WEEK + timedelta(hours=1))
    told = [world.message("confirmed", "a", 2), world.message("cancelled", "a", 3)]
    assert world.judged(*told, reminder("a", WEEK))[0].endswith("reminds a, who had no seat then")


def test_a_reminder_to_somebody_who_left_at_that_time_is_clean() -> None:
    world = World().booking("confirmed", "a", "confirmed").mark(WEEK)
    world.booking("cancelled", "a", "cancelled", reason="withdrawn").mark(WEEK + timedelta(hours=1))
    told = [world.message("confirmed", "a", 2), world.message("cancelled", "a", 3)]
    assert world.judged(*told, reminder("a", WEEK)) == []


def test_who_was_not_reminded_is_named() -> None:
    world = seated("a", "b")
    found = world.judged(*told_of(world, "a", "b"), reminder("a", WEEK), now=WEEK)
    assert found == ["5 person b on offering o: was not reminded of session s, 7 days before"]


def test_who_got_a_seat_after_the_reminder_need_not_be_reminded() -> None:
    world = seated("a").booking("confirmed", "b", "confirmed")
    told = [*told_of(world, "a"), world.message("confirmed", "b", 3, created_at=WEEK.isoformat())]
    assert world.judged(*told, reminder("a", WEEK), now=WEEK) == []


def test_a_reminder_may_come_along_with_another_of_the_same_day_and_not_the_day_before() -> None:
    world = seated("a")
    moment = START - timedelta(days=7)
    morning = reminder("a", moment - timedelta(hours=12))
    assert world.judged(*told_of(world, "a"), morning, now=WEEK) == []
    evening, world = reminder("a", moment - timedelta(hours=14)), seated("a")
    assert world.judged(*told_of(world, "a"), evening)[0].endswith("reminds too early")


def test_whoever_got_the_seat_after_the_moment_need_not_be_reminded_however_late_the_mark_is() -> None:
    world = World().booking("confirmed", "a", "confirmed", seated_at=START - timedelta(days=5))
    world.mark(START - timedelta(days=4))
    assert world.judged(*told_of(world, "a"), now=START - timedelta(days=4)) == []


def test_lead_times_of_an_offering_count_from_when_they_were_set() -> None:
    world = seated("a")
    own = LeadTimes(Lead(LEAD_DAYS), {"o": Lead((3,), START - timedelta(days=4))}, BERLIN)
    now = START - timedelta(days=2)
    assert world.judged(*told_of(world, "a"), reminder("a", WEEK), now=now, lead=own) == [
        "5 person a on offering o: was not reminded of session s, 3 days before"
    ]
    late, world = {**reminder("a", now), "days": 7}, seated("a")
    assert world.judged(*told_of(world, "a"), late, now=now, lead=own)[0].endswith("which nobody has asked for")
    offering = world.telling.offerings["o"]
    due = {("o", "s", 3): START - timedelta(days=3)}
    assert [*audit_due(due, [offering], NOON, own)] == []
    assert len([*audit_due(due, [offering], NOON, LEAD)]) == 3


def test_what_is_withheld_as_superseded_must_be() -> None:
    world = World().booking("waitlisted", "a", "waiting")
    withheld = world.message("waitlisted", "a", 2, status="withheld", reason="superseded", sent_at=None)
    assert world.judged(withheld)[0].endswith("what it tells is still so")
    world = World().booking("waitlisted", "a", "waiting").booking("promoted", "a", "confirmed")
    assert world.judged(withheld, world.message("promoted", "a", 3)) == []


def test_what_is_due_must_be_there_and_nothing_else() -> None:
    offering = World().telling.offerings["o"]
    due = {("o", "s", days): START - timedelta(days=days) for days in LEAD_DAYS}
    assert [*audit_due(due, [offering], NOON, LEAD)] == []
    lacking = [*audit_due({}, [offering], START - timedelta(days=2), LEAD)]
    assert [one.detail for one in lacking] == ["nobody will be reminded of session s, 1 days before"]
    offering.status = "cancelled"
    assert len([*audit_due(due, [offering], NOON, LEAD)]) == 2
    moved = {**due, ("o", "s", 7): START}
    offering.status = "scheduled"
    assert len([*audit_due(moved, [offering], NOON, LEAD)]) == 1


# --- certificates and lists for trainers ------------------------------------------------------------------------------


def certified(**more: Any) -> World:
    return World().booking("completed", "anna", "confirmed", completed_at=NOON, **more)


def certificate(person: str = "anna") -> dict[str, Any]:
    return message(identity("certificate", f"b-{person}"), "certificate", person)


def test_a_certificate_is_told_once_whatever_is_corrected_later() -> None:
    assert certified().booking("attendance_recorded", "anna", "confirmed").judged(certificate()) == []
    assert "was never told: there is no message certificate" in certified().judged()[0]
    assert "tells nothing that happened" in World().booking("assigned", "anna", "confirmed").judged(certificate())[0]


def test_an_erased_person_earns_no_certificate_any_more() -> None:
    world = World().booking("erased", "anna", "confirmed").booking("completed", "anna", "confirmed", completed_at=NOON)

    assert world.judged() == []


@pytest.mark.parametrize(("days", "found"), [(8, 1), (7, 0), (0.1, 0), (0, 1)])
def test_a_list_for_trainers_belongs_into_the_week_before(days: float, found: int) -> None:
    at = (START - timedelta(days=days)).isoformat()
    one = message("r", "roster", "tom", created_at=at, starts_at=START.isoformat(), sent_at=at, next_try=START)

    assert len(World().judged(one)) == found
