"""Wuppertal 2024: a nationwide series for municipal anti-discrimination offices.

More people want to come than there are seats, the host raises the capacity at short notice, and before the third module
the link changes.
"""

from itertools import islice
from typing import Any, Final

from lernbus.stories.names import person, person_id, plain
from lernbus.stories.telling import Phase, Story, at, office_hours

HOST: Final = "wuppertal"
SERIES: Final = "wup-reihe-2024"
MODULE: Final = "modul-3"
"""The one on 21 November 2024."""
OFFERINGS: Final = (SERIES,)

_NAMES: Final = (
    *("Wuppertal", "Jena", "Hannover", "Tübingen", "Duisburg", "Nürnberg", "Mülheim an der Ruhr", "Heidelberg"),
    *("Aachen", "Göttingen", "Bonn", "München", "Remscheid", "Düsseldorf", "Solingen", "Köln", "Essen", "Bochum"),
    *("Dortmund", "Leipzig", "Erfurt", "Mannheim", "Karlsruhe", "Kassel", "Augsburg", "Freiburg im Breisgau"),
    *("Bremen", "Darmstadt", "Kiel", "Rostock"),
)
CITIES: Final = {plain(name.split()[0]): name for name in _NAMES}
ABSENT: Final = ("kiel", "rostock")
"""They had a seat set aside and sent nobody: it is released."""
SENDING: Final = [city for city in CITIES if city not in ABSENT]
FIRST_NUMBER: Final = 801
_TURNS: Final = (SENDING, SENDING, SENDING[::3])
"""Two people of each city, a third one of each third city, in the order in which they ask."""
APPLICANTS: Final = [
    (FIRST_NUMBER + 10 * SENDING.index(city) + turn, city) for turn, cities in enumerate(_TURNS) for city in cities
]
SEATS: Final = 48
MORE_SEATS: Final = 60
OLD_LINK: Final = "https://konferenz.wuppertal.example/modul-3"
LINK: Final = "https://konferenz.wuppertal.example/strategisch-wirken"


def phases() -> list[Phase]:
    """The story from the invitation to the eve of 21 November 2024."""
    story = Story("https://lernen.wuppertal.example", "wup")
    _invitation(story)
    _more_seats(story)
    story.phase("2024-09-05 16:00", "Wuppertal 2024: a week before the opening")
    story.phase("2024-09-11 16:00", "Wuppertal 2024: the day before the opening")
    story.phase("2024-10-09 16:00", "Wuppertal 2024: a week before the second module")
    _attendance(story, "2024-09-13 16:30", "modul-1", absent=2)
    story.phase("2024-10-15 16:00", "Wuppertal 2024: the day before the second module")
    story.phase("2024-11-14 16:00", "Wuppertal 2024: a week before 21 November")
    _attendance(story, "2024-10-16 17:00", "modul-2", absent=3)
    _new_link(story)
    story.phase("2024-11-20 16:00", "Wuppertal 2024: the day before 21 November")
    return story.phases


def _invitation(story: Story) -> None:
    """Each city of the network has a seat set aside, the host has four; whoever comes first gets one of the others."""
    story.phase("2024-06-14 17:00", "Wuppertal 2024: the network is invited, and books")
    for city, name in CITIES.items():
        story.tell("organisation.changed", "2024-05-13 09:00", organisation_id=city, name=name)
    for number, city in APPLICANTS:
        department = "Antidiskriminierungsstelle"
        story.tell("person.changed", "2024-05-21 09:00", **person(number, city, department=department))
    title = "Qualifizierungsreihe für kommunale Antidiskriminierungsstellen"
    more = {"topics": ["Antidiskriminierung", "Antirassismus"], "competencies": ["Beratung", "Strategisches Handeln"]}
    story.tell("course.changed", "2024-05-13 09:10", course_id="wup-reihe", title=title, **more)
    seats = {city: 4 if city == HOST else 1 for city in CITIES}
    release = at("2024-08-15 12:00")
    aside = [{"organisation_id": city, "seats": number, "release_at": release} for city, number in seats.items()]
    offering = {"offering_id": SERIES, "course_id": "wup-reihe", "title": title, "host_organisation_id": HOST}
    how = {"format": "blended", "capacity": SEATS, "waiting_list": True, "approval": "none", "delegations": aside}
    window = {"booking_opens_at": at("2024-05-27 08:00"), "booking_closes_at": at("2024-08-30 18:00")}
    story.tell("offering.scheduled", "2024-05-13 09:15", **offering, **how, **window, sessions=_sessions(OLD_LINK))
    moments = islice(office_hours("2024-05-27", 6), len(APPLICANTS))
    for (number, city), when in zip(APPLICANTS, moments, strict=True):
        data = {"offering_id": SERIES, "person_id": person_id(number), "organisation_id": city}
        story.tell("booking.requested", when, **data)


def _more_seats(story: Story) -> None:
    """Seats set aside are released, two people withdraw (one of them was waiting), the host finds a larger hall."""
    story.phase("2024-08-28 15:00", "Wuppertal 2024: seats are released, then there are more of them")
    _withdraw(story, "2024-08-26 08:40", 12, "erkrankt")
    _withdraw(story, "2024-08-27 09:25", 60, "anderer Termin")
    data = {"offering_id": SERIES, "capacity": MORE_SEATS}
    story.tell("offering.capacity_changed", "2024-08-28 14:10", **data)


def _new_link(story: Story) -> None:
    story.phase("2024-11-19 13:00", "Wuppertal 2024: a withdrawal, and another link")
    _withdraw(story, "2024-11-18 10:05", 5, "neue Aufgabe")
    story.tell("offering.rescheduled", "2024-11-19 12:30", offering_id=SERIES, sessions=_sessions(LINK))


def _sessions(link: str) -> list[dict[str, Any]]:
    hall = "Historische Stadthalle, Johannisberg 40, Wuppertal"
    return [
        _session("modul-1", "Grundlagen und Auftrag", "2024-09-12 10:00", "2024-09-13 16:00", location=hall),
        _session("modul-2", "Beraten und begleiten", "2024-10-16 10:00", "2024-10-16 16:30", location=hall),
        _session(
            *(MODULE, "Wirkungsvolles strategisches Wirken in der Verwaltung"),
            *("2024-11-21 09:30", "2024-11-21 13:00"),
            join_url=link,
        ),
        _session("modul-4", "Berichten und verstetigen", "2025-01-23 09:30", "2025-01-23 13:00"),
    ]


def _session(session_id: str, title: str, start: str, end: str, **where: str) -> dict[str, Any]:
    """In person where there is a place; the last module's link is not known yet."""
    kind = "in_person" if "location" in where else "online"
    when = {"starts_at": at(start), "ends_at": at(end)}
    return {"session_id": session_id, "title": title, "format": kind, **when, **where}


def _withdraw(story: Story, when: str, place: int, reason: str) -> None:
    data = {"offering_id": SERIES, "person_id": person_id(APPLICANTS[place][0]), "reason": reason}
    story.tell("booking.withdrawn", when, **data)


def _attendance(story: Story, when: str, session_id: str, absent: int) -> None:
    """Those who certainly have a seat: everybody who asked before the seats were gone, but for the one who withdrew."""
    seated = [number for place, (number, _) in enumerate(APPLICANTS[:45]) if place != 12]  # noqa: PLR2004
    for place, number in enumerate(seated):
        status = "absent" if place < absent else "attended"
        data = {"offering_id": SERIES, "session_id": session_id, "person_id": person_id(number), "status": status}
        story.tell("attendance.recorded", when, **data)
