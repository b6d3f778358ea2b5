"""What came of the stories, as the services' APIs tell it, and what of it is not as it should be."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

from lernbus.client import Client
from lernbus.stories import OFFERINGS
from lernbus.stories.duesseldorf import COUNCIL
from lernbus.stories.wuppertal import MODULE, SERIES

SERVICES: Final = ("enrolment", "notifications", "stats")
PAGE: Final = 1_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Answers of the APIs. `reminders`: the last reminder of 21 November 2024, as sent, by reader."""

    offerings: list[Row]
    bookings: dict[str, list[Row]]
    messages: list[Row]
    report: Row
    tallies: dict[str, Counter[str]]
    reminders: dict[str, EmailMessage]


def read(client: Client) -> Outcome:
    """Ask all three services."""
    messages = [*_messages(client)]
    return Outcome(
        offerings=[client.get(f"/enrolment/api/offerings/{offering_id}") for offering_id in OFFERINGS],
        bookings={name: client.get(f"/enrolment/api/offerings/{name}/bookings") for name in OFFERINGS},
        messages=messages,
        report=client.get("/stats/api/report", year=2023),
        tallies={service: _tally(client.get(f"/{service}/api/progress")) for service in SERVICES},
        reminders=_reminders(client, messages),
    )


def _messages(client: Client) -> Iterator[Row]:
    after = None
    while page := client.get("/notifications/api/messages", limit=PAGE, after=after):
        yield from page
        after = page[-1]["message_id"]


def _tally(progress: Row) -> Counter[str]:
    return sum((Counter(outcomes) for outcomes in progress["tally"].values()), Counter())


def _reminders(client: Client, messages: list[Row]) -> dict[str, EmailMessage]:
    last = {one["person_id"]: one for one in messages if one["kind"] == "reminder" and _is_about_the_module(one)}
    return {
        reader: message_from_bytes(_raw(client, one), EmailMessage, policy=default)
        for reader, one in last.items()
        if one["status"] == "sent"
    }


def _is_about_the_module(message: Row) -> bool:
    return (message["offering_id"], message["session_id"]) == (SERIES, MODULE)


def _raw(client: Client, message: Row) -> bytes:
    mail: bytes = client.get(f"/notifications/api/messages/{message['message_id']}/raw")
    return mail


def figure(report: Row, course_id: str | None, measure: str) -> Any:  # noqa: ANN401 (a number, or None if withheld)
    """A figure of a course, or of the totals; 0 where the report has no such row."""
    rows = [report["totals"]] if course_id is None else report["by"]["course"]
    return next((row[measure] for row in rows if course_id is None or row["key"] == course_id), 0)


def moved_up(bookings: list[Row]) -> list[Row]:
    """Those that waited and then got a seat."""
    return [one for one in bookings if one["waiting_since"] and one["seated_at"]]


def text_of(mail: EmailMessage) -> str:
    """What stands in a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def faults(outcome: Outcome) -> list[str]:
    """A sentence for each thing that is not as it should be."""
    return [*_miscounted(outcome), *_unprocessed(outcome), *_untold(outcome), *_unreminded(outcome)]


def _miscounted(outcome: Outcome) -> Iterator[str]:
    for course_id, measure, expected in COUNCIL:
        found = figure(outcome.report, course_id, measure)
        if found != expected:
            yield f"{measure} of {course_id or 'all'}: the city counted {expected}, the report says {found}"
    if not outcome.report["cohorts"] or any(row["open"] for row in outcome.report["cohorts"]):
        yield "a trainee of the exam of 2023 is counted as never having been at the memorial site"


def _unprocessed(outcome: Outcome) -> Iterator[str]:
    for service, tally in outcome.tallies.items():
        for what in ("held", "dead_lettered", "absent"):
            if tally[what]:
                yield f"{service}: {tally[what]} events are {what.replace('_', '-')}"


def _untold(outcome: Outcome) -> Iterator[str]:
    for status, number in Counter(one["status"] for one in outcome.messages).items():
        if status != "sent":
            yield f"{number} mails are {status}"
    for offering_id, bookings in outcome.bookings.items():
        seated = Counter(one["person_id"] for one in moved_up(bookings))
        promoted = [one for one in outcome.messages if (one["offering_id"], one["kind"]) == (offering_id, "promoted")]
        if seated != Counter(one["person_id"] for one in promoted):
            yield f"{offering_id}: {seated.total()} moved up, {len(promoted)} were told so, and they are not the same"
    if not moved_up(outcome.bookings[SERIES]):
        yield "nobody moved up when the capacity was raised"


def _unreminded(outcome: Outcome) -> Iterator[str]:
    confirmed = {one["person_id"] for one in outcome.bookings[SERIES] if one["status"] == "confirmed"}
    offering = next(one for one in outcome.offerings if one["offering_id"] == SERIES)
    link = next(one["join_url"] for one in offering["sessions"] if one["session_id"] == MODULE)
    with_link = {reader for reader, mail in outcome.reminders.items() if link in text_of(mail)}
    if not confirmed or not confirmed <= with_link:
        yield f"21 November 2024: {len(confirmed & with_link)} of {len(confirmed)} were reminded with the right link"
