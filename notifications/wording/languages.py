"""A person's language: the one chosen in the footer, else their own, if the pages have it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone, translation

from notifications.models import Recipient
from notifications.wording.formats import written_for, zone_of


def language_of(recipient: Recipient) -> str:
    """The person's language, if the pages have it: `de-AT` is read as `de`."""
    return spoken(recipient.locale)


@contextmanager
def speaking_to(recipient: Recipient) -> Iterator[None]:
    """Say what follows in the person's language and time zone, with dates and numbers as in their country."""
    zone = timezone.override(zone_of(recipient.timezone))
    with translation.override(language_of(recipient)), zone, written_for(recipient.locale):
        yield


def spoken(locale: str) -> str:
    """The pages' language for a person of this locale."""
    supported = dict(settings.LANGUAGES)
    tag = locale.replace("_", "-").lower()
    return next((code for code in (tag, tag.split("-")[0]) if code in supported), settings.LANGUAGE_CODE)


def chosen_language(cookies: Mapping[str, str]) -> str:
    """The language chosen in the footer of this browser's pages, if any."""
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def reading_language(reader: Recipient) -> str:
    """The language of buttons: the chosen one, else the person's own, even if the pages do not have it."""
    active = translation.get_language() or settings.LANGUAGE_CODE
    return reader.locale if active == language_of(reader) else active
