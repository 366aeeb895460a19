"""Countries whose formats of dates, times and numbers people can choose: those in which their language is an official
one (CLDR)."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.languages import get_territory_language_info
from babel.localedata import locale_identifiers
from django.utils import timezone, translation

from notifications.wording import formats

SAMPLE = Decimal("1200.5")


def choices(language: str, now: datetime) -> list[tuple[str, str]]:
    """Return locales such as `en-US`, each with the country's name in the active language and a sample of its formats.
    The first one is empty."""
    names = formats.locale_of(translation.get_language() or "en").territories
    pairs = sorted(((str(names.get(each, each)), each) for each in countries(language)), key=lambda row: _key(row[0]))
    tags = [(f"{language}-{country}", name) for name, country in pairs]
    return [("", _sample(language, now)), *((tag, f"{name}: {_sample(tag, now)}") for tag, name in tags)]


def variety_of(locale: str, language: str) -> str:
    """Return the choice that a person with this locale has made for this language."""
    spoken, _, country = locale.replace("_", "-").partition("-")
    is_official = spoken.lower() == language and country.upper() in countries(language)
    return f"{language}-{country.upper()}" if is_official else ""


def _key(name: str) -> str:
    """Return the sort key of a name: letters with marks stand beside those without."""
    return unicodedata.normalize("NFKD", name).casefold()


@lru_cache(maxsize=64)
def countries(language: str) -> Sequence[str]:
    """Return the ISO 3166 codes of the countries in which the language is official."""
    pairs = (name.partition("_")[::2] for name in locale_identifiers())
    countries = {country for spoken, country in pairs if spoken == language and len(country) == 2 and country.isalpha()}
    return sorted(
        each for each in countries if get_territory_language_info(each).get(language, {}).get("official_status")
    )


def _sample(tag: str, now: datetime) -> str:
    """Return 25 November 2026, 17:00 · 1,200.5"""
    locale, here = formats.locale_of(tag), timezone.localtime(now)
    return f"{formats.day(here, locale)}, {formats.hour(here, locale)} · {formats.number(SAMPLE, locale)}"
