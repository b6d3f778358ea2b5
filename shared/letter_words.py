"""What dead letters are about, in both languages: the fixed words for reasons, and the words of the pages."""

from collections.abc import Mapping
from typing import Any, Final

from shared.formats import Language
from shared.words import Words

REASONS: Final[Mapping[Language, Mapping[str, str]]] = {
    "de": {
        "bug": "Der Dienst selbst ist an diesem Ereignis gescheitert. Das ist unser Fehler: Nach einer "
        "Korrektur lässt es sich wiederholen.",
        "invalid": "Das Ereignis ist nicht so, wie der Vertrag es verlangt.",
        "no_booking": "Anwesenheit oder Abschluss von jemandem, der auf dieser Veranstaltung keinen Platz hat.",
        "not_json": "Der Inhalt ist kein lesbares JSON.",
        "unknown_type": "Ereignisse dieses Typs sind hier nicht bekannt.",
        "wrong_key": "Schlüssel oder Partition passen nicht zum Ereignis. Das lässt sich nur mit einem neuen Ereignis"
        " heilen, oder wenn der Inhalt falsch war.",
    },
    "en": {
        "bug": "The service itself failed on this event. That is our fault: once it is mended, the event can be"
        " replayed.",
        "invalid": "The event is not as the contract demands.",
        "no_booking": "Attendance or completion of somebody who has no seat on this offering.",
        "not_json": "The content is no readable JSON.",
        "unknown_type": "Events of this type are not known here.",
        "wrong_key": "Key or partition do not fit the event. Only a new event can cure that, or an edit if the "
        "content was wrong.",
    },
}

PAGE: Final[Words] = {
    "de": {
        "title": "Nicht verarbeitete Ereignisse",
        "intro": "Diese Ereignisse hat der Dienst „{service}“ gelesen und nicht verarbeiten können. Verloren ist "
        "keines: Jedes lässt sich wiederholen oder verwerfen.",
        "empty": "Alles ist verarbeitet",
        "empty.text": "Hier steht nichts, was auf eine Entscheidung wartet.",
        "asked": "Der Auftrag ist angenommen",
        "asked.text": "Er steht im Log und wird der Reihe nach ausgeführt. Laden Sie die Seite gleich noch einmal.",
        "refused": "Das geht nicht",
        "stopped": "{place} steht still: {why}",
        "stopped.text": "Zu viele Ereignisse sind gescheitert. Erst die Ursache beheben, dann weiterlesen lassen; die "
        "Zählung beginnt dann von vorn.",
        "resume": "Weiterlesen",
        "reasons": "Nach Grund",
        "reason": "Grund",
        "number": "Anzahl",
        "all": "Alle auf einmal",
        "letters": "Ereignisse",
        "letter": "Ereignis",
        "received": "Eingegangen",
        "sender": "Absender",
        "sender.unknown": "nicht lesbar",
        "key": "Schlüssel",
        "state": "Stand",
        "status": "Stand",
        "status.open": "offen",
        "status.replayed": "wiederholt",
        "status.dropped": "verworfen",
        "filter": "Auswahl",
        "filter.all": "alle",
        "filter.show": "Anzeigen",
        "more": "Weitere",
        "blocks": "hält andere auf",
        "replay": "Wiederholen",
        "drop": "Verwerfen",
        "where": "Ort im Log",
        "where.text": "{topic}, Partition {partition}, Offset {offset}",
        "detail": "Einzelheit",
        "last": "Zuletzt",
        "outcome.applied": "wiederholt und angewendet",
        "outcome.repeated": "wiederholt; es war nichts mehr zu ändern",
        "outcome.held": "wiederholt; es wartet nun auf ein anderes Ereignis",
        "outcome.dead_lettered": "wiederholt und wieder gescheitert",
        "outcome.dropped": "verworfen",
        "behind": "Dahinter warten",
        "behind.none": "Niemand wartet auf dieses Ereignis.",
        "behind.text": "{n} spätere Ereignisse desselben Schlüssels warten, bis dieses wiederholt oder verworfen ist."
        "{n} spätere Ereignisse desselben Schlüssels warten, bis dieses wiederholt oder verworfen ist.",
        "content": "Inhalt, wie er ankam",
        "content.text": "{n} Bytes",
        "edited": "Zuletzt wiederholt mit",
        "headers": "Kopfzeilen",
        "withheld": "Der Inhalt wird nicht aufbewahrt",
        "withheld.text": "Er kann einen Namen enthalten. Bitten Sie den Absender, die Person noch einmal zu senden, "
        "und verwerfen Sie dann diesen Eintrag.",
        "act": "Was soll geschehen?",
        "edit": "Ändern und wiederholen",
        "edit.label": "Geänderter Inhalt",
        "edit.text": "Der geänderte Inhalt wird wie jedes Ereignis geprüft. Der ursprüngliche bleibt hier stehen.",
        "drop.text": "Verwerfen heißt: Dieses Ereignis wird nie angewendet. Was dahinter wartet, geht weiter.",
        "back": "Alle nicht verarbeiteten Ereignisse",
    },
    "en": {
        "title": "Dead letters",
        "intro": "The service “{service}” has read these events and could not process them. None is lost: each "
        "can be replayed or dropped.",
        "empty": "Everything is processed",
        "empty.text": "There is nothing here that waits for a decision.",
        "asked": "The order is accepted",
        "asked.text": "It stands in the log and is done in its turn. Load the page again in a moment.",
        "refused": "That cannot be done",
        "stopped": "{place} stands still: {why}",
        "stopped.text": "Too many events have failed. Mend the cause first, then let it go on; counting starts anew.",
        "resume": "Go on",
        "reasons": "By reason",
        "reason": "Reason",
        "number": "Number",
        "all": "All at once",
        "letters": "Events",
        "letter": "Event",
        "received": "Received",
        "sender": "Sender",
        "sender.unknown": "cannot be read",
        "key": "Key",
        "state": "State",
        "status": "State",
        "status.open": "open",
        "status.replayed": "replayed",
        "status.dropped": "dropped",
        "filter": "Filter",
        "filter.all": "all",
        "filter.show": "Show",
        "more": "More",
        "blocks": "holds others up",
        "replay": "Replay",
        "drop": "Drop",
        "where": "Place in the log",
        "where.text": "{topic}, partition {partition}, offset {offset}",
        "detail": "Detail",
        "last": "Last",
        "outcome.applied": "replayed and applied",
        "outcome.repeated": "replayed; nothing had to be changed any more",
        "outcome.held": "replayed; it waits for another event now",
        "outcome.dead_lettered": "replayed, and failed again",
        "outcome.dropped": "dropped",
        "behind": "Waiting behind it",
        "behind.none": "Nothing waits for this event.",
        "behind.text": "{n} later events of the same key wait until this one is replayed or dropped.",
        "content": "Content as it came",
        "content.text": "{n} bytes",
        "edited": "Last replayed with",
        "headers": "Headers",
        "withheld": "The content is not kept",
        "withheld.text": "It may hold a name. Ask the sender to send the person once more, then drop this entry.",
        "act": "What shall be done?",
        "edit": "Edit and replay",
        "edit.label": "Edited content",
        "edit.text": "The edited content passes the checks of every event. The original stays here.",
        "drop.text": "To drop means: this event is never applied. What waits behind it goes on.",
        "back": "All dead letters",
    },
}

WORDS: Final[Words] = {
    language: {**PAGE[language], **{f"reason.{word}": text for word, text in REASONS[language].items()}}
    for language in PAGE
}


def detail_of(letter: Mapping[str, Any]) -> str:
    """The place of the fault and the sentence about it."""
    return ": ".join(part for part in (letter["field"], letter["detail"]) if part)
