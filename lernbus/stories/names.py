"""Invented people: names as the staff of German cities bear them, addresses at names that never exist (RFC 2606)."""

import unicodedata
from typing import Any, Final

GIVEN: Final = (
    *("Anna", "Mehmet", "Sabine", "Jonas", "Aylin", "Thomas", "Chidinma", "Petra", "Mateusz", "Leyla", "Stefan"),
    *("Thảo", "Michael", "Fatma", "Uwe", "Olena", "Ahmad", "Claudia", "Rojda", "Jan", "Giulia", "Martin", "Nadia"),
    *("Björn", "Zeynep", "Andrea", "Goran", "Miriam", "Kwame", "Ulrike", "Dimitrios", "Svetlana", "Lukas", "Esra"),
    *("Heike", "Tariq", "Jana", "Rahel", "Emre", "Birgit", "Daniel"),
)
FAMILY: Final = (
    *("Polat", "Schmitz", "Kowalczyk", "Becker", "Nguyễn", "Hoffmann", "Demir", "Krüger", "Haddad", "Jansen"),
    *("Okafor", "Weber", "Papadopoulos", "Lehmann", "Kaya", "Esser", "Petrović", "Klein", "Rossi", "Schäfer", "Çetin"),
    *("Vogt", "Mensah", "Breuer", "Shevchenko", "Wolff", "Şahin", "Peters", "Tran", "König", "Hassan", "Baumann"),
    *("García", "Küpper", "Nowak", "Franke", "Öztürk", "Lindner", "Amiri", "Busch", "Çelik", "Mertens", "Dąbrowski"),
)
"""As many as share no divisor with the number of given names, so that every number has a name of its own."""
LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "đ": "d"})
FOREIGN_READERS: Final = 19
"""One in so many reads English."""


def person(number: int, organisation_id: str, **more: Any) -> dict[str, Any]:
    """The data of `lms.person.changed.v1` for the person with this number; `more` fields that are None are left out."""
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)]
    return {
        "person_id": person_id(number),
        "email": f"{plain(given)}.{plain(family)}@{organisation_id}.example",
        "display_name": f"{given} {family}",
        "language": "en" if number % FOREIGN_READERS == FOREIGN_READERS - 1 else "de",
        "organisation_id": organisation_id,
        **{name: value for name, value in more.items() if value is not None},
    }


def person_id(number: int) -> str:
    """The pseudonym."""
    return f"p-{number:04}"


def plain(name: str) -> str:
    """Small letters of ASCII: Çelik -> celik, Schäfer -> schaefer."""
    bare = unicodedata.normalize("NFD", name.lower().translate(LETTERS))
    return "".join(letter for letter in bare if letter.isascii())
