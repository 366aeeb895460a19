"""Languages of people, texts and buttons: the one chosen in the footer, else a person's own, if it has words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.utils import timezone, translation

from notifications.models import Recipient
from notifications.types import Action, Json
from notifications.wording.formats import written_for, zone_of


def language_of(recipient: Recipient) -> str:
    """Return the person's language, if the pages have it: `de-AT` is read as `de`."""
    return spoken(recipient.locale)


@contextmanager
def speaking_to(recipient: Recipient) -> Iterator[None]:
    """Use the person's language and time zone within the block, with dates and numbers as in their country."""
    zone = timezone.override(zone_of(recipient.timezone))
    with translation.override(language_of(recipient)), zone, written_for(recipient.locale):
        yield


def spoken(locale: str) -> str:
    """Return the pages' language for a person of this locale."""
    supported = dict(settings.LANGUAGES)
    return next((code for code in tags(locale) if code in supported), settings.LANGUAGE_CODE)


def chosen_language(cookies: Mapping[str, str]) -> str:
    """Return the language chosen in the footer of this browser's pages, if any."""
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def reading_language(reader: Recipient) -> str:
    """Return the language of buttons: the chosen one, else the person's own, even if the pages do not have it."""
    active = translation.get_language() or settings.LANGUAGE_CODE
    return reader.locale if active == language_of(reader) else active


ANY = ""
"""The key of a label for languages without one of their own."""


def tag(language: str) -> str:
    return language.replace("_", "-").lower()


def tags(language: str) -> Iterator[str]:
    """Yield the language itself, then its base (de-AT: de)."""
    whole = tag(language)
    yield whole
    if "-" in whole:
        yield whole.partition("-")[0]


def languages(language: str, fallback: str = "en") -> Iterator[str]:
    """Yield tags to look for, best first."""
    yield from tags(language)
    yield from tags(fallback)


def label_in(labels: Mapping[str, str], language: str) -> str:
    """Return the best label for the language; empty where there are none."""
    return next((labels[each] for each in (*tags(language), ANY) if each in labels), "")


def read_in(action: Json, language: str) -> Action:
    """Return a stored action for a reader. A title that the engine gave is the same in every language."""
    parsed = Action.from_json(action)
    title = label_in(parsed.labels, language)
    return replace(parsed, title=title) if title else parsed
