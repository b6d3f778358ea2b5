"""The catalogues of fixed phrases: complete, the same placeholders everywhere, and nothing that no code says."""

import re
from collections.abc import Sequence

import pytest

from lernbus.docs.texts import template, updated
from services.notifications.phrases import catalogue, path, phrases
from shared.formats import LANGUAGES, Language


def both(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [""])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_the_code_is_in_the_catalogue(language: Language) -> None:
    said = {message.id for message in template() if message.id}
    assert len(said) > 10
    assert {message.id for message in catalogue(language) if message.id} == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_translated_with_the_same_placeholders(language: Language) -> None:
    for message in catalogue(language):
        if message.id:
            ids, strings = both(message.id), both(message.string)
            assert len(ids) == len(strings)
            for source, target in zip(ids, strings, strict=True):
                assert target.strip(), source
                assert re.findall(r"{\w*}", source) == sorted(re.findall(r"{\w*}", target), key=source.index)
            assert not message.fuzzy


@pytest.mark.parametrize("language", LANGUAGES)
def test_make_texts_has_nothing_to_do(language: Language) -> None:
    assert updated(language) == path(language).read_bytes()


def test_german_says_sie() -> None:
    assert "Sie" in phrases("de").gettext("no fixed time: you learn whenever it suits you")
    said = " ".join(text for message in catalogue("de") for text in both(message.string))
    assert not re.search(r"\b(du|dein\w*|dir|dich)\b", said, re.IGNORECASE)
