"""The translations are there, and are what the sources say."""

import pytest
from django.utils import translation

from notifications.inbox.messages import LANGUAGES, as_mo, as_po, messages, path_of, read, untranslated, updated
from notifications.inbox.words import TEXTS

FOR_PEOPLE = (
    "templates/inbox/",
    "templates/errors/",
    "templates/base.html",
    "templates/email/",
    "notifications/inbox/",
    "notifications/message.py",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_holds_what_the_sources_say(language: str) -> None:
    assert as_po(updated(language)) == path_of(language, "po").read_bytes(), "Run `make messages`."


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_translated(language: str) -> None:
    assert as_mo(read(language)) == path_of(language, "mo").read_bytes(), "Run `make messages`."


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_people_see_is_translated(language: str) -> None:
    missing = set(untranslated(read(language)))
    seen = {str(text) for (text, _), files in messages().items() if any(file.startswith(FOR_PEOPLE) for file in files)}

    assert len(seen) > 150  # the sources were read
    assert seen & missing == set()


def test_every_sentence_of_the_browser_is_among_the_messages() -> None:
    known = {text for text, _ in messages()}

    with translation.override("en"):
        assert {str(text) for text in TEXTS.values()} <= known
