"""Which language a person is spoken to in: the one chosen in the footer, else their own as far as we speak it."""

from collections.abc import Mapping

from django.conf import settings
from django.utils import translation

from notifications.models import Recipient


def language_of(recipient: Recipient) -> str:
    """The person's language as far as we speak it: `de-AT` is read as `de`."""
    return spoken(recipient.locale)


def spoken(locale: str) -> str:
    """The language we speak to somebody of this locale."""
    known = dict(settings.LANGUAGES)
    wanted = locale.replace("_", "-").lower()
    return next((code for code in (wanted, wanted.split("-")[0]) if code in known), settings.LANGUAGE_CODE)


def chosen_language(cookies: Mapping[str, str]) -> str:
    """The language chosen in the footer of this browser's pages, if any."""
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def reading_language(reader: Recipient) -> str:
    """What the reader reads buttons in: what they chose, else their own, though we may not speak it."""
    active = translation.get_language() or settings.LANGUAGE_CODE
    return reader.locale if active == language_of(reader) else active
