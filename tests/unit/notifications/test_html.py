"""What stands in the HTML of a mail, and what must never stand there."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.compile_mails import MAILS, compiled
from services.notifications.html import Note, Page, html, with_notes

TEXT = """Guten Tag Anna Schäfer,

Ihr Platz in der Veranstaltung „A & B“ ist bestätigt: https://lms.example/a?b=1&c=2.

* Modul 1: Auftakt (in Präsenz)
  Donnerstag, 21. November 2024, 09:00 bis 12:30 Uhr
  Ort: Rathaus, Raum A 220

* Modul 2 (online)
  ohne festen Termin
  Link: https://video.example/m2

Grund: Alle Plätze sind vergeben.

Gute Nachrichten sind das: ein Platz ist frei.

Genehmigen: https://lernbus.example/ja
Ablehnen: https://lernbus.example/nein

Mit freundlichen Grüßen
Ihre Fortbildungsstelle

--
Bitte antworten Sie nicht.
"""
PAGE = Page("Ihr <Platz>", "de", "Fortbildung", [Note("Mein Kalender", "https://lernbus.example/k.ics")])


class Reader(HTMLParser):
    """The words, links and tags of a document; conditional comments are Outlook's."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_every_word_and_link_of_the_text_is_there() -> None:
    read = Reader(html(PAGE, TEXT))
    assert read.links == [
        "https://lms.example/a?b=1&c=2",
        "https://video.example/m2",
        "https://lernbus.example/ja",
        "https://lernbus.example/nein",
        "https://lernbus.example/k.ics",
    ]
    words = re.findall(r"[\w.,„“&()]+", re.sub(r"https?://\S+|(?m:^(--|\* ))", "", TEXT))
    for word in words:
        assert word in read.text, word


def test_shapes_follow_the_text() -> None:
    document = html(PAGE, TEXT)
    assert document.count('class="box"') == 2
    assert document.count('class="button"') == 2
    assert re.findall(r'class="key"[^>]*>([^<]+)<', document) == ["Ort:", "Link:", "Grund:"]
    assert "Gute Nachrichten sind das: ein Platz ist frei.</p>" in document
    assert "Mit freundlichen Grüßen<br>\nIhre Fortbildungsstelle</p>" in document
    assert "Ihr &lt;Platz&gt;</h1>" in document


def test_a_screen_reader_gets_a_language_and_no_layout_tables() -> None:
    read = Reader(html(PAGE, TEXT))
    assert dict(read.tags)["html"]["lang"] == "de"
    assert {attributes.get("role") for tag, attributes in read.tags if tag == "table"} == {"presentation"}
    assert [tag for tag, _ in read.tags].count("h1") == 1


def test_nothing_is_fetched_and_nobody_is_counted() -> None:
    document = html(PAGE, TEXT)
    assert not re.search(r"<(img|script|iframe|object|form|link)\b|@import|url\(|@font-face|\bsrc=", document)
    addresses = {one for one in re.findall(r"https?://[^\s\"'<>)]+", document) if "www.w3.org" not in one}
    assert {one.split("/")[2] for one in addresses} == {"lms.example", "video.example", "lernbus.example"}


@given(st.text(st.sampled_from("<>&\"'\n *:-{}%hps/:.ä\u202e"), max_size=200))
def test_no_text_becomes_a_tag(text: str) -> None:
    plain = [tag for tag, _ in Reader(html(PAGE, "x")).tags]
    shapes = {"p", "br", "table", "tr", "td", "a"}
    assert {found for found, _ in Reader(html(Page(text, "de", text), text)).tags} <= {*plain, *shapes}


def test_links_below_begin_small_print_where_there_is_none() -> None:
    notes = [Note("Mein Kalender", "https://l.example/k.ics")]
    assert with_notes("Hallo\n", notes) == "Hallo\n\n--\nMein Kalender: https://l.example/k.ics\n"
    assert with_notes("Hallo\n", []) == "Hallo\n"


@pytest.mark.parametrize("source", sorted(MAILS.glob("*.mjml")), ids=lambda path: Path(path).stem)
def test_the_compiled_frame_is_that_of_its_source(source: Path) -> None:
    assert source.with_suffix(".html").read_text("utf-8") == compiled(source.read_text("utf-8")), "make mails"


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("words", "ground"),
    [
        *(("#1b2430", ground) for ground in ("#ffffff", "#f0f4f9")),
        *(("#4a5565", ground) for ground in ("#ffffff", "#f0f4f9", "#eef1f5")),
        *(("#0b4f9e", ground) for ground in ("#ffffff", "#f0f4f9", "#eef1f5")),
        ("#ffffff", "#17457a"),
        *(("#e9edf2", ground) for ground in ("#1c222b", "#262e39")),
        *(("#b3bdca", ground) for ground in ("#11151b", "#262e39")),
        *(("#9cc3ff", ground) for ground in ("#11151b", "#1c222b", "#262e39")),
        ("#0b1a2e", "#9cc3ff"),
    ],
)
def test_every_colour_can_be_read_on_its_ground(words: str, ground: str) -> None:
    document = html(PAGE, TEXT)
    assert words in document
    assert ground in document
    assert contrast(words, ground) >= 4.5
