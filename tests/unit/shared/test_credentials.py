import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.credentials import LONGEST, BadFileError, Shown, parse_keys, parse_users, read_header, source_of

HASH = "$argon2id$v=19$m=19456,t=2,p=1$Bg4I+y8w2ZGtVLaQVeefMQ$QxZIeTm/MNNvnXvc4SLzfi+VLMfQJRsLqSy8UvuqYJY"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def line(source: str, key: str) -> str:
    return f"{source}: {digest(key)}"


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


def test_keys_are_read_with_comments_empty_lines_and_sources_that_are_addresses() -> None:
    lines = [
        "# Schlüssel",
        "",
        line("https://lms.stadt.example/#1", "a"),
        f"  moodle :{digest('b').upper()}\r",
        "  # c",
    ]
    keys = parse_keys("\ufeff" + "\n".join([*lines, line("*", "c")]))
    assert {source: source_of(key, keys) for source, key in (("lms", b"a"), ("m", b"b"), ("o", b"c"), ("n", b"d"))} == {
        "lms": "https://lms.stadt.example/#1",
        "m": "moodle",
        "o": "*",
        "n": None,
    }


def test_a_source_has_two_keys_while_they_change() -> None:
    keys = parse_keys("\n".join([line("lms", "old"), line("lms", "new"), line("*", "o")]))
    assert [source_of(key, keys) for key in (b"old", b"new")] == ["lms", "lms"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n".join(["#", line("lms", "1"), line("x", "2"), line("lms", "3"), line("lms", "4")]), "line 5 .* third key"),
        ("\n".join([line("lms", "s3cret"), line("x", "s3cret")]), "line 2 .* earlier line"),
        (line("", "s3cret"), "line 1 is not"),
        ("\n\nlms: s3cret", "line 3 is not"),
        (f"lms {digest('s3cret')}", "line 1 is not"),
        (f"lms: {digest('s3cret')}0", "line 1 is not"),
        (f"l\x00ms: {digest('s3cret')}", "line 1 is not"),
        (line("x" * 201, "s3cret"), "line 1 is not"),
        ("", "nothing in it"),
        ("# s3cret\n", "nothing in it"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_with_their_line(text: str, words: str) -> None:
    with pytest.raises(BadFileError, match=words) as error:
        parse_keys(text)
    assert "s3cret" not in str(error.value)
    assert digest("s3cret") not in str(error.value)


def test_users_are_read() -> None:
    assert parse_users(f"# office\n Jürgen Groß : {HASH}\n\n bo:{HASH}\r\n") == {"Jürgen Groß": HASH, "bo": HASH}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bo: s3cret", "line 1 is not"),
        (f"bo: {HASH.replace('argon2id', 'argon2i')}", "line 1 is not"),
        (f"bo: {HASH[:60]}", "line 1 is not"),
        (f": {HASH}", "line 1 is not"),
        (f"bo: {HASH}\nbo: {HASH}", "line 2 has a user"),
        ("", "nothing in it"),
    ],
)
def test_users_that_cannot_be_used_are_refused_with_their_line(text: str, words: str) -> None:
    with pytest.raises(BadFileError, match=words) as error:
        parse_users(text)
    assert "s3cret" not in str(error.value)
    assert "argon2id$" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"Bearer abc", Shown(b"abc")),
        (b"bEARER   abc ", Shown(b"abc")),
        (b"Bearer \xff\xfe", Shown(b"\xff\xfe")),
        (basic("bo:pa:ss"), Shown(b"ss", "bo", "pa:ss")),
        (basic("https://lms.example:8443/:key"), Shown(b"key", "https", "//lms.example:8443/:key")),
        (basic("Jürgen:Paßwort"), Shown("Paßwort".encode(), "Jürgen", "Paßwort")),
        (basic(":key"), Shown(b"key", "", "key")),
        (basic("bo:"), Shown(b"", "bo", "")),
        (basic("no colon"), None),
        (b"Basic !!!!", None),
        (b"Basic YWI", None),
        (b"Basic " + base64.b64encode(b"b\xf6:pass"), None),
        (b"Digest abc", None),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"", None),
        (b" ", None),
        (b"abc", None),
        (b"Bearer " + b"a" * (LONGEST - 7), Shown(b"a" * (LONGEST - 7))),
        (b"Bearer " + b"a" * (LONGEST - 6), None),
        (b"Basic " + base64.b64encode(b"a:" + b"b" * 1_000_000), None),
    ],
    ids=range(21),
)
def test_a_header_shows_a_key_or_a_login_or_nothing(header: bytes, shown: Shown | None) -> None:
    assert read_header(header) == shown


@given(st.binary() | st.binary().map(lambda raw: b"Basic " + base64.b64encode(raw)))
def test_no_header_makes_the_door_fall(header: bytes) -> None:
    found = read_header(header)
    assert found is None or isinstance(found.key, bytes)
