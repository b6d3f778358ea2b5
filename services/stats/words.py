"""The words of the report, which the dashboard shares, so that page and report say the same."""

from collections.abc import Mapping
from typing import Any, Final

from services.stats.report import FORMATS, MISSING, MONTHS, NOT_GIVEN, month_name
from shared.words import Words

WORDS: Final[Words] = {
    "de": {
        "year": "Jahr",
        "report": "Fortbildung {year}: Bericht an den Rat",
        "span": "{first} bis {last}",
        "state": "Stand der Daten: {moment}, die Zeit des jüngsten Ereignisses; gezählt ist alles, was bis dahin "
        "eingegangen ist.",
        "as_of.none": "Noch ohne Daten.",
        "rebuilding": "Alles wird gerade neu gezählt: Bis das zu Ende ist, sind dies die Zahlen von vorher.",
        "chart": "{figure}, als Balken",
        "trend": "Über die Jahre: {figures}",
        "cross": "{figure}: {side} nach {top}",
        "cross.note": "„Insgesamt“ sind die Zahlen des ganzen Berichts. Wer unter mehreren Themen oder Kompetenzen "
        "oder in mehreren Monaten zählt, steht in mehreren Zeilen; deren Summe ist dann größer.",
        "definitions": "Was die Zahlen bedeuten",
        "method": "Wie dieser Bericht entstanden ist",
        "method.counts": "Buchungen, Teilnahmen und Personen sind drei verschiedene Zahlen und werden nie "
        "vermischt. Amt, Statusgruppe und Organisation sind die zur Zeit der Buchung. Eine Buchung zählt bei jedem "
        "Thema und jeder Kompetenz ihres Kurses und bei jedem Thema der Termine ihrer Veranstaltung, eine Teilnahme "
        "bei denen der besuchten Termine; die Zeilen dieser Tabellen ergeben deshalb zusammen mehr als die Gesamtzahl.",
        "method.years": "Tage, Monate und Jahre sind die der örtlichen Zeit. Wer die Fortbildung nutzte und später aus "
        "den Verzeichnissen gelöscht wurde, zählt weiter mit, ohne Namen.",
        "method.withheld": "Zum Schutz kleiner Gruppen werden Zahlen, hinter denen 1 bis {most} Personen stehen, "
        "zurückgehalten (•), und so viele weitere, dass sich keine davon aus diesem Bericht, seinen Summen, seinen "
        "Kreuztabellen oder den Berichten für einzelne Organisationen errechnen lässt. Auch eine Null kann "
        "zurückgehalten sein. Ganz gezeigt werden die Summen des ganzen Berichts und seine Zeilen nach Kurs, Format, "
        "Thema, Kompetenz und Monat.",
        "method.none": "In diesem Bericht ist keine Zahl zurückgehalten.",
        "method.limits": "Das schützt nicht vor dem Vergleich mit Berichten anderer Jahre oder mit früheren Fassungen "
        "dieses Berichts, und nicht vor dem, was jemand anderswoher weiß.",
        "method.change": "± ist die Veränderung gegenüber dem Jahr davor. Sie ist zurückgehalten, wo eine der beiden "
        "Zahlen es ist.",
        "method.span": "± ist die Veränderung vom ersten zum letzten Jahr. Sie ist zurückgehalten, wo eine der beiden "
        "Zahlen es ist.",
        "coverage": "{dimension}: bekannt zu {known} von {of} Buchungen.",
        "coverage.withheld": "{dimension}: nicht zu allen Buchungen bekannt.",
        "month.note": "Buchungen zählen im Monat des Platzes, Teilnahmen und Personen in jedem Monat, in dem jemand da "
        "war; Wartende haben keinen Monat.",
        "key": "Schlüssel",
        "figure": "Zahl",
        "number": "Wert",
        "definition": "Bedeutung",
        "missing.period": "Es liegen keine Ereignisse aus diesem Jahr vor, das älteste ist jünger.",
        "missing.before": "Aus diesem Jahr liegen keine Ereignisse vor; das älteste ist vom {since}.",
        "missing.ahead": "Dieses Jahr hat in den Daten noch nicht begonnen; das jüngste Ereignis ist vom {until}.",
        "missing.since": "Aus der Zeit vor {since} liegen keine Ereignisse vor; was davor lag, fehlt in diesem Jahr.",
        "missing.until": "Die Daten dieses Jahres reichen bis {until}; das Jahr ist damit noch nicht ganz gezählt.",
        "dimension.period": "Zeitraum",
        "dimension.month": "Monat",
        "month.all": " ".join(MONTHS),
        "totals": "Insgesamt",
        "by": "Nach {dimension}",
        "cohorts": "Zugewiesene Gruppen",
        "cohort": "Gruppe",
        "unavailable": "Was dieser Bericht nicht sagen kann",
        "withheld.mark": "zurückgehalten",
        "not_given": NOT_GIVEN,
        "figure.bookings": "Buchungen",
        "figure.persons": "Personen",
        "figure.participants": "Teilnahmen",
        "figure.waiting": "Wartend",
        "figure.cancelled": "Storniert",
        "figure.no_shows": "Gefehlt",
        "figure.completions": "Abschlüsse",
        "figure.leave_persons": "Freigestellte",
        "figure.leave_days": "Urlaubstage",
        "definition.bookings": "Buchungen, die in dem Jahr einen Platz bekamen",
        "definition.persons": "Verschiedene Personen unter den Teilnahmen",
        "definition.participants": "Buchungen mit Anwesenheit in dem Jahr; ein WBT zählt mit dem Abschluss",
        "definition.waiting": "Buchungen, die am Jahresende (oder jetzt) auf der Warteliste stehen",
        "definition.cancelled": "Buchungen mit Platz aus dem Jahr, die später abgesagt wurden",
        "definition.no_shows": "Bestätigte Buchungen, in jedem erfassten Termin abwesend",
        "definition.completions": "Buchungen, die in dem Jahr als abgeschlossen gemeldet wurden",
        "definition.leave_persons": "Verschiedene Personen mit Bildungsurlaub, der in dem Jahr beginnt",
        "definition.leave_days": "Tage dieses Bildungsurlaubs",
        "dimension.course": "Kurs",
        "dimension.format": "Format",
        "dimension.topic": "Thema",
        "dimension.competency": "Kompetenz",
        "dimension.department": "Amt",
        "dimension.status_group": "Statusgruppe",
        "dimension.organisation": "Organisation",
        "cohort.assigned": "Zugewiesen",
        "cohort.fulfilled": "Erfüllt",
        "cohort.open": "Offen",
        **{f"missing.{name}": why for name, why in MISSING.items()},
        **{f"format.{name}": label for name, label in FORMATS.items()},
    },
    "en": {
        "year": "Year",
        "report": "Training in {year}: report to the council",
        "span": "{first} to {last}",
        "state": "State of the data: {moment}, the time of the newest event; all that had come in by then is counted.",
        "as_of.none": "No data yet.",
        "rebuilding": "Everything is being counted anew: until that is over, these are the figures of before.",
        "chart": "{figure}, as bars",
        "trend": "Over the years: {figures}",
        "cross": "{figure}: {side} by {top}",
        "cross.note": "“In all” are the figures of the whole report. Who counts under several topics or competencies "
        "or in several months stands in several rows; these add up to more.",
        "definitions": "What the figures mean",
        "method": "How this report was made",
        "method.counts": "Bookings, participants and persons are three different counts and never mixed. "
        "Department, status group and organisation are those at the time of booking. A booking counts under every "
        "topic and competency of its course and every topic of its offering’s sessions, a participant under those of "
        "the sessions attended, so the rows of these tables add up to more than the total.",
        "method.years": "Days, months and years are those of local time. Who took part and was erased from the "
        "directories later still counts, without a name.",
        "method.withheld": "To protect small groups, figures that stand for 1 to {most} people are withheld (•), and "
        "so many others that none of them can be computed from this report, its totals, its cross tables or the "
        "reports of single organisations. A zero may be withheld, too. Always shown are the totals of the whole report "
        "and its rows by course, format, topic, competency and month.",
        "method.none": "No figure is withheld in this report.",
        "method.limits": "That protects neither against a comparison with reports of other years or with earlier "
        "issues of this report nor against what somebody knows from elsewhere.",
        "method.change": "± is the change from the year before. It is withheld where one of the two figures is.",
        "method.span": "± is the change from the first to the last year. It is withheld where one of the two figures "
        "is.",
        "coverage": "{dimension}: known for {known} of {of} bookings.",
        "coverage.withheld": "{dimension}: not known for all bookings.",
        "month.note": "Bookings count in the month of the seat, participants and persons in every month in which "
        "somebody was there; those who wait have no month.",
        "key": "Key",
        "figure": "Figure",
        "number": "Value",
        "definition": "Meaning",
        "missing.period": "There are no events of this year; the oldest one is younger.",
        "missing.before": "There are no events of this year; the oldest one is of {since}.",
        "missing.ahead": "In the data this year has not begun; the newest event is of {until}.",
        "missing.since": "There are no events from before {since}; what was earlier is missing in this year.",
        "missing.until": "The data of this year reach to {until}; the year is not counted in full yet.",
        "dimension.period": "period",
        "dimension.month": "month",
        "month.all": "January February March April May June July August September October November December",
        "totals": "In all",
        "by": "By {dimension}",
        "cohorts": "Assigned groups",
        "cohort": "Group",
        "unavailable": "What this report cannot say",
        "withheld.mark": "withheld",
        "not_given": "not given",
        "figure.bookings": "Bookings",
        "figure.persons": "Persons",
        "figure.participants": "Participants",
        "figure.waiting": "Waiting",
        "figure.cancelled": "Cancelled",
        "figure.no_shows": "No-shows",
        "figure.completions": "Completions",
        "figure.leave_persons": "People on leave",
        "figure.leave_days": "Days of leave",
        "definition.bookings": "Bookings that were given a seat in the year",
        "definition.persons": "Different people among the participants",
        "definition.participants": "Bookings with attendance in the year; web-based training counts once completed",
        "definition.waiting": "Bookings on a waiting list at the end of the year (or now)",
        "definition.cancelled": "Bookings given a seat in the year and cancelled later",
        "definition.no_shows": "Confirmed bookings, absent in every recorded session",
        "definition.completions": "Bookings reported as completed in the year",
        "definition.leave_persons": "Different people whose educational leave starts in the year",
        "definition.leave_days": "Days of that educational leave",
        "dimension.course": "course",
        "dimension.format": "format",
        "dimension.topic": "topic",
        "dimension.competency": "competency",
        "dimension.department": "department",
        "dimension.status_group": "status group",
        "dimension.organisation": "organisation",
        "cohort.assigned": "Assigned",
        "cohort.fulfilled": "Fulfilled",
        "cohort.open": "Open",
        "missing.course": "The course of none of this year’s bookings is known.",
        "missing.format": "The offering of none of this year’s bookings is known.",
        "missing.topic": "No topics were reported for this year’s courses and sessions.",
        "missing.competency": "No competencies were reported for this year’s courses.",
        "missing.department": "No department was reported for this year’s bookings and leave.",
        "missing.status_group": "No status group was reported for this year’s bookings and leave.",
        "missing.organisation": "No organisation was reported for this year’s bookings.",
        "format.in_person": "in person",
        "format.online": "online",
        "format.web_based": "web-based (self-study)",
        "format.blended": "blended",
    },
}


def label_of(dimension: str, row: Mapping[str, Any], words: Mapping[str, str], *, of_year: bool = True) -> str:
    """The label of a row of the report in the words' language; of a month, its year only where the report has one."""
    key = row["key"]
    if key is None:
        return words["not_given"]
    if dimension == "month":
        name = month_name(key, words["month.all"].split())
        return name if of_year else name.split()[0]
    return words.get(f"format.{key}", row["label"]) if dimension == "format" else str(row["label"])
