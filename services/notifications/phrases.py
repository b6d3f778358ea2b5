"""The fixed phrases of the mails: gettext catalogues, `locale/<language>/LC_MESSAGES/notifications.po`.

`make texts` collects new phrases from the code; the catalogues are read as they are, nothing has to be compiled.
"""

from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from shared.formats import Language

DOMAIN: Final = "notifications"
LOCALE: Final = Path(__file__).parent / "locale"


def path(language: Language) -> Path:
    """Where the catalogue of a language stands."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def catalogue(language: Language) -> Catalog:
    """The catalogue as it is written."""
    with path(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN, abort_invalid=True)


@cache
def phrases(language: Language) -> GNUTranslations:
    """`gettext` and `ngettext` of a language."""
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)
