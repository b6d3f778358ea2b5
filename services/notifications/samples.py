"""What each kind of text can say, and samples of it: a text is saved only if it can be written for every one. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from services.notifications.messages import Message
from services.notifications.texts import FRAME, Wording, compose, values
from services.notifications.wording import Lines, Values, WordingError, check
from shared.events import Leave, Offering, Person, Session, SessionFormat
from shared.formats import Language

LONGEST_SUBJECT: Final = 300
REFUSALS: Final = ("full", "closed", "not_open", "approval_refused", "offering_cancelled", None)
VARIANTS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "refused": tuple({"booking_reason": reason} for reason in REFUSALS),
    "cancelled": ({"late": False}, {"late": True}),
    "rescheduled": ({"waiting": False}, {"waiting": True}),
    "format_changed": ({"waiting": False}, {"waiting": True}),
}
"""Fields of a message in which two of a kind may differ."""
ABOUT_LEAVE: Final = ("leave_granted", "leave_withdrawn")
MORE: Final[Mapping[str, Values]] = {
    "approval_requested": {
        "approve_url": "https://lernbus.example.org/notifications/approvals/token",
        "refuse_url": "https://lernbus.example.org/notifications/approvals/token?answer=refused",
    },
    "roster": {"count": "2", "people": Lines("1. Erika Mustermann, Stadt Jena\n2. Max Beispiel, Stadt Bonn")},
    "certificate": {
        "code": "7K2QX-0M9TB-4HZVC-81RWE-5NYPD",
        "verify_url": "https://lernbus.example.org/notifications/certificates/7K2QX-0M9TB-4HZVC-81RWE-5NYPD",
    },
}
"""Values that only one kind has."""
_FIRST: Final = datetime(2026, 9, 24, 7, 0, tzinfo=UTC)


class Sample(NamedTuple):
    """`name`: which variant it is, such as `late`; `reason.full`; `no_dates`."""

    name: str
    known: Values


def shape(kind: str) -> Values:
    """Every value that a text of this kind has, each at least once."""
    return next(samples(kind, "de", ZoneInfo("Europe/Berlin"))).known


def samples(kind: str, language: Language, zone: ZoneInfo) -> Iterator[Sample]:
    """The first one has every value."""
    reader = Person(
        person_id="p1",
        email="erika.mustermann@example.org",
        display_name="Erika Mustermann",
        language=language,
        organisation_id="o",
    )
    if kind == FRAME:
        yield Sample("plain", {"reader": {"display_name": reader.display_name}, "text": Lines(_TEXT[language])})
        return
    for variant in VARIANTS.get(kind, ({},)):
        yield Sample(_name(variant), known_of(kind, _message(kind, variant), reader, _offering(language), zone))
    if kind not in (*ABOUT_LEAVE, "reminder"):
        bare = msgspec.structs.replace(_offering(language), sessions=[], format="web_based")
        yield Sample("no_dates", known_of(kind, _message(kind, {}), reader, bare, zone))


def known_of(
    kind: str, message: Message, reader: Person, offering: Offering | None, zone: ZoneInfo, about: Person | None = None
) -> Values:
    """The values that this kind has, of a message."""
    about = about or msgspec.structs.replace(reader, display_name="Max Beispiel")
    known = values(message, reader, about, offering, zone)
    if kind in ABOUT_LEAVE:
        wanted = ["reader", "leave", "period"]
    else:
        wanted = ["reader", "title", "format", "dates", "sessions"]
    if kind == "approval_requested":
        wanted.append("about")
    parts = {name for variant in VARIANTS.get(kind, ()) for name in variant}
    told = {"message": {name: known["message"][name] for name in sorted(parts)}} if parts else {}
    return {**{name: known[name] for name in wanted}, **told, **MORE.get(kind, {})}


def judge(kind: str, language: Language, zone: ZoneInfo, wording: Wording) -> None:
    """Look at a text before it is saved. Raises WordingError: it could not be written for some mail."""
    if "\n" in wording.subject.strip() or "\r" in wording.subject.strip():
        raise WordingError("lines", 0, "subject")
    if len(wording.subject) > LONGEST_SUBJECT:
        raise WordingError("too_long", 0, str(LONGEST_SUBJECT))
    for part, source in (("subject", wording.subject), ("text", wording.text)):
        try:
            check(source, shape(kind))
        except WordingError as error:
            raise WordingError(error.fault, 0 if part == "subject" else error.line, error.word) from error
    for sample in samples(kind, language, zone):
        _, text = compose(kind, wording, sample.known)
        if kind == FRAME and str(sample.known["text"]) not in text:
            raise WordingError("no_text", 0, "text")


def _name(variant: Mapping[str, Any]) -> str:
    """Such as `late`, `reason.full`, `plain`."""
    [[name, value]] = variant.items() or [("", None)]
    if name == "booking_reason":
        return f"reason.{value or 'other'}"
    return name if value else "plain"


def _message(kind: str, variant: Mapping[str, Any]) -> Message:
    fields: dict[str, Any] = {"session_id": "s2"} if kind == "reminder" else {}
    if kind in ABOUT_LEAVE:
        fields["leave"] = _LEAVE
    return Message(
        message_id="sample",
        kind=kind,  # type: ignore[arg-type]  # whatever kind a text may have
        person_id="p1",
        about="p1",
        mentions=[],
        created_at=_FIRST,
        order="",
        **fields,
        **variant,
    )


def _offering(language: Language) -> Offering:
    title, first, second, place = _WORDS[language]
    sessions = [
        _session("s1", first, "in_person", 0, location=place),
        _session("s2", second, "online", 14, join_url=_URL),
    ]
    return Offering(
        offering_id="o1",
        course_id="c1",
        title=title,
        host_organisation_id="o",
        format="blended",
        capacity=20,
        waiting_list=True,
        delegations=[],
        sessions=sessions,
        version=1,
        cause="sample",
    )


def _session(session_id: str, title: str, form: SessionFormat, days: int, **more: Any) -> Session:
    start = _FIRST + timedelta(days=days)
    return Session(
        session_id=session_id,
        title=title,
        format=form,
        starts_at=start,
        ends_at=start + timedelta(hours=3, minutes=30),
        **more,
    )


_URL: Final = "https://meet.example.org/antidiskriminierung"
_WORDS: Final[Mapping[Language, tuple[str, str, str, str]]] = {
    "de": ("Beispielkurs: Antidiskriminierung", "Modul 1: Auftakt", "Modul 2: Praxis", "Rathaus, Raum A 220"),
    "en": ("Sample course: anti-discrimination", "Module 1: opening", "Module 2: practice", "Town hall, room A 220"),
}
_TEXT: Final[Mapping[Language, str]] = {
    "de": "hier steht, worum es in der einzelnen Nachricht geht.",
    "en": "this is where the single message says what it is about.",
}
_LEAVE: Final = Leave(
    leave_id="l1",
    version=1,
    person_id="p1",
    organisation_id="o",
    department=None,
    status_group=None,
    starts_on=date(2026, 9, 21),
    ends_on=date(2026, 9, 25),
    days=5,
    subject="Demokratie vor Ort",
    provider="Volkshochschule",
)
