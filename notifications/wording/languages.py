"""A person's language: the one chosen in the footer, else their own, if the pages have it."""

from collections.abc import Mapping

from django.conf import settings
from django.utils import translation

from notifications.models import Recipient


def language_of(recipient: Recipient) -> str:
    """The person's language, if the pages have it: `de-AT` is read as `de`."""
    return spoken(recipient.locale)


def spoken(locale: str) -> str:
    """The pages' language for a person of this locale."""
    known = dict(settings.LANGUAGES)
    wanted = locale.replace("_", "-").lower()
    return next((code for code in (wanted, wanted.split("-")[0]) if code in known), settings.LANGUAGE_CODE)


def chosen_language(cookies: Mapping[str, str]) -> str:
    """The language chosen in the footer of this browser's pages, if any."""
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def reading_language(reader: Recipient) -> str:
    """The language of buttons: the chosen one, else the person's own, even if the pages do not have it."""
    active = translation.get_language() or settings.LANGUAGE_CODE
    return reader.locale if active == language_of(reader) else active
