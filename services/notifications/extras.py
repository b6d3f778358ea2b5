"""What the mails of some kinds have besides what every mail has: links, the list of who comes, a certificate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.notifications import approvals, certificate_pdf, dates
from services.notifications.certificates import grouped
from services.notifications.links import Links
from services.notifications.mail import File
from services.notifications.messages import Contact, session_of
from services.notifications.queue import Letter
from services.notifications.settings import Settings
from services.notifications.trainers import NAMED
from services.notifications.wording import Lines, one_line
from shared.events import Person
from shared.formats import Language

CODES: Final = "/notifications/certificates/"
NOBODY: Final = {"de": "Bisher hat niemand einen Platz.", "en": "Nobody has a seat yet."}
MORE: Final = {"de": "und weitere: siehe das Lernportal", "en": "and more: see the learning portal"}


class Extra(NamedTuple):
    """Further values for the text, and files."""

    values: dict[str, Any]
    files: tuple[File, ...] = ()


class Extras:
    """Makes them for one letter after the other."""

    def __init__(self, links: Links, settings: Settings) -> None:
        self._links, self._zone = links, settings.zone
        self._office = office_of(settings)

    async def of(self, letter: Letter) -> Extra:
        """Nothing for most kinds."""
        reader = letter.reader.person if letter.reader else None
        if reader is None:
            return Extra({})
        match letter.message.kind:
            case "approval_requested":
                return Extra(self._answers(letter, reader.language))
            case "roster":
                return Extra(self._roster(letter, reader.language))
            case "certificate":
                return await self._certificate(letter, reader)
        return Extra({})

    def _answers(self, letter: Letter, language: Language) -> dict[str, Any]:
        token = self._links.sign(approvals.PURPOSE, letter.message.message_id)
        page = self._links.url(f"/notifications/approvals/{token}?lang={language}")
        return {"approve_url": page, "refuse_url": f"{page}&answer=refused"}

    def _roster(self, letter: Letter, language: Language) -> dict[str, Any]:
        session = session_of(letter.message, letter.offering) if letter.offering else None
        sessions = [dates.session(session, language, self._zone)] if session else []
        return {
            "sessions": sessions,
            "dates": dates.dates(sessions, language),
            "count": str(len(letter.message.people)) if len(letter.message.people) <= NAMED else f"{NAMED}+",
            "people": people(letter.people, letter.organisations, language),
        }

    async def _certificate(self, letter: Letter, reader: Person) -> Extra:
        certificate = letter.certificate
        if certificate is None:
            raise LookupError("there is no certificate")
        page = self._links.url(CODES)
        pdf = await certificate_pdf.render(certificate, reader, self._office, page, self._zone)
        code = grouped(certificate.code)
        values = {"code": code, "verify_url": f"{page}{code}?lang={reader.language}", "title": certificate.title}
        return Extra(values, (File(certificate_pdf.file_name(reader.language), "application/pdf", pdf),))


def office_of(settings: Settings) -> str:
    """Who issues certificates: the name that mails come from."""
    return settings.sender.display_name or settings.sender.domain


def people(contacts: Sequence[Contact], organisations: Mapping[str, str], language: Language) -> Lines:
    """Name and organisation, one person a line, by name; whoever is not known by name is left out."""
    named = sorted(
        (
            str(one_line(person.display_name)).casefold(),
            str(one_line(person.display_name)),
            person.organisation_id or "",
        )
        for person in (contact.person for contact in contacts)
        if person is not None
    )
    lines = [
        f"{number}. {name}" + (f", {one_line(organisations[where])}" if where in organisations else "")
        for number, (_, name, where) in enumerate(named[:NAMED], 1)
    ]
    return Lines("\n".join([*lines, *([MORE[language]] if len(named) > NAMED else [])]) or NOBODY[language])
