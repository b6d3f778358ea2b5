"""`lernbus report`: the council report of a year, in the terminal or as a file."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lernbus.client import Client
from lernbus.errors import CommandError
from services.stats.text import render_text

TEXTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "text": render_text,
    "json": lambda report: json.dumps(report, ensure_ascii=False, indent=2) + "\n",
}
FILES: Final = ("csv", "xlsx", "html", "pdf")
BINARY: Final = ("xlsx", "pdf")


def fetch(client: Client, form: str, language: str, **question: str | int | None) -> bytes:
    """The report as bytes. Raises CommandError for a format or a language that there is not."""
    if form not in (*TEXTS, *FILES):
        raise CommandError(f"the report comes as {', '.join([*TEXTS, *FILES])}, not as {form}")
    if language not in ("de", "en"):
        raise CommandError(f"the report comes in de or en, not in {language}")
    if form in TEXTS:
        return TEXTS[form](client.get("/stats/api/report", **question)).encode()
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
