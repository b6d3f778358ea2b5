"""The small language of the texts: what it can say, and that nothing written in it can do harm."""

import time
from typing import Any

import pytest

from services.notifications import wording
from services.notifications.wording import LONGEST, MOST, Lines, WordingError, check, fill

SHAPE: dict[str, Any] = {
    "title": "Kurs",
    "reader": {"display_name": "Anna Schäfer"},
    "message": {"late": False, "reason": "full"},
    "sessions": [{"title": "Modul", "location": None}],
    "dates": Lines("* eins\n* zwei"),
}


def said(source: str, **values: Any) -> str:
    check(source, SHAPE)
    return fill(source, {**SHAPE, **values})


def fault(source: str) -> tuple[str, int, str]:
    with pytest.raises(WordingError) as caught:
        check(source, SHAPE)
    return caught.value.fault, caught.value.line, caught.value.word


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Guten Tag {{ reader.display_name }}", "Guten Tag Anna Schäfer"),
        ("{{ dates }}", "* eins\n* zwei"),
        ("{{ title | upper }}, {{ title|length }}", "KURS, 4"),
        ("{% if message.late %}spät{% else %}früh{% endif %}", "früh"),
        ("{% if message.reason in ('full', 'closed') and not message.late %}x{% endif %}", "x"),
        ("{{ 'a' if message.reason == 'full' else 'b' }}", "a"),
        ("{% for one in sessions %}{{ loop.index }} {{ one.title }}{{ one.location }}{% endfor %}", "1 Modul"),
        ("{{ title ~ '!' }}", "Kurs!"),
        ("{% if sessions %}{{ title }}{% endif %}", "Kurs"),
    ],
)
def test_what_can_be_said(source: str, text: str) -> None:
    assert said(source) == text


@pytest.mark.parametrize("title", ["Kurs\r\nBcc: x@example.org", "Kurs\u2028Bcc:", "a\x00b\u202ec\x85d"])
def test_no_value_adds_a_line_or_a_control_character(title: str) -> None:
    assert said("{{ title }}", title=title).isprintable()
    assert said("{{ title|upper }}", title=title).isprintable()


def test_a_value_is_data_and_no_template() -> None:
    assert said("{{ title }}", title="{{ reader.display_name }}{% for x in y %}") == (
        "{{ reader.display_name }}{% for x in y %}"
    )


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("Kurs\n{{ titel }}", "titel"),
        ("a\n{% if message.late %}{{ reader.name }}{% endif %}", "reader.name"),
        ("a\n{{ title.format }}", "title.format"),
        ("{% for one in sessions %}{{ one.title }}{% endfor %}\n{{ one.title }}", "one"),
    ],
)
def test_what_is_not_there_is_found_when_saving_in_whatever_branch(source: str, word: str) -> None:
    assert fault(source) == ("unknown", 2, word)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% if title %}", ("syntax", 1)),
        ("a\n{{ title|reverse }}", ("unknown", 2)),
        ("a\n{{ title", ("syntax", 2)),
        ("{{ reader }}", ("group", 1)),
        ("{{ sessions }}", ("group", 1)),
        ("{% for one in title %}{% endfor %}", ("no_list", 1)),
        ("x" * (MOST + 1), ("too_long", 0)),
    ],
)
def test_each_fault_has_a_name_and_a_line(source: str, expected: tuple[str, int]) -> None:
    assert fault(source)[:2] == expected


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ title.__class__ }}",
    "{{ reader.__class__ }}",
    "{{ reader['__class__'] }}",
    "{{ title|attr('__class__') }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ range(10**9) }}",
    "{% for x in range(10**9) %}{% endfor %}",
    "{{ 'a' * 10**10 }}",
    "{{ 9**9**9**9 }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '{0.__class__}'.format(title) }}",
    "{{ reader.update({'display_name': 1}) }}",
    "{{ reader.pop('display_name') }}",
    "{{ sessions.clear() }}",
    "{% set x = title %}",
    "{% set x %}{{ title }}{% endset %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'de/confirmed.txt' %}",
    "{% extends '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% block b %}{{ self.b() }}{% endblock %}",
    "{% call title() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with x = title %}{% endwith %}",
    "{% raw %}" + "{{" + "{% endraw %}{{ lipsum(n=100000) }}",
    "{{ cycler('a') }}{{ joiner() }}{{ namespace() }}{{ dict() }}",
    "{% for a in sessions %}{% for b in sessions %}{{ title }}{% endfor %}{% endfor %}",
    "{% for a in sessions recursive %}{{ loop(sessions) }}{% endfor %}",
    "{% for a in sessions %}{{ loop.cycle('a') }}{{ loop.__init__ }}{% endfor %}",
    "{% for a, b in sessions %}{% endfor %}",
    "{{ title|replace('', 'xxxxxxxxxxxxxxxxxxxx') }}",
    "{{ title|join('xxxxxxxxxxxxxxxxxxxxxxxxx') }}",
    "{{ sessions|map(attribute='__class__')|list }}",
    "{{ title is callable }}",
    "{{ [1, 2] }}" * 2 + "{{ {'a': 1}.items() }}",
    "(" * 100 + "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "not " * 2400 + "title }}",
    "{% if title %}" * 300 + "{% endif %}" * 300,
    "{{ " + "9" * 9000 + " }}",
    "{{ title" + " ~ title" * 1000 + " }}{{ title.x }}",
]


@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_that_could_do_harm_is_let_in(source: str) -> None:
    began = time.process_time()
    fault(source)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ title.__class__.__name__ }}",
        "{{ reader.__class__ }}",
        "{{ reader['__class__'] }}",
        "{{ title.upper() }}",
        "{{ reader.keys() }}",
        "{{ range(3) }}",
        "{{ self }}",
        "{{ reader }}",
        "{{ titel }}",
        "{{ reader.name }}",
        "{% for a in sessions %}{{ loop.__class__ }}{% endfor %}",
    ],
)
def test_what_was_stored_without_a_look_is_stopped_when_it_is_used(source: str) -> None:
    with pytest.raises(WordingError) as caught:
        fill(source, SHAPE)
    assert caught.value.fault == "fails"


def test_a_text_that_grows_with_a_long_list_is_cut_off() -> None:
    source = "{% for one in sessions %}" + "{{ dates }}" * 800 + "{% endfor %}"
    check(source, SHAPE)
    many = {**SHAPE, "sessions": SHAPE["sessions"] * 10_000, "dates": Lines("x" * 10_000)}
    began = time.process_time()
    with pytest.raises(WordingError) as caught:
        fill(source, many)
    assert caught.value.word == str(LONGEST)
    assert time.process_time() - began < 2


def test_a_long_list_whose_loop_prints_nothing_ends() -> None:
    source = "{% for one in sessions %}" + "{% if one.location %}x{% endif %}" * 250 + "{% endfor %}"
    began = time.process_time()
    assert said(source, sessions=SHAPE["sessions"] * 2_000) == ""
    assert time.process_time() - began < 2


def test_the_sandbox_knows_nothing_else() -> None:
    assert wording._sandbox.globals == {}
    assert {*wording._sandbox.filters} == {*wording.FILTERS}
    assert {*wording._sandbox.tests} == {*wording.TESTS}
