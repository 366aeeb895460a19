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
"""Numbers from here on are left as they came."""
MOST_PLACES = 10
"""What binary fractions have beyond is noise: 401.34999999999997 is 401.35. People can type as many."""
PLACES = 3
"""Of numbers that are no money, as they are shown."""
_EXACT = Context(prec=400)
"""For any number that a double can be."""

FALLBACK = Locale("en")
DAYS = {"en": Locale("en", "GB")}
"""The region whose dates a language without a country uses: 25 November 2026 is read the same everywhere."""


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """The locale of a language tag such as de, de-AT or en_US; English where there is none."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        base = language.replace("_", "-").partition("-")[0]
        return locale_of(base) if base != language else FALLBACK


def locale_for(language: str, reader: str) -> Locale:
    """The locale of a text in `language` for somebody whose locale is `reader`: their variety of the language, such as
    en-US or de-AT, if it is theirs; else the language without a country."""
    same = reader.replace("_", "-").partition("-")[0] == language.replace("_", "-").partition("-")[0]
    return locale_of(reader if same else language)


_reader: ContextVar[str] = ContextVar("reader", default="")


@contextmanager
def written_for(locale: str) -> Iterator[None]:
    """Within it `active_locale` is that of somebody with this locale."""
    token = _reader.set(locale)
    try:
        yield
    finally:
        _reader.reset(token)


def active_locale() -> Locale:
    """The locale of the active language in the reader's variety of it."""
    return locale_for(translation.get_language() or "en", _reader.get())


def zone_of(timezone: str) -> tzinfo:
    """The time zone of that name; UTC where there is none."""
    try:
        return zones.zone(timezone)
    except zones.UnknownZone:
        return UTC


def local_hour(moment: datetime, days: int, hour: int = 0) -> datetime:
    """That hour, so many days after the day of the moment, in the active time zone. It may not exist there on the day
    that summer time begins."""
    day_then = localtime(moment).date() + timedelta(days=days)
    return make_aware(datetime.combine(day_then, time(hour)))


def as_number(value: Any) -> Decimal | None:
    """The number of a JSON number or of a text that is one; None for anything else and outside the limits. Fractions
    are decimals from here on: everything that is shown, found, compared with typed values or added up begins with this
    number."""
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
    """Halves go away from zero, as in commerce and in browsers. Zero has no sign."""
    quantized = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    return quantized if quantized else abs(quantized)


def as_instant(value: Any) -> datetime | None:
    """The instant of ISO 8601 text; without an offset it is UTC."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def number(value: Decimal, locale: Locale) -> str:
    """1,200.5 or 1.200,5, at most three places."""
    return _plain_blanks(format_decimal(rounded(value, PLACES), locale=locale))


def places_of(currency: str) -> int:
    """As many as the currency has: two of EUR and of what is no ISO 4217 code, none of JPY."""
    return get_currency_precision(currency.upper())


@lru_cache(maxsize=1024)
def money(amount: Decimal, currency: str, locale: Locale) -> str:
    """€1,200.50 or 1.200,50 €. A currency that is no ISO 4217 code follows the number."""
    amount = rounded(amount, places_of(currency))
    if len(currency) == 3 and currency.isascii() and currency.isalpha():
        return _plain_blanks(format_currency(amount, currency.upper(), locale=locale))
    places = format_decimal(amount, format="#,##0.00", locale=locale)
    return f"{_plain_blanks(places)} {currency}".strip()


def day(value: datetime | date, locale: Locale) -> str:
    """25 November 2026 or 25. November 2026."""
    return _plain_blanks(format_date(value, "long", locale=locale_for_days(locale)))


def clock(value: datetime, locale: Locale) -> str:
    """17:00 CET; 5:00 PM CET where a country that counts so is named (en-US)."""
    return f"{hour(value, locale)} {value.tzname() or 'UTC'}"


def moment(value: datetime, locale: Locale) -> str:
    """Wed, 25 Nov 2026, 17:00 CET or Mi., 25. Nov. 2026, 17:00 CET."""
    return f"{_day_of_week(value.date(), locale_for_days(locale))}, {clock(value, locale)}"


@lru_cache(maxsize=1024)
def _day_of_week(value: date, locale: Locale) -> str:
    return _plain_blanks(format_skeleton("yMMMEd", value, locale=locale))


def hour(value: datetime, locale: Locale) -> str:
    """17:00, or 5:00 PM where a country that counts so is named."""
    if locale.territory is not None and "a" in locale.time_formats["short"].pattern:
        return _plain_blanks(format_skeleton("hm", value, locale=locale))
    return f"{value:%H:%M}"


def locale_for_days(locale: Locale) -> Locale:
    return DAYS.get(locale.language, locale) if locale.territory is None else locale


def _plain_blanks(text: str) -> str:
    """With ordinary spaces instead of narrow and non-breaking ones, which lock screens show as boxes."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
