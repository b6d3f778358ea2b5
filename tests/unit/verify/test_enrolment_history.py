"""Histories that break the rules of section 4, and what the auditor of enrolment says to them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.enrolment.audit_published import EnrolmentHistory
from services.enrolment.audit_stored import Recount
from services.enrolment.audit_waiting import may_have
from services.enrolment.state import Ledger, Tally
from services.enrolment.waiting import Claim, Claimant
from shared.audit import Finding
from shared.events import Booking, Course, Delegation, Offering, Status

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


class Log:
    """Writes a history: each call takes the next version; `cause` is a new one unless it is given."""

    def __init__(self, **changes: Any) -> None:
        self.version = 0
        self.events: list[tuple[str, Booking | Offering]] = []
        self.capacity("scheduled", **changes)

    def capacity(self, what: str = "capacity_changed", cause: str | None = None, **changes: Any) -> "Log":
        fields: dict[str, Any] = {"capacity": 1, "waiting_list": True, "delegations": [], "sessions": [], **changes}
        names: dict[str, Any] = {
            "offering_id": "o",
            "course_id": "c",
            "title": "t",
            "host_organisation_id": "h",
            "format": "online",
        }
        self._add(f"enrolment.offering.{what}.v1", Offering(**names, **fields, **self._next(cause)))
        return self

    def booking(self, what: str, person: str, status: Status, cause: str | None = None, **changes: Any) -> "Log":
        fields: dict[str, Any] = {"booking_id": f"b-{person}", "organisation_id": None, **changes}
        names: dict[str, Any] = {
            "offering_id": "o",
            "course_id": "c",
            "department": None,
            "status_group": None,
            "requested_at": NOON,
        }
        entity = Booking(**names, person_id=person, status=status, **fields, **self._next(cause))
        self._add(f"enrolment.booking.{what}.v1", entity)
        return self

    def confirmed(self, person: str, **changes: Any) -> "Log":
        return self.booking("confirmed", person, "confirmed", **changes)

    def waitlisted(self, person: str, **changes: Any) -> "Log":
        return self.booking("waitlisted", person, "waiting", **changes)

    def promoted(self, person: str, **changes: Any) -> "Log":
        return self.booking("promoted", person, "confirmed", **changes)

    def cancelled(self, person: str, **changes: Any) -> "Log":
        return self.booking("cancelled", person, "cancelled", **changes)

    def _next(self, cause: str | None) -> dict[str, Any]:
        self.version += 1
        return {"version": self.version, "cause": cause or f"e{self.version}"}

    def _add(self, kind: str, entity: Booking | Offering) -> None:
        self.events.append((kind, entity))


def audited(log: Log, *, cut: bool = False, early: bool = True, kept: int | None = None) -> list[Finding]:
    history = EnrolmentHistory({("offerings", "o"): log.version if kept is None else kept})
    for kind, entity in log.events:
        history.take(kind, entity, cut=cut, early=early)
    return [*history.findings(walking=())]


def numbers(log: Log, **how: Any) -> list[int]:
    return sorted({one.invariant for one in audited(log, **how)})


def queue() -> Log:
    """One seat: a has it, b waits, then c."""
    return Log().confirmed("a").waitlisted("b").waitlisted("c")


def test_a_history_by_the_rules_is_clean() -> None:
    log = queue().cancelled("a", cause="w").promoted("b", cause="w").capacity(capacity=2, cause="r")
    assert audited(log.promoted("c", cause="r").cancelled("b").confirmed("d")) == []


def test_repeats_are_passed_over() -> None:
    log = queue()
    log.events += log.events[1:3]
    assert audited(log) == []


@pytest.mark.parametrize(
    ("log", "invariant", "words"),
    [
        (Log().confirmed("a").confirmed("b"), 1, "that was not free"),
        (queue().capacity(capacity=2, cause="r").promoted("b", cause="r").promoted("c", cause="r"), 1, "not free"),
        (
            Log(capacity=2).confirmed("a").confirmed("b").capacity(cause="r").cancelled("a", cause="r"),
            1,
            "lost its seat",
        ),
        (Log().booking("completed", "a", "confirmed"), 1, "gives none"),
        (queue().cancelled("a", cause="w").promoted("c", cause="w"), 2, "passed b-b"),
        (queue().cancelled("a", cause="w").confirmed("d"), 2, "passed b-b"),
        (queue().cancelled("a"), 2, "b-b waits that may have it"),
        (queue().capacity(capacity=None), 2, "b-b waits that may have it"),
        (Log(capacity=2).confirmed("a").confirmed("a", booking_id="again"), 3, "two live bookings, b-a and again"),
        (
            Log(capacity=0).waitlisted("a").booking("approval_requested", "a", "awaiting_approval", booking_id="x"),
            3,
            "two",
        ),
    ],
)
def test_a_broken_history_is_named(log: Log, invariant: int, words: str) -> None:
    assert [one for one in audited(log) if one.invariant == invariant and words in one.detail]


def test_a_seat_of_a_delegation_is_no_seat_for_others_and_passes_nobody() -> None:
    aside: dict[str, Any] = {"capacity": 2, "delegations": [Delegation(organisation_id="jena", seats=1)]}
    log = Log(**aside).confirmed("a").waitlisted("b").confirmed("j", organisation_id="jena")
    assert audited(log) == []
    assert numbers(Log(**aside).confirmed("a").confirmed("b")) == [1]
    assert numbers(log.cancelled("a", cause="w").confirmed("k", organisation_id="jena")) == [2]


def test_a_released_delegation_keeps_no_seat() -> None:
    jena = [Delegation(organisation_id="jena", seats=1, release_at=NOON)]
    log = Log(capacity=1, delegations=jena).waitlisted("a")
    assert audited(log) == []
    assert numbers(log.capacity(delegations=jena, released=["jena"])) == [2]


def test_within_the_steps_of_a_record_a_free_seat_is_no_fault() -> None:
    log = queue().capacity(capacity=3, cause="r").promoted("b", cause="r")
    assert numbers(log) == [2]
    history = EnrolmentHistory({("offerings", "o"): log.version})
    for kind, entity in log.events:
        history.take(kind, entity, cut=False, early=True)
    assert [*history.findings(walking={"o"})] == []


def test_a_cancelled_offering_has_no_free_seats() -> None:
    assert audited(queue().capacity("cancelled", status="cancelled", capacity=9)) == []


def test_a_lacking_version_is_named_and_a_cut_off_beginning_is_not() -> None:
    log = queue()
    del log.events[2]
    assert "version 4 follows 2" in audited(log)[0].detail
    del log.events[:2]
    assert audited(log, cut=True) == []
    assert "version 4 follows 0" in audited(log)[0].detail


def test_what_was_not_published_and_what_is_not_kept() -> None:
    assert "the last 2 versions were never published" in audited(queue(), kept=6)[0].detail
    assert "version 4 was published, and 3 is kept" in audited(queue(), kept=3)[0].detail
    assert audited(queue(), kept=3, early=False) == []
    assert "nothing is kept" in audited(queue(), kept=0)[0].detail


def test_a_seat_that_was_free_for_a_while_is_named_though_it_was_given_later() -> None:
    log = queue().cancelled("a").booking("completed", "x", "refused").promoted("b", cause="late")
    assert numbers(log) == [2]


def test_an_offering_that_begins_on_a_cut_log_is_judged_from_its_beginning() -> None:
    assert numbers(Log().confirmed("a").confirmed("b"), cut=True) == [1]


def test_courses_have_versions_of_their_own() -> None:
    history = EnrolmentHistory({("courses", "c"): 3})
    for version in (1, 3):
        course = Course(course_id="c", title="t", topics=[], competencies=[], version=version)
        history.take("enrolment.course.changed.v1", course, cut=False, early=True)
    assert [one.entity for one in history.findings(())] == ["course c"]


def test_the_seat_rule_word_for_word() -> None:
    two = Offering(
        offering_id="o",
        course_id="c",
        title="t",
        host_organisation_id="h",
        format="online",
        capacity=5,
        waiting_list=True,
        delegations=[Delegation(organisation_id="a", seats=2), Delegation(organisation_id="b", seats=2)],
        sessions=[],
    )
    everyone = ["a", "b", "x", None]
    assert may_have(two, {}, everyone) == {*everyone}
    assert may_have(two, {None: 1}, everyone) == {"a", "b"}
    assert may_have(two, {"a": 3}, everyone) == {"b"}
    assert may_have(two, {"a": 2, "b": 2}, everyone) == {*everyone}
    assert may_have(two, {"a": 2, "x": 3}, everyone) == set()


# --- what is kept ---------------------------------------------------------------------------------------------------


def kept(*bookings: Booking, **changes: Any) -> tuple[Ledger, list[Claimant]]:
    """An offering with one seat as enrolment keeps it; `changes` of the ledger."""
    offering = Log(**({"delegations": changes.pop("delegations")} if "delegations" in changes else {})).events[0][1]
    assert isinstance(offering, Offering)
    by = [one.status for one in bookings]
    counts: dict[str, Any] = {
        "confirmed": by.count("confirmed"),
        "waiting": by.count("waiting"),
        "awaiting": by.count("awaiting_approval"),
    }
    claimants: dict[str, Claimant] = {}
    for number, one in enumerate(bookings, 1):
        person = one.person_id
        claimant = claimants.setdefault(person, Claimant(id=f"o\n{person}", offering_id="o", person_id=person))
        claimant.bookings.append(Claim(number, one))
        if one.status == "waiting":
            claimant.waiting, claimant.organisation = number, one.organisation_id
    version = max([1, *(one.version for one in bookings)])
    return Ledger(offering=offering, **{"version": version, **counts, **changes}), [*claimants.values()]


def recounted(ledger: Ledger, claimants: list[Claimant]) -> list[str]:
    recount = Recount(ledger, None)
    for one in claimants:
        recount.add(one)
    return [f"{one.invariant} {one.detail}" for one in recount.findings()]


def bookings(*people: str, **changes: Any) -> list[Booking]:
    """The first one has the seat, the others wait."""
    log = Log()
    for person in people:
        (log.waitlisted if len(log.events) > 1 else log.confirmed)(person, **changes)
    return [one for _, one in log.events if isinstance(one, Booking)]


def test_what_is_kept_by_the_rules_is_clean() -> None:
    assert recounted(*kept(*bookings("a", "b", "c"))) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"confirmed": 2}, "1 2 bookings are counted as confirmed, and 1 are kept"),
        ({"waiting": 0}, "1 0 bookings are counted as waiting, and 2 are kept"),
        ({"awaiting": 1}, "1 1 bookings are counted as awaiting_approval, and 0 are kept"),
        ({"version": 9}, "4 9 versions were given, and the newest kept is 4"),
        (
            {"tallies": {"jena": Tally("jena", 0, 1, 0)}},
            "1 jena is counted with 1 confirmed and 0 waiting, and 0 and 0",
        ),
        ({"delegations": [Delegation(organisation_id="jena", seats=1)]}, "1 1 seats are set aside for jena, and none"),
    ],
)
def test_a_wrong_counter_is_named(changes: dict[str, Any], words: str) -> None:
    assert [one for one in recounted(*kept(*bookings("a", "b", "c"), **changes)) if one.startswith(words)]


def test_places_on_the_waiting_list_are_checked() -> None:
    ledger, (_, second, third) = kept(*bookings("a", "b", "c"))
    second.waiting = third.waiting
    assert recounted(ledger, [second, third])[-1] == "2 place 3 on the waiting list is held 2 times"
    second.waiting = None
    assert recounted(ledger, [second])[0] == "2 b waits without a place on the waiting list"
    third.organisation = "jena"
    assert recounted(ledger, [third])[0] == "2 c waits in the queue of jena"


def test_a_kept_free_seat_beside_a_waiting_person_is_named() -> None:
    ledger, claimants = kept(*bookings("a", "b")[1:])
    assert recounted(ledger, claimants) == ["2 a seat is free, and people of no organisation wait that may have it"]
    ledger.walking = 1
    assert recounted(ledger, claimants) == []


def test_two_live_bookings_of_one_person_are_named() -> None:
    (first, second) = bookings("a", "b")
    second.person_id = "a"
    assert "3 a has 2 live bookings" in recounted(*kept(first, second))
