"""What Düsseldorf teaches: courses with topics and the competencies of the city's model of values, and offerings."""

from typing import Any, Final

from lernbus.stories.duesseldorf_people import CITY
from lernbus.stories.telling import Story, at

SEMINAR: Final = "due-ik-2023"
TRAINING: Final = "due-wbt-2023"
MEMORIAL_2020: Final = "due-gedenkstaette-2020"
MEMORIAL_2023: Final = ("due-gedenkstaette-2023-1", "due-gedenkstaette-2023-2")
QUALIFICATION: Final = "due-lehrgang-2023"

TOPIC: Final = "Interkulturelle Kompetenz"
VISIT: Final = "Besuch und Workshop in der Mahn- und Gedenkstätte"
MEMORIAL: Final = "Mahn- und Gedenkstätte, Mühlenstraße 29, Düsseldorf"
ACADEMY: Final = "Fortbildungszentrum der Stadt, Saal 2"


def courses(story: Story, when: str) -> None:
    """The catalogue."""
    catalogue: dict[str, tuple[str, list[str], list[str]]] = {
        "due-ik": ("Erweiterung der interkulturellen Kompetenz", [TOPIC, "Vielfalt"], ["Respekt", "Zusammenarbeit"]),
        "due-wbt": ("Interkulturelle Kommunikation in Teams", [TOPIC], ["Kommunikation", "Zusammenarbeit"]),
        "due-gedenkstaette": (VISIT, ["Erinnerungskultur", "Antisemitismus und Rassismus"], ["Respekt", "Haltung"]),
        "due-lehrgang": ("Verwaltungslehrgang II", ["Verwaltungsrecht", "Kommunale Finanzen"], ["Fachkompetenz"]),
    }
    for course_id, (title, topics, competencies) in catalogue.items():
        data = {"course_id": course_id, "title": title, "topics": topics, "competencies": competencies}
        story.tell("course.changed", when, **data)


def visit(offering_id: str, day: str, start: str, end: str) -> dict[str, Any]:
    """The workshop at the memorial site."""
    return _session(f"{offering_id}-besuch", "Führung und Workshop", f"{day} {start}", f"{day} {end}", MEMORIAL)


def schedule_visit(story: Story, when: str, offering_id: str, title: str, session: dict[str, Any]) -> None:
    """An offering of the workshop."""
    _schedule(story, when, offering_id, "due-gedenkstaette", title, capacity=30, sessions=[session])


def schedule_2023(story: Story, when: str) -> None:
    """All of 2023 in three formats; intercultural competence is also a topic of one module of a long qualification."""
    seminar = _session("seminar", "Seminar, zwei Tage", "2023-06-14 09:00", "2023-06-15 16:30", ACADEMY)
    title, until = "Erweiterung der interkulturellen Kompetenz", at("2023-05-31 23:59")
    more: dict[str, Any] = {"booking_closes_at": until, "cancel_until": until}
    _schedule(story, when, SEMINAR, "due-ik", title, capacity=18, sessions=[seminar], **more)
    more = {"format": "web_based", "waiting_list": False}
    title = "Interkulturelle Kommunikation in Teams"
    _schedule(story, when, TRAINING, "due-wbt", title, capacity=None, sessions=[], **more)
    for group, hours in enumerate((("09:30", "12:30"), ("13:30", "16:30"))):
        session = visit(MEMORIAL_2023[group], "2023-06-14", *hours)
        title = f"Mahn- und Gedenkstätte 2023, Gruppe {group + 1}"
        schedule_visit(story, when, MEMORIAL_2023[group], title, session)
    first = _session("modul-1", "Kommunikation und Vielfalt", "2023-06-14 08:30", "2023-06-14 15:30", ACADEMY)
    second = _session("modul-2", "Kommunale Finanzen", "2023-09-20 08:30", "2023-09-20 15:30", ACADEMY)
    more = {"sessions": [first | {"topics": [TOPIC]}, second], "approval": "supervisor"}
    _schedule(story, when, QUALIFICATION, "due-lehrgang", "Verwaltungslehrgang II 2023", capacity=24, **more)


def _session(session_id: str, title: str, start: str, end: str, location: str) -> dict[str, Any]:
    when = {"starts_at": at(start), "ends_at": at(end)}
    return {"session_id": session_id, "title": title, "format": "in_person", "location": location, **when}


def _schedule(story: Story, when: str, offering_id: str, course_id: str, title: str, **more: Any) -> None:
    usual = {"host_organisation_id": CITY, "format": "in_person", "waiting_list": True, "approval": "none"}
    named = {"offering_id": offering_id, "course_id": course_id, "title": title}
    story.tell("offering.scheduled", when, **named, **usual | more)
