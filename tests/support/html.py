"""Reads a page as a browser does, and notices what no page of ours may have."""

from collections import Counter
from html.parser import HTMLParser
from typing import Final

VOID: Final = {"meta", "link", "hr", "br", "img", "input", "wbr"}
SCRIPTS: Final = ("/static/live.js", "/static/services.js")


class Page(HTMLParser):
    """`tags`: every element with its attributes; `text`: what is read, in one line; `links`: where they lead."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.language: str | None = None
        self._open: list[str] = []
        self._words: list[str] = []
        assert source.startswith("<!doctype html>")
        self.feed(source)
        self.close()
        assert self._open == [], f"not closed: {self._open}"
        self._check()

    @property
    def text(self) -> str:
        words = " ".join(" ".join(self._words).split())
        return words.replace("\u2060", "").replace("\u00a0", " ")

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]

    def count(self, tag: str) -> int:
        return sum(one == tag for one, _ in self.tags)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((f"svg {tag}" if tag == "title" and "svg" in self._open else tag, dict(attrs)))
        if tag == "html":
            self.language = dict(attrs)["lang"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1:] == [tag], f"</{tag}> ends {self._open}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def _check(self) -> None:
        """No script but our own files, nothing inline, one h1, ids once, labels and references that lead somewhere."""
        names = [name for _, attributes in self.tags for name in attributes]
        assert all(attributes.get("src") in SCRIPTS for tag, attributes in self.tags if tag == "script")
        assert not {"style", "b", "i"} & {tag for tag, _ in self.tags}
        frames = [attributes for tag, attributes in self.tags if tag == "iframe"]
        assert all(frame.keys() >= {"sandbox", "srcdoc", "title"} and not frame["sandbox"] for frame in frames)
        assert not [name for name in names if name == "style" or name.startswith("on")]
        assert (self.count("h1"), self.count("main"), self.count("title")) == (1, 1, 1)
        ids = Counter(attributes["id"] for _, attributes in self.tags if "id" in attributes)
        assert [name for name, times in ids.items() if times > 1] == []
        refer = [attributes.get(name) for _, attributes in self.tags for name in ("for", "aria-labelledby")]
        assert {name for name in refer if name} <= {*ids}
