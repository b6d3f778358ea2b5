"""The small language in which the texts of the mails are written, and its limits. Pure.

It is Jinja's, less everything that could do harm: values and their parts, `if`, one `for` over a list, comparisons, a
few filters. No calls, no arithmetic, no assignments, no attributes but those of plain data. So whatever the office
writes ends after time that is proportional to its length and to the longest list, and is cut off where it becomes too
long.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST: Final = 10_000
"""Characters of a text as it is written."""
LONGEST: Final = 200_000
"""Characters of a text as it is sent, and pieces of which it may be put together."""
DEEPEST: Final = 40
LOOP: Final = {"first": True, "last": True, "index": 1, "length": 1}
FILTERS: Final = ("capitalize", "default", "first", "last", "length", "lower", "trim", "upper")
TESTS: Final = ("defined", "none")
Values = Mapping[str, Any]
"""Plain data: text, numbers, truth values, None, and dicts and lists of them."""
Fault = Literal[
    "syntax", "unknown", "forbidden", "group", "no_list", "nested", "too_long", "fails", "lines", "empty", "no_text"
]
T = TypeVar("T")


class WordingError(Exception):
    """A text that cannot be used: what is wrong, in which line (0: as a whole), and the word concerned."""

    def __init__(self, fault: Fault, line: int = 0, word: str = "") -> None:
        super().__init__(f"{fault}, line {line}: {word}")
        self.fault, self.line, self.word = fault, line, word


class Lines(str):
    """Text of several lines that we have written ourselves; any other value is one line."""

    __slots__ = ()


def one_line(value: T) -> T | str:
    """Text without line breaks and control characters; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Lines):
        return value
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", value).strip()


def _printed(value: object) -> object:
    """What stands in the text for a value: nothing where there is none."""
    if value is None:
        return ""
    if not isinstance(value, str | int | float | StrictUndefined):  # the last one says itself what is missing
        raise SecurityError("only a single value can be printed")
    return one_line(value)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Knows parts of dicts and of `loop`, and nothing that could be called."""

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,  # plain text: there is nothing to escape, and `_printed` takes the line breaks
            finalize=_printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.tests = {name: self.tests[name] for name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any data
        """The part of a dict or of `loop`."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        raise SecurityError(f"{attribute} is no part of the data")

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401, ARG002 - jinja2's name and types
        """Nothing is."""
        return False


_sandbox = _Sandbox()


def check(source: str, shape: Values) -> None:
    """Look at every part of a text; `shape` has all values that there are. Raises WordingError."""
    if len(source) > MOST:
        raise WordingError("too_long", 0, str(MOST))
    try:
        _Check().visit(_sandbox.parse(source), shape)
        _compiled(source)
    except TemplateSyntaxError as error:
        raise WordingError("syntax", error.lineno, error.message or "") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # Python's own limits
        raise WordingError("nested") from error


def fill(source: str, values: Values) -> str:
    """The text with its values. Raises WordingError: it asks for what is not there, or becomes too long."""
    try:
        return "".join(_measured(_compiled(source).generate(values)))
    except WordingError:
        raise
    except Exception as error:  # whatever a text does, the mail must go out with ours
        raise WordingError("fails", 0, str(error)) from error


def _measured(pieces: Iterable[str]) -> Iterator[str]:
    length = number = 0
    for piece in pieces:
        length, number = length + len(piece), number + 1
        if max(length, number) > LONGEST:
            raise WordingError("too_long", 0, str(LONGEST))
        yield piece


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return _sandbox.from_string(source)


class _Check:
    """Walks through a text as it is written, with the shape of each value."""

    def __init__(self) -> None:
        self._depth, self._looping = 0, False

    def visit(self, node: nodes.Node, scope: Values) -> Any:  # noqa: ANN401 - a shape
        """The shape of what a node stands for; everything that is not a dict or list counts as text."""
        look: Callable[[Any, Values], Any] | None = _LOOKS.get(type(node))
        if look is None:
            raise WordingError("forbidden", node.lineno, type(node).__name__.lower())
        self._depth += 1
        if self._depth > DEEPEST:
            raise WordingError("nested", node.lineno)
        try:
            return look(self, node, scope)  # type: ignore[call-arg,arg-type]  # a method of this class, not bound yet
        finally:
            self._depth -= 1

    def children(self, node: nodes.Node, scope: Values) -> str:
        """Every part is one that may be."""
        for child in node.iter_child_nodes():
            self.visit(child, scope)
        return ""

    def output(self, node: nodes.Output, scope: Values) -> None:
        """What is printed is text."""
        for child in node.nodes:
            if isinstance(self.visit(child, scope), dict | list):
                raise WordingError("group", child.lineno, _written(child))

    def name(self, node: nodes.Name, scope: Values) -> Any:  # noqa: ANN401 - a shape
        """A value that there is."""
        if node.name not in scope:
            raise WordingError("unknown", node.lineno, node.name)
        return scope[node.name]

    def part(self, node: nodes.Getattr, scope: Values) -> Any:  # noqa: ANN401 - a shape
        """A part that the value has."""
        whole = self.visit(node.node, scope)
        if not isinstance(whole, dict) or node.attr not in whole:
            raise WordingError("unknown", node.lineno, _written(node))
        return whole[node.attr]

    def loop(self, node: nodes.For, scope: Values) -> None:
        """Over a list of ours, and not within another one."""
        items = self.visit(node.iter, scope)
        if not isinstance(items, list) or not items:
            raise WordingError("no_list", node.lineno, _written(node.iter))
        if self._looping or node.recursive or node.test or not isinstance(node.target, nodes.Name):
            raise WordingError("forbidden", node.lineno, "for")
        self._looping = True
        for child in node.body:
            self.visit(child, {**scope, node.target.name: items[0], "loop": LOOP})
        self._looping = False
        for child in node.else_:
            self.visit(child, scope)

    def filter(self, node: nodes.Filter, scope: Values) -> str:
        """One of a few, none of which makes a text longer than it and its parameters are."""
        if node.name not in FILTERS or node.node is None:
            raise WordingError("unknown", node.lineno, node.name)
        return self.children(node, scope)

    def test(self, node: nodes.Test, scope: Values) -> str:
        """One of two."""
        if node.name not in TESTS:
            raise WordingError("unknown", node.lineno, node.name)
        return self.children(node, scope)


_LOOKS: Final[Mapping[type[nodes.Node], Callable[..., Any]]] = {
    nodes.Output: _Check.output,
    nodes.Name: _Check.name,
    nodes.Getattr: _Check.part,
    nodes.For: _Check.loop,
    nodes.Filter: _Check.filter,
    nodes.Test: _Check.test,
    **dict.fromkeys(
        (
            *(nodes.Template, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand),
            *(nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Tuple, nodes.List),
        ),
        _Check.children,
    ),
}


def _written(node: nodes.Node) -> str:
    """Roughly as it was written."""
    if isinstance(node, nodes.Getattr):
        return f"{_written(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else type(node).__name__.lower()
