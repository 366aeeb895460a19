"""The translations are there, and are what the sources say."""

import pytest
from django.conf import settings
from django.utils import translation

from notifications.wording.sentences import TEXTS
from tests.support.messages import LANGUAGES, as_mo, messages, path_of, read, untranslated, updated


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_translated(language: str) -> None:
    assert as_mo(read(language)) == path_of(language, "mo").read_bytes(), "Run `make messages`."


def test_the_languages_offered_are_those_there_are() -> None:
    assert sorted(code for code, _ in settings.LANGUAGES if code != "en") == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_on_the_pages_is_translated_with_its_placeholders(language: str) -> None:
    assert len(messages()) > 600  # the sources were read
    assert untranslated(updated(language)) == [], (
        "Run `make messages`, translate what it lists in the .po, run it again."
    )


def test_every_sentence_of_the_browser_is_among_the_messages() -> None:
    known = {text for text, _ in messages()}

    with translation.override("en"):
        assert {str(text) for text in TEXTS.values()} <= known
