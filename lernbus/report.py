"""`lernbus report`: the council report of a year, or of several, in the terminal or as a file."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lernbus.client import Client, Query
from lernbus.errors import CommandError
from services.stats.text import render_text
from shared.formats import LANGUAGES, Language

TEXTS: Final[Mapping[str, Callable[[Any, Language], str]]] = {
    "text": render_text,
    "json": lambda report, _: json.dumps(report, ensure_ascii=False, indent=2) + "\n",
}
FILES: Final = ("csv", "xlsx", "html", "pdf")
BINARY: Final = ("xlsx", "pdf")
_YEARS: Final = re.compile(r"([0-9]{4})(?:\.\.([0-9]{4}))?")


def years(text: str) -> dict[str, int | None]:
    """The first and the last year, of 2023 or 2022..2024. Raises CommandError."""
    found = _YEARS.fullmatch(text)
    if found is None:
        raise CommandError(f"a report is of a year or of years side by side, as 2023 or 2022..2024, not of {text}")
    return {"year": int(found[1]), "until": int(found[2]) if found[2] else None}


def fetch(client: Client, form: str, language: str, **question: Query) -> bytes:
    """The report as bytes. Raises CommandError for a format or a language that there is not."""
    if form not in (*TEXTS, *FILES):
        raise CommandError(f"the report comes as {', '.join([*TEXTS, *FILES])}, not as {form}")
    if language not in LANGUAGES:
        raise CommandError(f"the report comes in {' or '.join(LANGUAGES)}, not in {language}")
    if form in TEXTS:
        return TEXTS[form](client.get("/stats/api/report", **question), language).encode()
    content: bytes = client.get(f"/stats/api/report.{form}", lang=language, **question)
    return content


def write(content: bytes, form: str, output: Path | None) -> None:
    """Into the file, or to standard output: of what no terminal can show only where it is none."""
    if output is None:
        if form in BINARY and sys.stdout.isatty():
            raise CommandError(f"a terminal cannot show {form}: give --output FILE")
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error
