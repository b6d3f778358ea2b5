import re

import pytest
from typer.testing import CliRunner

from lernbus.errors import CommandError
from lernbus.keys import key, user
from shared.credentials import parse_keys, parse_users, source_of
from shared.passwords import HASHER


def lines(command: object, *words: str, given: str = "") -> list[str]:
    found = CliRunner().invoke(command, words, input=given, catch_exceptions=False, standalone_mode=False)  # type: ignore[arg-type]
    if found.exception is not None:
        raise found.exception
    return found.stdout.splitlines()


@pytest.mark.parametrize("source", ["lms", "https://lms.stadt.example:8443/#1", "*", "Straße"])
def test_a_new_key_is_printed_with_its_line(source: str) -> None:
    made, line = lines(key, "new", source)
    assert re.fullmatch(r"lernbus_[A-Za-z0-9_-]{43}", made)
    assert source_of(made.encode(), parse_keys(line)) == source
    assert made not in line
    assert lines(key, "new", source)[0] != made


@pytest.mark.parametrize("source", ["", " lms", "#lms", "a\nb", "x" * 201])
def test_a_source_that_no_line_can_hold_is_refused(source: str) -> None:
    with pytest.raises(CommandError, match="a source has"):
        lines(key, "new", source)


def test_a_new_user_is_printed_as_a_line_without_the_password() -> None:
    (line,) = lines(user, "new", "Jürgen", given="Paßwort mit Leerzeichen \nsecond line")
    assert HASHER.verify(parse_users(line)["Jürgen"], "Paßwort mit Leerzeichen ")
    assert "Paßwort" not in line


@pytest.mark.parametrize(("name", "password"), [("bo", ""), ("bo", "1234567"), ("b:o", "password"), ("#", "password")])
def test_a_short_password_or_an_unusable_name_is_refused(name: str, password: str) -> None:
    with pytest.raises(CommandError, match="characters"):
        lines(user, "new", name, given=password)
