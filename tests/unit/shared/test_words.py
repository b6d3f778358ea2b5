"""The texts of all pages: complete in both languages, and complete for every word that the services use."""

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import services
from services.enrolment.shown import State, Use
from services.notifications.messages import Kind, MessageStatus
from services.stats.figures import COHORT, DIMENSIONS, MEASURES
from shared.events import Format, Status
from shared.words import COMMON


def spoken(service: str) -> dict[str, dict[str, str]]:
    """All texts of a service: its modules `*words.py`, in both languages."""
    texts: dict[str, dict[str, str]] = {"de": {}, "en": {}}
    for file in sorted((Path(services.__file__).parent / service).glob("*words.py")):
        for value in vars(import_module(f"services.{service}.{file.stem}")).values():
            if isinstance(value, dict) and value.keys() == texts.keys():
                for language, own in value.items():
                    texts[language] |= own
    return texts


ALL = {service: spoken(service) for service in ("enrolment", "notifications", "stats")}
REASONS = ("full", "closed", "not_open", "approval_refused", "offering_cancelled", "withdrawn")
UNSENT = ("no_address", "no_supervisor", "erased", "over", "moved", "offering_cancelled", "not_mailable", "unreachable")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("service", ALL)
def test_both_languages_say_the_same(service: str) -> None:
    german, english = ALL[service]["de"], ALL[service]["en"]
    assert german.keys() == english.keys()
    assert {key: fields(text) for key, text in german.items()} == {key: fields(text) for key, text in english.items()}
    assert all(text.strip() for text in [*german.values(), *english.values()])


@pytest.mark.parametrize(
    ("service", "kind", "values"),
    [
        ("enrolment", "state", get_args(State)),
        ("enrolment", "use", get_args(Use)),
        ("enrolment", "status", get_args(Status)),
        ("enrolment", "format", get_args(Format)),
        ("enrolment", "reason", REASONS),
        ("notifications", "kind", get_args(Kind)),
        ("notifications", "status", get_args(MessageStatus)),
        ("notifications", "why", sorted({*get_args(MessageStatus)} - {"sent"})),
        ("notifications", "reason", UNSENT),
        ("stats", "figure", MEASURES),
        ("stats", "definition", MEASURES),
        ("stats", "dimension", DIMENSIONS),
        ("stats", "missing", DIMENSIONS),
        ("stats", "cohort", COHORT),
        ("stats", "format", get_args(Format)),
    ],
    ids=str,
)
def test_every_word_of_the_services_has_its_text(service: str, kind: str, values: Iterable[str]) -> None:
    assert {f"{kind}.{value}" for value in values} <= ALL[service]["en"].keys()


@pytest.mark.parametrize("service", ALL)
def test_every_text_of_a_template_exists(service: str) -> None:
    used = {
        key
        for file in (Path(services.__file__).parent / service / "html").glob("*.html")
        for key in re.findall(r"\bt\(\"([a-z_.]+)\"[,)]", file.read_text())
    }
    assert used
    assert used <= ALL[service]["de"].keys() | COMMON["de"].keys()
