"""How people are found by name, e-mail or pseudonym, without accents and capitals mattering. Pure."""

import re
import unicodedata
from typing import Final

from services.notifications.messages import Contact

_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_WORD: Final = re.compile(r"[^\W_]+")


def found_by(contact: Contact) -> list[str]:
    """The words whose beginnings find somebody; none of an erased person. Müller is found as muller and mueller."""
    if contact.person is None:
        return []
    told = (contact.person_id, contact.person.email, contact.person.display_name)
    return sorted({word for text in told for word in spellings(text)})


def spellings(text: str) -> set[str]:
    """The words of a text, with and without what joins them, umlauts in both of the ways in which people type them."""
    lower = unicodedata.normalize("NFC", text.casefold())
    return {
        plain(word) for spelt in (lower, lower.translate(_GERMAN)) for word in [*spelt.split(), *_WORD.findall(spelt)]
    }


def plain(word: str) -> str:
    """Without accents and capitals."""
    split = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def beginnings(asked: str) -> list[str]:
    """What somebody typed, as the beginnings of words that must all be there; an address or a pseudonym stays whole."""
    parts = asked.casefold().split()
    if len(parts) == 1 and not _WORD.fullmatch(parts[0]):
        return [plain(parts[0])]
    return [plain(word) for part in parts for word in (_WORD.findall(part) or [part])]
