"""Money, numbers, dates and times as a person's language writes them; times in the person's own time zone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, get_currency_precision
from django.utils import translation
from django.utils.timezone import localtime, make_aware

from wfpush import zones

LARGEST = Decimal(10) ** 15
"""Numbers from this one on are not formatted."""
MOST_PLACES = 10
"""Decimal places of a float; the rest is binary noise: 401.34999999999997 is 401.35. People can type as many."""
PLACES = 3
"""Decimal places shown of numbers that are no money."""
_EXACT = Context(prec=400)
"""A decimal context for any number that a double can be."""

FALLBACK = Locale("en")
DAYS = {"en": Locale("en", "GB")}
"""Locales for the dates of a language without a country: 25 November 2026 is read the same everywhere."""


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Return the locale of a language tag such as de, de-AT or en_US; English where there is none."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        base = language.replace("_", "-").partition("-")[0]
        return locale_of(base) if base != language else FALLBACK


def locale_for(language: str, reader: str) -> Locale:
    """Return the locale of a text in `language` for a reader with the locale `reader`: their variety, such as en-US or
    de-AT, if they have the same language; else the language without a country."""
    same = reader.replace("_", "-").partition("-")[0] == language.replace("_", "-").partition("-")[0]
    return locale_of(reader if same else language)


_reader: ContextVar[str] = ContextVar("reader", default="")


@contextmanager
def written_for(locale: str) -> Iterator[None]:
    """Use this locale as the reader's within the block: see `active_locale`."""
    token = _reader.set(locale)
    try:
        yield
    finally:
        _reader.reset(token)


def active_locale() -> Locale:
    """Return the locale of the active language in the reader's variety of it."""
    return locale_for(translation.get_language() or "en", _reader.get())


def zone_of(timezone: str) -> tzinfo:
    """Return the time zone of that name; UTC where there is none."""
    try:
        return zones.zone(timezone)
    except zones.UnknownZone:
        return UTC


def local_hour(moment: datetime, days: int, hour: int = 0) -> datetime:
    """Return that hour on the day that is `days` after the moment's, in the active time zone. The hour may not exist on
    the day when summer time begins."""
    day_then = localtime(moment).date() + timedelta(days=days)
    return make_aware(datetime.combine(day_then, time(hour)))


def as_number(value: Any) -> Decimal | None:
    """Return the number of a JSON number or of a text that is one; None for anything else and outside the limits.
    Fractions are decimals from here on: every number that is shown, searched, compared with typed values or added up
    begins with this one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip()) if len(str(value)) <= 60 else None
    except (InvalidOperation, ValueError):
        return None
    if number is None or not number.is_finite() or abs(number) >= LARGEST:
        return None
    return rounded(number, MOST_PLACES) if isinstance(value, float) else number


def rounded(number: Decimal, places: int) -> Decimal:
    """Round a number. Halves go away from zero, as in commerce and in browsers. Zero has no sign."""
    quantized = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    return quantized if quantized else abs(quantized)


def as_instant(value: Any) -> datetime | None:
    """Return the instant of ISO 8601 text; without an offset it is UTC."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def number(value: Decimal, locale: Locale) -> str:
    """Return 1,200.5 or 1.200,5, with at most three places."""
    return _plain_blanks(format_decimal(rounded(value, PLACES), locale=locale))


def places_of(currency: str) -> int:
    """Return the decimal places of a currency: two of EUR and of unknown codes, none of JPY."""
    return get_currency_precision(currency.upper())


@lru_cache(maxsize=1024)
def money(amount: Decimal, currency: str, locale: Locale) -> str:
    """Return €1,200.50 or 1.200,50 €. A currency that is no ISO 4217 code follows the number."""
    amount = rounded(amount, places_of(currency))
    if len(currency) == 3 and currency.isascii() and currency.isalpha():
        return _plain_blanks(format_currency(amount, currency.upper(), locale=locale))
    places = format_decimal(amount, format="#,##0.00", locale=locale)
    return f"{_plain_blanks(places)} {currency}".strip()


def day(value: datetime | date, locale: Locale) -> str:
    """Return 25 November 2026 or 25. November 2026."""
    return _plain_blanks(format_date(value, "long", locale=locale_for_days(locale)))


def clock(value: datetime, locale: Locale) -> str:
    """Return 17:00 CET, or 5:00 PM CET if the locale names a country that counts so (en-US)."""
    return f"{hour(value, locale)} {value.tzname() or 'UTC'}"


def moment(value: datetime, locale: Locale) -> str:
    """Return Wed, 25 Nov 2026, 17:00 CET or Mi., 25. Nov. 2026, 17:00 CET."""
    return f"{_day_of_week(value.date(), locale_for_days(locale))}, {clock(value, locale)}"


@lru_cache(maxsize=1024)
def _day_of_week(value: date, locale: Locale) -> str:
    return _plain_blanks(format_skeleton("yMMMEd", value, locale=locale))


def hour(value: datetime, locale: Locale) -> str:
    """Return 17:00, or 5:00 PM if the locale names a country that counts so."""
    if locale.territory is not None and "a" in locale.time_formats["short"].pattern:
        return _plain_blanks(format_skeleton("hm", value, locale=locale))
    return f"{value:%H:%M}"


def locale_for_days(locale: Locale) -> Locale:
    return DAYS.get(locale.language, locale) if locale.territory is None else locale


def _plain_blanks(text: str) -> str:
    """Replace narrow and non-breaking spaces, which lock screens show as boxes, by ordinary ones."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
