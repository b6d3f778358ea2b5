"""The words of the page on which the office sets when people are reminded of an offering."""

from typing import Final

from shared.words import Words

REMINDER_WORDS: Final[Words] = {
    "de": {
        "reminders.title": "Erinnerungen",
        "reminders.intro": "Wer einen Platz hat, wird vor jedem Termin per E-Mail erinnert.",
        "reminders.general": "Für diese Veranstaltung gilt die allgemeine Einstellung.",
        "reminders.own": "Diese Veranstaltung hat eigene Zeitpunkte.",
        "reminders.days": "Tage vorher",
        "reminders.hint": "Bis zu fünf Zahlen von 0 bis 365, durch Komma getrennt. Leer: Es wird nicht erinnert. "
        "Zeitpunkte, die schon vorbei sind, werden nicht nachgeholt.",
        "reminders.wrong": "Bitte bis zu fünf ganze Zahlen von 0 bis 365 angeben, durch Komma getrennt.",
        "reminders.save": "Speichern",
        "reminders.reset": "Allgemeine Einstellung verwenden",
        "reminders.saved": "Gespeichert",
        "reminders.saved.text": "Ab sofort wird zu diesen Zeitpunkten erinnert.",
        "reminders.back": "Zur Veranstaltung",
    },
    "en": {
        "reminders.title": "Reminders",
        "reminders.intro": "Everybody with a seat is reminded of each session by e-mail.",
        "reminders.general": "The general setting counts for this offering.",
        "reminders.own": "This offering has times of its own.",
        "reminders.days": "Days before",
        "reminders.hint": "Up to five numbers from 0 to 365, separated by commas. Empty: nobody is reminded. "
        "Moments that have passed are not made up for.",
        "reminders.wrong": "Please give up to five whole numbers from 0 to 365, separated by commas.",
        "reminders.save": "Save",
        "reminders.reset": "Use the general setting",
        "reminders.saved": "Saved",
        "reminders.saved.text": "From now on people are reminded at these times.",
        "reminders.back": "To the offering",
    },
}
