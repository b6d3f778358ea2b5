"""What a mail has around its words: the calendar's invitations, the links below, and how to end this kind of mail."""

from typing import Final

import msgspec

from services.notifications.calendars import Office, invitations
from services.notifications.choices import OPTIONAL, Choice
from services.notifications.html import Note
from services.notifications.links import Links
from services.notifications.mail import Words, recipient
from services.notifications.messages import Message
from shared.events import Offering, Person

CALENDAR: Final = "calendar"
UNSUBSCRIBE: Final = "unsubscribe"
LABELS: Final = {
    "de": {CALENDAR: "Ihre Termine als Kalender zum Abonnieren", UNSUBSCRIBE: "Keine Erinnerungen mehr erhalten"},
    "en": {CALENDAR: "Your dates as a calendar to subscribe to", UNSUBSCRIBE: "Receive no more reminders"},
}


def calendar_path(links: Links, person_id: str, choice: Choice) -> str:
    """Where a person's own calendar is."""
    return f"/notifications/calendar/{links.sign(CALENDAR, person_id, choice.links)}.ics"


class Around:
    """Adds it to the words of one mail after the other."""

    def __init__(self, links: Links, office: Office) -> None:
        self._links, self._office = links, office

    def add(self, words: Words, message: Message, reader: Person, offering: Offering | None, choice: Choice) -> Words:
        """The words with all that belongs to them. Raises ValueError for an address that cannot be mailed."""
        to, labels = recipient(words.name, words.address), LABELS[reader.language]
        found = invitations(message, to, reader.language, offering, self._office)
        notes, end = [], None
        if any(one.method == "REQUEST" for one in found):
            url = self._links.url(calendar_path(self._links, reader.person_id, choice))
            notes.append(Note(labels[CALENDAR], url))
        if message.kind in OPTIONAL:
            end = self._links.url(f"/notifications/unsubscribe/{self._links.sign(UNSUBSCRIBE, reader.person_id)}")
            notes.append(Note(labels[UNSUBSCRIBE], end))
        return msgspec.structs.replace(words, notes=notes, invitations=found, unsubscribe=end)
