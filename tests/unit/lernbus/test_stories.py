"""The stories as an LMS would push them: valid, in order, and with the figures that the two cities told."""

import re
from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from lernbus.stories import OFFERINGS, duesseldorf, phases, wuppertal
from lernbus.stories.duesseldorf_offerings import MEMORIAL_2023, SEMINAR, TRAINING
from lernbus.stories.names import FAMILY, GIVEN, person
from lernbus.stories.telling import Phase
from services.enrolment.events import DOOR
from shared.cloudevents import Event, parse

PHASES = phases()


def told(kind: str, **fields: Any) -> list[Any]:
    """The data of all events of a type with these values."""
    found = [event.data for event in events() if event.type == f"lms.{kind}.v1"]
    return [data for data in found if all(getattr(data, name) == value for name, value in fields.items())]


@cache
def events() -> list[Event]:
    return [parse(event, DOOR) for phase in PHASES for event in phase.events]


@pytest.mark.parametrize("phase", [pytest.param(phase, id=f"{phase.moment:%Y-%m-%d}") for phase in PHASES])
def test_every_event_comes_through_the_door_and_has_happened_when_it_is_pushed(phase: Phase) -> None:
    for event in phase.events:
        assert parse(event, DOOR).time <= phase.moment


def test_the_clock_only_goes_forward() -> None:
    moments = [phase.moment for phase in PHASES]
    assert moments == sorted(set(moments))


def test_a_story_is_the_same_every_time_and_no_event_stands_in_it_twice() -> None:
    assert phases() == PHASES
    assert max(Counter((event.source, event.id) for event in events()).values()) == 1


def test_everybody_who_does_something_was_introduced_before() -> None:
    known: set[str] = set()
    for event in events():
        known |= {event.data.person_id} if event.type == "lms.person.changed.v1" else set()
        people = [event.data, *getattr(event.data, "people", ())]
        named = {getattr(one, name, None) for one in people for name in ("person_id", "decided_by")} - {None}
        assert named <= known, event


def test_people_are_invented() -> None:
    people = told("person.changed")
    assert len({one.person_id for one in people}) == len(people)
    assert len({one.email for one in people}) == len(people)
    for one in people:
        assert re.fullmatch(r"p-\d{4}", one.person_id)
        assert re.fullmatch(r"[a-z]+\.[a-z]+@[a-z]+\.example", one.email)


def test_every_number_has_a_name_of_its_own() -> None:
    names = {person(number, "jena")["display_name"] for number in range(len(GIVEN) * len(FAMILY))}
    assert len(names) == len(GIVEN) * len(FAMILY)


def test_departments_and_status_groups_are_missing_for_a_few() -> None:
    staff = told("person.changed", organisation_id="duesseldorf")
    for missing in (sum(one.department is None for one in staff), sum(one.status_group is None for one in staff)):
        assert 5 <= missing <= len(staff) / 8


def test_the_clock_stops_a_week_and_a_day_before_each_session() -> None:
    end = PHASES[-1].moment
    for session in sessions():
        if session.starts_at is None or session.starts_at > end + timedelta(days=1):
            continue
        for earlier, later in ((7, 1), (1, 0)):
            stop = session.starts_at - timedelta(days=earlier), session.starts_at - timedelta(days=later)
            assert any(stop[0] <= phase.moment < stop[1] for phase in PHASES), (session.title, earlier)


def sessions() -> list[Any]:
    return [session for offering in told("offering.scheduled") for session in offering.sessions]


def test_all_offerings_are_told() -> None:
    assert {one.offering_id for one in told("offering.scheduled")} == set(OFFERINGS)


class TestDuesseldorf:
    def test_17_people_attended_the_seminar_of_21_who_wanted_one_of_18_seats(self) -> None:
        assert len(told("booking.requested", offering_id=SEMINAR)) == 21
        assert len(told("attendance.recorded", offering_id=SEMINAR, status="attended")) == 17
        assert len(told("attendance.recorded", offering_id=SEMINAR)) == 18

    def test_181_bookings_of_the_web_based_training_are_of_179_people(self) -> None:
        bookings = told("booking.requested", offering_id=TRAINING)
        assert (len(bookings), len({one.person_id for one in bookings})) == (181, 179)
        assert {one.department for one in duesseldorf.TWICE} != {None}

    def test_only_who_has_not_withdrawn_completes_the_training(self) -> None:
        completed = [one.person_id for one in told("completion.recorded", offering_id=TRAINING)]
        assert len(set(completed)) == len(completed)

    def test_49_people_took_leave_and_three_of_them_twice(self) -> None:
        granted = {one.leave_id: one for one in told("leave.granted")}
        for one in told("leave.withdrawn"):
            assert granted.pop(one.leave_id).starts_on == one.starts_on
        assert (len(granted), len({one.person_id for one in granted.values()})) == (52, 49)

    def test_every_trainee_of_the_exam_of_2023_was_at_the_memorial_site(self) -> None:
        assigned = [one for group in told("cohort.assigned", cohort="Prüfungsjahrgang 2023") for one in group.people]
        attended = [
            one for offering_id in MEMORIAL_2023 for one in told("attendance.recorded", offering_id=offering_id)
        ]
        assert len(assigned) == 31
        assert [(one.person_id, "attended") for one in assigned] == [(one.person_id, one.status) for one in attended]

    def test_the_visit_of_2020_became_digital_a_week_before(self) -> None:
        change = next(event for event in events() if event.type == "lms.offering.format_changed.v1")
        (session,) = change.data.sessions
        assert (session.format, session.location, session.join_url is None) == ("online", None, False)
        assert session.starts_at - change.time < timedelta(days=7)


class TestWuppertal:
    def test_more_than_25_cities_want_more_seats_than_there_are(self) -> None:
        requests = told("booking.requested", offering_id=wuppertal.SERIES)
        cities = {one.organisation_id for one in requests}
        assert len(cities) > 25
        assert {"jena", "hannover", "tuebingen", "muelheim", "remscheid", "duesseldorf"} <= cities
        assert len(requests) > wuppertal.MORE_SEATS > wuppertal.SEATS

    def test_two_modules_in_person_the_opening_over_two_days_and_two_online(self) -> None:
        (offering,) = told("offering.scheduled", offering_id=wuppertal.SERIES)
        assert [session.format for session in offering.sessions] == ["in_person", "in_person", "online", "online"]
        opening = offering.sessions[0]
        assert (opening.ends_at.date() - opening.starts_at.date()).days == 1

    def test_the_link_of_21_november_changes_two_days_before(self) -> None:
        (before,) = told("offering.scheduled", offering_id=wuppertal.SERIES)
        (after,) = told("offering.rescheduled", offering_id=wuppertal.SERIES)
        old, new = (
            next(one for one in sessions if one.session_id == wuppertal.MODULE)
            for sessions in (before.sessions, after.sessions)
        )
        assert (old.join_url, new.join_url) == (wuppertal.OLD_LINK, wuppertal.LINK)
        assert old.starts_at == new.starts_at == datetime.fromisoformat("2024-11-21T09:30:00+01:00")
        assert new.title == "Wirkungsvolles strategisches Wirken in der Verwaltung"
