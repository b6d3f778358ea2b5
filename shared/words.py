"""The words around every page, in both languages."""

from collections.abc import Mapping
from typing import Final

from shared.formats import Language

Words = Mapping[Language, Mapping[str, str]]

COMMON: Final[Words] = {
    "de": {
        "language": "Deutsch",
        "to_content": "Zum Inhalt",
        "areas": "Bereiche",
        "nav.enrolment": "Veranstaltungen",
        "nav.notifications": "Nachrichten",
        "nav.stats": "Auswertung",
        "footer": "Lernbus: Plätze, Wartelisten, Nachrichten und Zahlen der städtischen Fortbildung.",
        "letters.link": "Nicht verarbeitete Ereignisse",
        "zone": "Alle Zeiten in der Zeitzone {zone}.",
        "pages": "Seiten",
        "page_of": "Seite {page} von {pages}",
        "previous": "Vorherige Seite",
        "next": "Nächste Seite",
        "missing": "Nicht gefunden",
        "missing.text": "Diese Adresse kennen wir nicht. Bitte prüfen Sie, ob sie vollständig ist.",
        "missing.back": "Zur Übersicht",
    },
    "en": {
        "language": "English",
        "to_content": "Skip to content",
        "areas": "Areas",
        "nav.enrolment": "Offerings",
        "nav.notifications": "Messages",
        "nav.stats": "Figures",
        "footer": "Lernbus: seats, waiting lists, messages and figures of the city’s training.",
        "letters.link": "Dead letters",
        "zone": "All times are in the time zone {zone}.",
        "pages": "Pages",
        "page_of": "Page {page} of {pages}",
        "previous": "Previous page",
        "next": "Next page",
        "missing": "Not found",
        "missing.text": "We don’t know this address. Please check that it is complete.",
        "missing.back": "Back to the overview",
    },
}
