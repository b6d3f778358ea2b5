"""The words of the pages for readers of mails: requests for approval and certificates."""

from typing import Final

from shared.words import Words

WORDS: Final[Words] = {
    "de": {
        "reader.footer": "Lernbus: Fortbildung der Stadt.",
        "link.unknown": "Dieser Link führt zu nichts",
        "link.unknown.text": "Bitte prüfen Sie, ob Sie ihn vollständig aus der E-Mail übernommen haben. Ältere Links "
        "können ungültig geworden sein; im Lernportal können Sie immer entscheiden.",
        "approval.title": "Bitte um Genehmigung",
        "approval.text": "{name} möchte an dieser Veranstaltung teilnehmen. Bis zu Ihrer Entscheidung ist kein Platz "
        "reserviert.",
        "approval.who": "Wer",
        "approval.what": "Veranstaltung",
        "approval.when": "Termine",
        "approval.no_dates": "ohne festen Termin",
        "approval.until": "Entscheiden können Sie bis",
        "approval.at": "Entschieden am",
        "approval.answer": "Ihre Entscheidung",
        "approval.approve": "Genehmigen",
        "approval.refuse": "Ablehnen",
        "approval.reason": "Grund der Ablehnung",
        "approval.optional": "(freiwillig)",
        "approval.reason.hint": "Ein Satz genügt. Bitte nennen Sie nichts Persönliches.",
        "approval.once": "Sie entscheiden einmal; danach gilt dieser Link nicht mehr.",
        "approval.approved": "Sie haben genehmigt",
        "approval.approved.text": "Vielen Dank. Ob ein Platz frei ist oder die Anmeldung auf die Warteliste kommt, "
        "steht in der E-Mail, die gleich hinausgeht.",
        "approval.refused": "Sie haben abgelehnt",
        "approval.refused.text": "Vielen Dank. Die Person erfährt es per E-Mail.",
        "approval.elsewhere": "Es ist schon entschieden",
        "approval.elsewhere.text": "Über diese Anmeldung wurde auf anderem Weg entschieden. Sie müssen nichts tun.",
        "approval.withdrawn": "Die Anmeldung besteht nicht mehr",
        "approval.withdrawn.text": "Sie wurde zurückgezogen, oder die Veranstaltung ist abgesagt. "
        "Sie müssen nichts tun.",
        "approval.expired": "Die Frist ist vorbei",
        "approval.expired.text": "Mit diesem Link lässt sich nicht mehr entscheiden: Die Anmeldung ist geschlossen, "
        "die Veranstaltung hat begonnen, oder die E-Mail ist älter als 30 Tage. Bitte wenden Sie sich an die "
        "Fortbildungsstelle.",
        "approval.replaced": "Dieser Link gilt nicht mehr",
        "approval.replaced.text": "Für diese Anmeldung entscheidet inzwischen jemand anderes, oder sie ist gelöscht. "
        "Sie müssen nichts tun.",
        "approval.unsent": "Ihre Entscheidung ist noch nicht angekommen",
        "approval.unsent.text": "Bitte versuchen Sie es in einer Minute noch einmal.",
        "approval.wrong": "Bitte prüfen Sie Ihre Eingabe",
        "approval.wrong.text": "Der Grund darf höchstens {most} Zeichen haben.",
        "certificate.title": "Teilnahmebescheinigung prüfen",
        "certificate.text": "Geben Sie den Code ein, der auf der Bescheinigung steht.",
        "certificate.code": "Code",
        "certificate.check": "Prüfen",
        "certificate.valid": "Diese Bescheinigung ist gültig",
        "certificate.valid.text": "Zu diesem Code wurde eine Teilnahmebescheinigung ausgestellt, und sie gilt. Mehr "
        "zeigen wir hier nicht: Vergleichen Sie den Code mit dem auf dem Papier.",
        "certificate.invalid": "Zu diesem Code gibt es keine gültige Bescheinigung",
        "certificate.invalid.text": "Bitte vergleichen Sie den Code Zeichen für Zeichen. Eine Bescheinigung kann auch "
        "zurückgezogen worden sein.",
        "certificate.again": "Einen anderen Code prüfen",
    },
    "en": {
        "reader.footer": "Lernbus: training of the city’s staff.",
        "link.unknown": "This link leads to nothing",
        "link.unknown.text": "Please check that you have copied all of it from the e-mail. Older links may have become "
        "invalid; you can always decide in the learning portal.",
        "approval.title": "Request for approval",
        "approval.text": "{name} would like to take part in this training. No seat is reserved until you decide.",
        "approval.who": "Who",
        "approval.what": "Training",
        "approval.when": "Dates",
        "approval.no_dates": "no fixed dates",
        "approval.until": "You can decide until",
        "approval.at": "Decided on",
        "approval.answer": "Your decision",
        "approval.approve": "Approve",
        "approval.refuse": "Refuse",
        "approval.reason": "Reason for refusing",
        "approval.optional": "(optional)",
        "approval.reason.hint": "One sentence will do. Please name nothing personal.",
        "approval.once": "You decide once; after that this link is no longer valid.",
        "approval.approved": "You have approved",
        "approval.approved.text": "Thank you. Whether a seat is free or the booking joins the waiting list is said in "
        "the e-mail that goes out in a moment.",
        "approval.refused": "You have refused",
        "approval.refused.text": "Thank you. The person is told by e-mail.",
        "approval.elsewhere": "It has been decided already",
        "approval.elsewhere.text": "This booking has been decided in another way. There is nothing you need to do.",
        "approval.withdrawn": "The booking is no longer there",
        "approval.withdrawn.text": "It has been withdrawn, or the training is cancelled. There is nothing you need to "
        "do.",
        "approval.expired": "It is too late to decide",
        "approval.expired.text": "This link can no longer be used: booking has closed, the training has begun, or the "
        "e-mail is older than 30 days. Please ask the training office.",
        "approval.replaced": "This link is no longer valid",
        "approval.replaced.text": "Somebody else decides about this booking by now, or it has been erased. There is "
        "nothing you need to do.",
        "approval.unsent": "Your decision has not arrived yet",
        "approval.unsent.text": "Please try again in a minute.",
        "approval.wrong": "Please check what you entered",
        "approval.wrong.text": "The reason may have at most {most} characters.",
        "certificate.title": "Check a certificate of participation",
        "certificate.text": "Enter the code that stands on the certificate.",
        "certificate.code": "Code",
        "certificate.check": "Check",
        "certificate.valid": "This certificate is valid",
        "certificate.valid.text": "A certificate of participation was issued with this code, and it is valid. We show "
        "no more than that: compare the code with the one on the paper.",
        "certificate.invalid": "There is no valid certificate with this code",
        "certificate.invalid.text": "Please compare the code character by character. A certificate may also have been "
        "withdrawn.",
        "certificate.again": "Check another code",
    },
}
