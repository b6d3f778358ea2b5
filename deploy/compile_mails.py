"""`make mails`: the frame of the mails, compiled from MJML into HTML that every mail program shows."""

import re
from pathlib import Path

import mrml

MAILS = Path(__file__).parents[1] / "services" / "notifications" / "mails"


def compiled(source: str) -> str:
    """The HTML, a tag on each line, so that a change can be read; the comments are Outlook's."""
    return re.sub(r"(?<!\])>\s*<(?=[a-z/])", ">\n<", str(mrml.to_html(source).content)).strip() + "\n"


def main() -> None:
    """Write each .html beside its .mjml."""
    for source in sorted(MAILS.glob("*.mjml")):
        target = source.with_suffix(".html")
        target.write_text(compiled(source.read_text("utf-8")), "utf-8")
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
