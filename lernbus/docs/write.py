"""`make docs`: writes docs/openapi.json, docs/asyncapi.json and the table of settings.

What would break other people's programs is refused.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from lernbus.docs import asyncapi, openapi, settings
from lernbus.docs.breaking import allowed, breaking

FOLDER: Final = Path("docs")
HANDBOOK: Final = "operations.md"
DOCUMENTS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "openapi.json": openapi.document,
    "asyncapi.json": asyncapi.document,
}


def text_of(document: Mapping[str, Any]) -> str:
    """One value a line, in the order of the code."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def generated(handbook: str) -> dict[str, str]:
    """The content of every file, by its name in docs/."""
    files = {name: text_of(build()) for name, build in DOCUMENTS.items()}
    return {**files, HANDBOOK: settings.inserted(handbook)}


def breaks(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What the new documents would break of those that are there, unless their version says so."""
    found = []
    for name in DOCUMENTS:
        if (folder / name).exists():
            old, new = json.loads((folder / name).read_text(encoding="utf-8")), json.loads(files[name])
            found += [] if allowed(old, new) else [f"{name}: {one}" for one in breaking(old, new)]
    return found


def write(folder: Path) -> Iterable[str]:
    """Write all files, or none of them and return what would break."""
    files = generated((folder / HANDBOOK).read_text(encoding="utf-8"))
    if found := breaks(folder, files):
        return found
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return []


def main() -> None:
    """Exit code 1 when something would break."""
    for line in (found := write(FOLDER)):
        print(line, file=sys.stderr)  # noqa: T201 (a command)
    if found:
        print("a break needs a higher first number in CONTRACT (shared/openapi.py)", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
