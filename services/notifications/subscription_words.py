"""The words of the page that ends reminders."""

from typing import Final

from shared.words import Words

MORE: Final[Words] = {
    "de": {
        "unsubscribe.title": "Erinnerungen abbestellen",
        "unsubscribe.text": "Sie bekommen dann keine Erinnerungen an Ihre Termine mehr. Was aus Ihren Buchungen wird, "
        "erfahren Sie weiterhin per E-Mail.",
        "unsubscribe.button": "Keine Erinnerungen mehr",
        "unsubscribed.title": "Sie bekommen keine Erinnerungen mehr",
        "unsubscribed.text": "Was aus Ihren Buchungen wird, erfahren Sie weiterhin per E-Mail.",
        "unsubscribed.button": "Doch wieder erinnern",
    },
    "en": {
        "unsubscribe.title": "End reminders",
        "unsubscribe.text": "You will not be reminded of your dates any more. What becomes of your bookings you will "
        "still be told by e-mail.",
        "unsubscribe.button": "No more reminders",
        "unsubscribed.title": "You will get no more reminders",
        "unsubscribed.text": "What becomes of your bookings you will still be told by e-mail.",
        "unsubscribed.button": "Remind me again",
    },
}
