"""What is looked at before an office's text is saved, and that our own texts would pass."""

from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from services.notifications.editor import paths
from services.notifications.messages import Kind
from services.notifications.samples import VARIANTS, judge, samples, shape
from services.notifications.texts import FRAME, Wording, built_in, compose
from services.notifications.wording import MOST, WordingError
from services.notifications.words import WORDS
from shared.formats import LANGUAGES, Language

BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = (*get_args(Kind), FRAME)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TEXTS)
def test_our_own_texts_pass(kind: str, language: Language) -> None:
    judge(kind, language, BERLIN, built_in(kind, language))


@pytest.mark.parametrize("kind", VARIANTS)
def test_the_variants_of_a_kind_read_differently(kind: str) -> None:
    variants = [sample for sample in samples(kind, "de", BERLIN) if sample.name != "no_dates"]
    assert len(variants) == len(VARIANTS[kind])
    assert len({compose(kind, built_in(kind, "de"), sample.known) for sample in variants}) == len(variants)


@pytest.mark.parametrize(
    ("kind", "subject", "text", "fault"),
    [
        ("confirmed", "Platz", "{{ titel }}", ("unknown", 1, "titel")),
        ("confirmed", "{{ titel }}", "Text", ("unknown", 0, "titel")),
        ("confirmed", "Platz\nBcc: x@example.org", "Text", ("lines", 0, "subject")),
        ("confirmed", " ", "Text", ("empty", 0, "subject")),
        ("confirmed", "Platz", "  \n ", ("empty", 0, "text")),
        ("confirmed", "Platz", "{% if not sessions %}Text{% endif %}", ("empty", 0, "text")),
        ("refused", "{% if message.booking_reason %}Nein{% endif %}", "Text", ("empty", 0, "subject")),
        ("confirmed", "x" * 301, "Text", ("too_long", 0, "300")),
        ("confirmed", "Platz", "x" * (MOST + 1), ("too_long", 0, str(MOST))),
        ("confirmed", "Platz", "\n\n{{ leave.subject }}", ("unknown", 3, "leave")),
        ("leave_granted", "Urlaub", "{{ title }}", ("unknown", 1, "title")),
        ("confirmed", "Platz", "{{ message.late }}", ("unknown", 1, "message")),
        (FRAME, "", "Guten Tag", ("no_text", 0, "text")),
        (FRAME, "", "{{ title }}{{ text }}", ("unknown", 1, "title")),
    ],
)
def test_what_would_fail_for_some_mail_is_not_saved(
    kind: str, subject: str, text: str, fault: tuple[str, int, str]
) -> None:
    with pytest.raises(WordingError) as caught:
        judge(kind, "de", BERLIN, Wording(subject, text))
    assert (caught.value.fault, caught.value.line, caught.value.word) == fault


@pytest.mark.parametrize("kind", TEXTS)
def test_every_value_is_explained_in_words(kind: str) -> None:
    assert {f"value.{name}" for name, _ in paths(shape(kind))} <= WORDS["de"].keys()
    assert {f"data.sample.{sample.name}" for sample in samples(kind, "de", BERLIN)} <= WORDS["de"].keys()


def test_each_kind_offers_only_what_it_has() -> None:
    assert {*shape("confirmed")} == {"reader", "title", "format", "dates", "sessions"}
    assert {*shape("leave_granted")} == {"reader", "leave", "period"}
    assert shape("cancelled")["message"].keys() == {"late"}
    assert shape("approval_requested")["about"] == {"display_name": "Max Beispiel"}


def test_the_frame_may_write_its_one_part_as_it_likes() -> None:
    judge(FRAME, "de", BERLIN, Wording("", "Hallo,\n\n{{text}}\n\nGruß"))
