"""Düsseldorf 2023: how many of the city's staff took anti-racism training, as the council asked.

17 participants of a course in person, 181 bookings of a web-based training, 49 people on leave for political education,
and every administrative trainee who passed the exam of that year at the memorial site.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import islice, zip_longest
from typing import Final

from lernbus.stories.duesseldorf_offerings import (
    MEMORIAL_2020,
    MEMORIAL_2023,
    QUALIFICATION,
    SEMINAR,
    TRAINING,
    courses,
    schedule_2023,
    schedule_visit,
    visit,
)
from lernbus.stories.duesseldorf_people import CITY, DEPARTMENTS, STAFF, TRAINEES_2022, TRAINEES_2023, Member, introduce
from lernbus.stories.telling import Phase, Story, office_hours

OFFERINGS: Final = (MEMORIAL_2020, *MEMORIAL_2023, SEMINAR, TRAINING, QUALIFICATION)
COUNCIL: Final = (("due-ik", "participants", 17), ("due-wbt", "bookings", 181), (None, "leave_persons", 49))
"""What the city answered: course (None: in all), measure of the report, figure."""

_ROWS: Final = zip_longest(*(department.people[: department.learners] for department in DEPARTMENTS))
LEARNERS: Final = [member for row in _ROWS for member in row if member]
PORTIONS: Final = (("2023-01-23", 80), ("2023-03-06", 50), ("2023-06-26", 31), ("2023-10-16", 18))
"""From which day how many people book the web-based training, six a day."""
TWICE: Final = (LEARNERS[8], LEARNERS[20])
"""They withdraw and book again: 179 people, 181 bookings."""
SEMINARISTS: Final = [department.people[place] for place in (3, 8, 12) for department in DEPARTMENTS[:7]]
"""21 people for 18 seats."""
CLIMBERS: Final = [department.people[place] for place in range(13, 17) for department in DEPARTMENTS[:6]]
"""24 people who need their supervisor's approval for the qualification."""
ON_LEAVE: Final = [member for department in DEPARTMENTS for member in department.people[-department.leaves :]]
SUBJECTS: Final = (
    ("Rassismus erkennen, Zivilcourage stärken", "Bildungswerk Demokratie am Rhein", 5),
    ("Migration und Stadtgesellschaft", "Akademie für politische Bildung Niederrhein", 5),
    ("Erinnern für die Zukunft: jüdisches Leben in Europa", "Forum Geschichte und Gegenwart", 5),
    ("Argumente gegen Stammtischparolen", "Bildungswerk Demokratie am Rhein", 3),
    ("Koloniale Spuren in unserer Stadt", "Forum Geschichte und Gegenwart", 2.5),
)


def phases() -> list[Phase]:
    """The story from the autumn of 2020 to the end of 2023."""
    story = Story("https://lernstadt.duesseldorf.example", "due")
    _digital_substitute(story)
    _new_year(story)
    _spring(story)
    story.phase("2023-06-08 16:00", "Düsseldorf 2023: a week before the sessions of June")
    story.phase("2023-06-13 16:00", "Düsseldorf 2023: the day before")
    _summer(story)
    story.phase("2023-09-19 16:00", "Düsseldorf 2023: the day before the last module")
    _year_end(story)
    return story.phases


def _digital_substitute(story: Story) -> None:
    """The trainees' visit of 2020 is replaced at short notice: the same bookings, another format, a link."""
    story.phase("2020-10-12 12:00", "Düsseldorf 2020: trainees are to visit the memorial site")
    story.tell("organisation.changed", "2020-10-01 08:00", organisation_id=CITY, name="Düsseldorf")
    courses(story, "2020-10-01 08:05")
    introduce(story, "2020-10-01 08:10", TRAINEES_2022)
    session = visit(MEMORIAL_2020, "2020-11-04", "09:30", "15:00")
    schedule_visit(story, "2020-10-05 09:00", MEMORIAL_2020, "Mahn- und Gedenkstätte 2020", session)
    _assign(story, "2020-10-12 10:15", MEMORIAL_2020, 2022, TRAINEES_2022)
    story.phase("2020-10-29 15:00", "Düsseldorf 2020: the visit becomes an online workshop")
    session |= {"format": "online", "location": None, "join_url": "https://konferenz.duesseldorf.example/gedenkstaette"}
    data = {"offering_id": MEMORIAL_2020, "format": "online", "sessions": [session]}
    story.tell("offering.format_changed", "2020-10-29 14:20", **data)
    story.phase("2020-11-03 16:00", "Düsseldorf 2020: the day before")


def _new_year(story: Story) -> None:
    story.phase("2023-02-24 17:00", "Düsseldorf 2023: the year's offerings and first bookings")
    _attended(story, "2020-11-04 16:00", MEMORIAL_2020, f"{MEMORIAL_2020}-besuch", TRAINEES_2022)
    introduce(story, "2023-01-09 08:00", [*STAFF, *TRAINEES_2023])
    schedule_2023(story, "2023-01-11 09:00")
    _learn(story, 0)
    _book(story, SEMINAR, SEMINARISTS, office_hours("2023-01-30", 4))
    _book(story, QUALIFICATION, CLIMBERS, office_hours("2023-02-01", 3))
    _assign(story, "2023-02-20 10:15", MEMORIAL_2023[0], 2023, TRAINEES_2023[:16])
    _assign(story, "2023-02-20 10:20", MEMORIAL_2023[1], 2023, TRAINEES_2023[16:])
    _leave(story, "2023-02-22", "2023-03-06", ON_LEAVE[0::3])


def _spring(story: Story) -> None:
    story.phase("2023-05-22 17:00", "Düsseldorf 2023: approvals, and somebody moves up")
    for one, when in zip(CLIMBERS[:22], office_hours("2023-03-01", 8), strict=False):
        _decide(story, "approved", when, one)
    _decide(story, "refused", next(office_hours("2023-03-07", 1)), CLIMBERS[22])
    _complete(story, 0)
    for one, when in zip(TWICE, office_hours("2023-03-20", 2), strict=False):
        story.tell("booking.withdrawn", when, offering_id=TRAINING, person_id=one.person_id, reason="zu viel zu tun")
    _learn(story, 1)
    data = {"offering_id": SEMINAR, "person_id": SEMINARISTS[4].person_id, "reason": "dienstlich verhindert"}
    story.tell("booking.withdrawn", "2023-05-15 10:05", **data)
    _leave(story, "2023-05-16", "2023-06-05", ON_LEAVE[1::3])
    _leave(story, "2023-05-16", "2023-11-13", LEARNERS[:1])


def _summer(story: Story) -> None:
    story.phase("2023-09-14 16:00", "Düsseldorf 2023: attendance, and the web-based training goes on")
    for offering_id, group in zip(MEMORIAL_2023, (TRAINEES_2023[:16], TRAINEES_2023[16:]), strict=True):
        _attended(story, "2023-06-14 17:00", offering_id, f"{offering_id}-besuch", group)
    seated = [*SEMINARISTS[:4], *SEMINARISTS[5:19]]
    _attended(story, "2023-06-15 17:00", SEMINAR, "seminar", seated[1:])
    _attended(story, "2023-06-15 17:00", SEMINAR, "seminar", seated[:1], "absent")
    _attended(story, "2023-06-14 16:00", QUALIFICATION, "modul-1", CLIMBERS[:20])
    _attended(story, "2023-06-14 16:00", QUALIFICATION, "modul-1", CLIMBERS[20:22], "excused")
    _complete(story, 1)
    _learn(story, 2)
    _complete(story, 2)
    _book(story, TRAINING, TWICE, office_hours("2023-09-04", 2))
    _leave(story, "2023-09-11", "2023-09-25", ON_LEAVE[2::3])
    _leave(story, "2023-09-12", "2023-10-09", ON_LEAVE[0:9:3], "-2")
    _leave(story, "2023-09-13", "2023-11-13", LEARNERS[:1], kind="leave.withdrawn")


def _year_end(story: Story) -> None:
    story.phase("2023-12-22 12:00", "Düsseldorf 2023: the end of the year")
    _attended(story, "2023-09-20 16:00", QUALIFICATION, "modul-2", CLIMBERS[:22])
    _learn(story, 3)
    _complete(story, 3)
    for one, when in zip(TWICE, office_hours("2023-10-02", 2), strict=False):
        _completed(story, one, when)


def _portion(number: int) -> list[tuple[Member, datetime]]:
    """Who books the web-based training when, in this part of the year."""
    first = sum(amount for _, amount in PORTIONS[:number])
    day, amount = PORTIONS[number]
    return list(zip(LEARNERS[first : first + amount], office_hours(day, 6), strict=False))


def _learn(story: Story, number: int) -> None:
    for one, when in _portion(number):
        story.tell("booking.requested", when, offering_id=TRAINING, person_id=one.person_id)


def _complete(story: Story, number: int) -> None:
    """Five of six complete the training, three weeks after they booked it."""
    for place, (one, when) in enumerate(_portion(number)):
        if place % 6 != 5 and one not in TWICE:  # noqa: PLR2004 (five of six)
            _completed(story, one, when + timedelta(days=21))


def _completed(story: Story, one: Member, when: datetime) -> None:
    data = {"offering_id": TRAINING, "person_id": one.person_id, "completed_at": when}
    story.tell("completion.recorded", when + timedelta(minutes=1), **data)


def _book(story: Story, offering_id: str, people: Sequence[Member], moments: Iterable[datetime]) -> None:
    for one, when in zip(people, islice(moments, len(people)), strict=True):
        story.tell("booking.requested", when, offering_id=offering_id, person_id=one.person_id)


def _decide(story: Story, decision: str, when: datetime, one: Member) -> None:
    leader = next(member for member in STAFF if member.number == one.supervisor)
    data = {"offering_id": QUALIFICATION, "person_id": one.person_id, "decided_by": leader.person_id}
    story.tell(f"booking.{decision}", when, **data)


def _assign(story: Story, when: str, offering_id: str, exam: int, people: Sequence[Member]) -> None:
    data = {"cohort": f"Prüfungsjahrgang {exam}", "people": [{"person_id": one.person_id} for one in people]}
    story.tell("cohort.assigned", when, offering_id=offering_id, mandatory=True, **data)


def _attended(
    story: Story, when: str, offering_id: str, session_id: str, people: Sequence[Member], status: str = "attended"
) -> None:
    for one in people:
        data = {"offering_id": offering_id, "session_id": session_id, "person_id": one.person_id, "status": status}
        story.tell("attendance.recorded", when, **data)


def _leave(
    story: Story, when: str, monday: str, people: Sequence[Member], suffix: str = "", kind: str = "leave.granted"
) -> None:
    """One after another, a week later each, six of them in a row."""
    for place, one in enumerate(people):
        subject, provider, days = SUBJECTS[place % len(SUBJECTS)]
        starts_on = date.fromisoformat(monday) + timedelta(weeks=place % 6)
        data = {"starts_on": starts_on, "ends_on": starts_on + timedelta(days=-(-days // 1) - 1), "days": days}
        named = {"leave_id": f"bu-{one.number:04}{suffix}", "person_id": one.person_id, "organisation_id": CITY}
        story.tell(kind, f"{when} 11:00", **named, **data, subject=subject, provider=provider)
