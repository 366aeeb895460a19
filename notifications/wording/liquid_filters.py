"""The filters that templates may use. Values that they take and return have limits, and are plain JSON."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import wraps
from typing import Any
from urllib.parse import quote

from babel import Locale
from liquid import RenderContext
from liquid.builtin.filters.misc import default
from liquid.builtin.filters.string import (
    append,
    capitalize,
    downcase,
    lstrip,
    prepend,
    remove_first,
    replace_first,
    rstrip,
    slice_,
    squish,
    strip,
    truncate,
    truncatewords,
    upcase,
)
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import Undefined

from notifications.wording import formats
from notifications.wording.typed_numbers import plain

MAX_TEXT = 64 * 1024
"""Characters of a text that enters or leaves a filter: as many as an event's data can hold."""

MAX_ITEMS = 1_000
"""Items of a list or range that a filter reads; the rest is ignored."""

MISSING = "—"
"""Printed for a variable that does not exist."""

_NAMED_BY = ("name", "title", "ref", "id")
"""Members used as the text of an object that a template prints whole."""


class OddNumber(FilterArgumentError):
    """Raised for a value with which a filter cannot compute: printed as “—” with a warning."""


@dataclass(frozen=True)
class Place:
    """Language and time zone for money, dates and times."""

    locale: Locale
    timezone: tzinfo


def shown(value: object) -> str:
    """Return a value as text: an object as its name, a list with commas, numbers as decimals, without “.0”."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        number = formats.as_number(value)
        return plain(number) if number is not None else str(value)
    if isinstance(value, list | tuple):
        return _listed(value, ", ")
    if isinstance(value, dict):
        return next((shown(value[name]) for name in _NAMED_BY if isinstance(value.get(name), str | int)), MISSING)
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    return str(value) if isinstance(value, int | Undefined) else ""


def _listed(items: list[Any] | tuple[Any, ...], separator: str) -> str:
    texts: list[str] = []
    room = MAX_TEXT
    for item in items[:MAX_ITEMS]:
        texts.append(shown(item))
        room -= len(texts[-1]) + len(separator)
        if room < 0:
            raise FilterArgumentError("the list is too long as text", token=None)
    return separator.join(texts)


def whole_number(value: object) -> int:
    """Return the value as a whole number, 0 if it is none, as in Liquid's ranges."""
    number = formats.as_number(value)
    return int(number) if number is not None else 0


# --- bounds ---------------------------------------------------------------------------------------------------------
Filter = Callable[..., Any]


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise FilterArgumentError(f"a text of more than {MAX_TEXT} characters", token=None)
    if isinstance(value, range):
        return list(value[:MAX_ITEMS])
    return value[:MAX_ITEMS] if isinstance(value, list | tuple) else value


def bounded(function: Filter) -> Filter:
    """Decorator: limits the sizes of values that enter and leave a filter. A missing variable stays missing."""

    @wraps(function)
    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        options = {name: each if name == "context" else _bounded(each) for name, each in kwargs.items()}
        return _bounded(function(_bounded(value), *map(_bounded, args), **options))

    return call


def on_text(function: Filter) -> Filter:
    """Decorator for filters of text: other values are converted to the text that they print."""

    @wraps(function)
    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        return function(shown(value), *args, **kwargs)

    return call


def on_list(function: Filter) -> Filter:
    """Decorator for filters of lists: any other value becomes a list with one item."""

    @wraps(function)
    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        return function(list(value) if isinstance(value, list | tuple) else [value], *args, **kwargs)

    return call


# --- text -----------------------------------------------------------------------------------------------------------
def replace(text: str, old: Any, new: Any = "") -> str:
    old, new = shown(old), shown(new)
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise FilterArgumentError(f"a text of more than {MAX_TEXT} characters", token=None)
    return text.replace(old, new)


def remove(text: str, old: Any) -> str:
    return text.replace(shown(old), "")


def split(text: str, separator: Any = "") -> list[str]:
    by = shown(separator)
    return text.split(by, MAX_ITEMS) if by else list(text[:MAX_ITEMS])


def strip_newlines(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def url_encode(text: str) -> str:
    return quote(text, safe="")


def sliced(value: Any, start: Any, length: Any = 1) -> Any:
    whole = value if isinstance(value, list | tuple) else shown(value)
    return slice_(whole, whole_number(start), whole_number(length))


def shortened(text: str, length: Any = 50, end: Any = "…") -> str:
    return str(truncate(text, whole_number(length), shown(end)))


def shortened_words(text: str, length: Any = 15, end: Any = "…") -> str:
    return str(truncatewords(text, whole_number(length), shown(end)))


# --- lists ----------------------------------------------------------------------------------------------------------
def join(items: list[Any], separator: Any = ", ") -> str:
    return _listed(items, shown(separator))


def members(items: list[Any], name: Any) -> list[Any]:
    candidates = (item.get(name) for item in items if isinstance(item, dict) and isinstance(name, str))
    return [value for value in candidates if value is not None]


def where(items: list[Any], name: Any, value: Any = None) -> list[Any]:
    objects = [item for item in items if isinstance(item, dict) and isinstance(name, str)]
    if value is None or isinstance(value, Undefined):
        return [item for item in objects if item.get(name) not in (None, False)]
    return [item for item in objects if item.get(name) == value]


def sort(items: list[Any], name: Any = None) -> list[Any]:
    """Sort by the items' text in lower case; numbers by size, and first."""

    def rank(item: Any) -> tuple[int, Decimal, str]:
        if isinstance(name, str):
            item = item.get(name) if isinstance(item, dict) else None
        number = formats.as_number(item) if not isinstance(item, str) else None
        return (0, number, "") if number is not None else (1, Decimal(), shown(item).casefold())

    return sorted(items, key=rank)


def uniq(items: list[Any]) -> list[Any]:
    return list({json.dumps(item, sort_keys=True, default=str): item for item in reversed(items)}.values())[::-1]


def concat(items: list[Any], others: Any) -> list[Any]:
    return items + (others if isinstance(others, list) else [])


def compact(items: list[Any]) -> list[Any]:
    return [item for item in items if item is not None]


def first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list | tuple | range) else value


def last(value: Any) -> Any:
    return (value[-1] if value else None) if isinstance(value, list | tuple | range) else value


def size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict | range) else 0


# --- numbers --------------------------------------------------------------------------------------------------------
def calculating(function: Callable[..., Decimal]) -> Filter:
    """Decorator for filters of numbers, in decimal arithmetic: 0.1 plus 0.2 is 0.3. The result for a missing operand is
    missing."""

    @wraps(function)
    def call(*operands: Any) -> Any:
        missing = next((each for each in operands if isinstance(each, Undefined)), None)
        if missing is not None:
            return missing
        numbers = [formats.as_number(each) for each in operands]
        if None in numbers:
            odd = shown(operands[numbers.index(None)])
            raise OddNumber(f"“{odd[:40]}” is not a number of at most 15 digits", token=None)
        result = function(*numbers)
        if abs(result) >= formats.LARGEST:
            raise OddNumber("a number with more than 15 digits", token=None)
        return int(result) if result == result.to_integral_value() else float(result)

    return call


def divided_by(number: Decimal, divisor: Decimal) -> Decimal:
    """Divide. Whole numbers divide as in Liquid, rounded down."""
    if not divisor:
        raise OddNumber("divided by 0", token=None)
    whole = number == number.to_integral_value() and divisor == divisor.to_integral_value()
    return Decimal(math.floor(number / divisor)) if whole else number / divisor


def modulo(number: Decimal, divisor: Decimal) -> Decimal:
    if not divisor:
        raise OddNumber("divided by 0", token=None)
    return number - divisor * math.floor(number / divisor)


def rounded(number: Decimal, places: Decimal = Decimal()) -> Decimal:
    return round(number, max(0, min(int(places), 10)))


# --- formats for people ---------------------------------------------------------------------------------------------
def placed(function: Callable[..., str]) -> Filter:
    """Decorator for filters that need the reader's language and time zone."""

    @with_context
    @wraps(function)
    def call(value: Any, *args: Any, context: RenderContext) -> str:
        return function(value, *args, context.place)  # type: ignore[attr-defined]

    return call


def money(value: Any, *rest: Any) -> str:
    """Return €1,200.50 or 1.200,50 € for `{{ variables.amount | money: variables.currency }}`. A value that is no
    number stays."""
    *currency, place = rest
    amount = formats.as_number(value)
    code = "" if not currency or isinstance(currency[0], Undefined) else shown(currency[0]).strip()[:20]
    return formats.money(amount, code, place.locale) if amount is not None else shown(value)


def number(value: Any, place: Place) -> str:
    decimal = formats.as_number(value)
    return formats.number(decimal, place.locale) if decimal is not None else shown(value)


def date_and_time(value: Any, place: Place) -> str:
    """Return Wed, 25 Nov 2026, 17:00 CET. A value that is no instant stays."""
    here = _here(value, place)
    if isinstance(here, datetime):
        return formats.moment(here, place.locale)
    return formats.day(here, place.locale) if here else shown(value)


def only_date(value: Any, place: Place) -> str:
    """25 November 2026"""
    here = _here(value, place)
    return formats.day(here, place.locale) if here else shown(value)


def only_time(value: Any, place: Place) -> str:
    """17:00 CET"""
    here = _here(value, place)
    return formats.clock(here, place.locale) if isinstance(here, datetime) else shown(value)


def _here(value: Any, place: Place) -> datetime | date | None:
    """Return the instant in the reader's time zone; a date without time is the same day everywhere."""
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    instant = formats.as_instant(value)
    try:
        return instant.astimezone(place.timezone) if instant else None
    except OverflowError:
        return None


_ON_TEXT: dict[str, Filter] = {
    **{
        function.__name__: function
        for function in (
            *(append, capitalize, downcase, lstrip, prepend, remove, remove_first, replace, replace_first),
            *(rstrip, split, squish, strip, strip_newlines, upcase, url_encode),
        )
    },
    "truncate": shortened,
    "truncatewords": shortened_words,
}
_ON_LISTS: dict[str, Filter] = {
    **{function.__name__: function for function in (compact, concat, join, sort, uniq, where)},
    "map": members,
    "reverse": lambda items: items[::-1],
}
_CALCULATING: dict[str, Callable[..., Decimal]] = {
    "abs": lambda number: abs(number),
    "at_least": lambda number, least: max(number, least),
    "at_most": lambda number, most: min(number, most),
    "ceil": lambda number: Decimal(math.ceil(number)),
    "divided_by": divided_by,
    "floor": lambda number: Decimal(math.floor(number)),
    "minus": lambda number, other: number - other,
    "modulo": modulo,
    "plus": lambda number, other: number + other,
    "round": rounded,
    "times": lambda number, other: number * other,
}
_PLACED: dict[str, Filter] = {
    "date": only_date,
    "datetime": date_and_time,
    "money": money,
    "number": number,
    "time": only_time,
}

FILTERS: dict[str, Filter] = {
    "default": default,
    "first": first,
    "last": last,
    "size": size,
    "slice": bounded(sliced),
    **{name: bounded(on_text(function)) for name, function in _ON_TEXT.items()},
    **{name: bounded(on_list(function)) for name, function in _ON_LISTS.items()},
    **{name: bounded(calculating(function)) for name, function in _CALCULATING.items()},
    **{name: bounded(placed(function)) for name, function in _PLACED.items()},
}
