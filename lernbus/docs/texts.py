"""Collects the fixed phrases of the mails into the catalogues of both languages: `make texts`."""

from io import BytesIO
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from services.notifications.phrases import LOCALE, catalogue, path
from shared.formats import LANGUAGES, Language

HEADER: Final = """\
# The fixed phrases of the mails; `make texts` collects new ones.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def template() -> Catalog:
    """Every phrase of the code, without a translation."""
    found = Catalog()
    for _, _, phrase, _, context in extract_from_dir(LOCALE.parent, [("**.py", "python")]):
        found.add(phrase, context=context)
    return found


def updated(language: Language) -> bytes:
    """The catalogue with the code's phrases: new ones are empty, those that are gone are left out."""
    known, written = catalogue(language), BytesIO()
    known.update(template(), no_fuzzy_matching=True)
    write_po(written, known, width=118, no_location=True, omit_header=True, ignore_obsolete=True)
    return HEADER.format(language=language).encode() + written.getvalue()


if __name__ == "__main__":
    for one in LANGUAGES:
        path(one).write_bytes(updated(one))
