"""A mail's plain text as HTML, within the frame that `make mails` compiles. Pure.

Paragraphs stay paragraphs; `* title` and the indented lines below it become a box, lines such as `Place: town hall` a
table, a line that is only `Approve: https://...` a button, other addresses links; what follows `--` is the small print.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

ADDRESS: Final = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}'“”»]")
ROW: Final = re.compile(r" *(?P<key>[A-ZÄÖÜ0-9][^:]{0,38}):\s+(?P<value>\S.*)")
ITEM: Final = "* "
SHORT: Final = 16
LINK: Final = Markup('<a href="{0}" style="color:#0b4f9e;text-decoration:underline">{1}</a>')
PARAGRAPH: Final = Markup('<p style="margin:{0}">{1}</p>')
GAP: Final = "0 0 16px"
TABLE: Final = Markup('<table role="presentation" cellpadding="0" cellspacing="0" style="{0}">{1}</table>')
CELLS: Final = Markup(
    '<tr><td class="key" valign="top" style="padding:0 16px 4px 0;color:#4a5565">{0}:</td>'
    '<td valign="top" style="padding:0 0 4px;color:#1b2430;overflow-wrap:anywhere">{1}</td></tr>'
)
BOX: Final = Markup(
    '<tr><td style="padding:0 0 16px"><table role="presentation" cellpadding="0" cellspacing="0" width="100%">'
    '<tr><td class="box" bgcolor="#f0f4f9" style="background:#f0f4f9;border-left:4px solid #17457a;padding:14px 18px;'
    'font-size:16px;line-height:1.5;color:#1b2430;overflow-wrap:anywhere"><p style="margin:0;font-weight:600">{0}</p>'
    "{1}</td></tr></table></td></tr>"
)
BUTTON: Final = Markup(
    '<tr><td style="padding:0 0 16px"><table role="presentation" cellpadding="0" cellspacing="0"><tr>'
    '<td class="button" bgcolor="#17457a" style="background:#17457a;border-radius:4px"><a href="{1}" style="display:'
    'inline-block;padding:12px 24px;font-size:16px;font-weight:600;color:#ffffff;text-decoration:none">{0}</a></td>'
    "</tr></table></td></tr>"
)
Shape = Literal["row", "button", "text"]


class Note(NamedTuple):
    """A link below the mail."""

    label: str
    url: str


class Page(NamedTuple):
    """What a mail shows around its text. `office`: who writes."""

    subject: str
    language: str
    office: str
    notes: Sequence[Note] = ()


def html(page: Page, text: str) -> str:
    """The whole document."""
    blocks, small = _parts(text)
    notes = [PARAGRAPH.format("0 0 8px", LINK.format(note.url, note.label)) for note in page.notes]
    return _frame().render(
        subject=page.subject,
        language=page.language,
        office=page.office,
        preview=" ".join(" ".join(blocks[1:2]).split())[:120],
        content=Markup("\n").join(map(_block, blocks)),
        footer=Markup("\n").join([*(_text(block.split("\n"), "0 0 8px") for block in small), *notes]),
    )


def with_notes(text: str, notes: Sequence[Note]) -> str:
    """The plain text with the links below it."""
    if not notes:
        return text
    mark = "\n" if _parts(text)[1] else "\n\n--\n"
    return f"{text.rstrip()}{mark}" + "".join(f"{note.label}: {note.url}\n" for note in notes)


@cache
def _frame() -> Template:
    folder = FileSystemLoader(Path(__file__).parent / "mails")
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("frame.html")


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The blocks of the text, and those of the small print."""
    main, _, small = f"\n{text}".replace("\n-- \n", "\n--\n").partition("\n--\n")
    return _blocks(main), _blocks(small)


def _blocks(text: str) -> list[str]:
    return [block.strip("\n") for block in re.split(r"\n\s*\n", text) if block.strip()]


def _block(block: str) -> Markup:
    if not block.startswith(ITEM):
        return _lines(block.split("\n"))
    items = [item.split("\n") for item in re.split(r"\n(?=\* )", block)]
    boxes = (BOX.format(linked(first.removeprefix(ITEM)), _lines(rest, "0")) for first, *rest in items)
    return TABLE.format("width:100%", Markup("\n").join(boxes))


def _lines(lines: Sequence[str], margin: str = GAP) -> Markup:
    """Lines of one shape together."""
    alone = len(lines) == 1
    groups = groupby(lines, key=lambda line: _shape(line, alone=alone))
    return Markup("\n").join(SHAPES[shape]([*group], margin) for shape, group in groups)


def _shape(line: str, *, alone: bool) -> Shape:
    """`alone`: a single line that only happens to have a colon is a sentence, unless one word stands before that."""
    found = ROW.fullmatch(line)
    if found is None or (alone and not line.startswith(" ") and " " in found["key"] and not _is_link(found["value"])):
        return "text"
    return "button" if _is_link(found["value"]) and not line.startswith(" ") else "row"


def _is_link(value: str) -> bool:
    return ADDRESS.fullmatch(value) is not None


def linked(text: str) -> Markup:
    """Escaped, with its addresses as links."""
    parts, end = [], 0
    for found in ADDRESS.finditer(text):
        parts += [escape(text[end : found.start()]), LINK.format(found[0], found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def _text(lines: Iterable[str], margin: str) -> Markup:
    return PARAGRAPH.format(margin, Markup("<br>\n").join(linked(line.strip()) for line in lines))


def _rows(lines: Iterable[str], margin: str) -> Markup:
    found = (ROW.fullmatch(line) for line in lines)
    cells = (CELLS.format(_key(one["key"]), linked(one["value"])) for one in found if one)
    return TABLE.format(f"font-size:16px;line-height:1.5;margin:{margin}", Markup("\n").join(cells))


def _key(key: str) -> str:
    """A short one is never broken."""
    return key.replace(" ", "\u00a0").replace("-", "\u2011") if len(key) <= SHORT else key


def _buttons(lines: Iterable[str], _margin: str) -> Markup:
    found = (ROW.fullmatch(line) for line in lines)
    return TABLE.format("", Markup("\n").join(BUTTON.format(one["key"], one["value"]) for one in found if one))


SHAPES: Final[Mapping[Shape, Callable[[Sequence[str], str], Markup]]] = {
    "row": _rows,
    "button": _buttons,
    "text": _text,
}
