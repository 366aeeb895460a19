"""The translations are there, and are what the sources say."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation
from django.utils.translation import to_language

from notifications.wording.sentences import TEXTS
from tools.messages import LANGUAGES, as_mo, messages, path_of, read, untranslated, updated
from wfpush.config.languages import languages_in


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_translated(language: str) -> None:
    assert as_mo(read(language)) == path_of(language, "mo").read_bytes(), "Run `make messages`."


def test_the_languages_offered_are_those_there_are() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["en", *map(to_language, LANGUAGES)]


def test_a_folder_makes_a_language(tmp_path: Path) -> None:
    for name in ("pt_BR", "fr"):
        (tmp_path / name / "LC_MESSAGES").mkdir(parents=True)
        (tmp_path / name / "LC_MESSAGES" / "django.mo").touch()
    (tmp_path / "it" / "LC_MESSAGES").mkdir(parents=True)  # nothing is compiled

    with translation.override("de"):
        found = [(code, str(name)) for code, name in languages_in(tmp_path)]

    assert found == [("en", "Englisch"), ("fr", "Französisch"), ("pt-br", "Brasilianisches Portugiesisch")]


def test_a_folder_that_is_no_language_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "qq" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "qq" / "LC_MESSAGES" / "django.mo").touch()

    with pytest.raises(ImproperlyConfigured, match="'qq', which is no language that Django knows"):
        languages_in(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_on_the_pages_is_translated_with_its_placeholders(language: str) -> None:
    assert len(messages()) > 600  # the sources were read
    assert untranslated(updated(language)) == [], (
        "Run `make messages`, translate what it lists in the .po, run it again."
    )


def test_french_punctuation_cannot_lose_its_word_at_the_end_of_a_line() -> None:
    loose = re.compile(r"« |(?<=\S) (?=[»;?!](?:\W|$))|(?<=\w) (?=:(?:\s|$))")
    words = (message.string for message in read("fr") if message.id)
    said = [each for form in words for each in ([form] if isinstance(form, str) else form) if loose.search(each)]
    assert said == [], "U+202F stands there."


def test_every_sentence_of_the_browser_is_among_the_messages() -> None:
    known = {text for text, _ in messages()}

    with translation.override("en"):
        assert {str(text) for text in TEXTS.values()} <= known
