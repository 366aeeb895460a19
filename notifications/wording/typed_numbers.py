"""Reads and writes numbers as people type them in their language. Text that could mean two numbers is refused."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _

from notifications.wording.formats import as_number, locale_of

SIGNS = "€$£¥"
EXAMPLE = Decimal("1200.5")
_BLANKS = re.compile("[ \u00a0\u202f\u2009'’]")
_DIGITS = r"\d{1,15}"


class UnreadableNumber(ValueError):
    """Raised for text that is no number. Its text is a sentence for the person who typed it."""


class AmbiguousNumber(UnreadableNumber):
    """Raised for text that may mean two numbers. `one` and `other` are texts that mean only one of them."""

    def __init__(self, text: str, numbers: tuple[Decimal, Decimal], ways: tuple[str, str], locale: Locale) -> None:
        self.one, self.other = ways
        first, second = (write_number(number, locale) for number in numbers)
        arguments = {"text": text, "first": first, "second": second, "one": self.one, "other": self.other}
        super().__init__(_("“%(text)s” may be %(first)s or %(second)s: enter %(one)s or %(other)s.") % arguments)


class ForeignNumber(AmbiguousNumber):
    """Raised for a mark of another language, such as “1,5” in English: a fraction, or a slip in the thousands."""


def read_number(text: str, language: str) -> Decimal:
    """Return the number that a reader of this language means: “10.000” is ten thousand in German.

    Raises AmbiguousNumber for text that has another meaning in another language (“10.000” in English), UnreadableNumber
    for text that is no number.
    """
    return number_in(text, locale_of(language))


def number_in(text: str, locale: Locale) -> Decimal:
    """Return the number, like `read_number`."""
    point, group = marks_of(locale)
    digits = text.strip().replace("−", "-").strip(SIGNS).strip()
    digits = _BLANKS.sub(group if group.isspace() else "", digits)
    whole, dot, fraction = digits.partition(point)
    thousands = rf"-?[1-9]\d{{0,2}}({re.escape(group)}\d{{3}}){{1,4}}"
    is_grouped = bool(group) and re.fullmatch(thousands, whole, re.ASCII) is not None
    is_plain = re.fullmatch(f"-?{_DIGITS}", whole, re.ASCII) is not None
    if not (is_plain or is_grouped) or (dot and not re.fullmatch(r"\d{1,10}", fraction, re.ASCII)):
        raise _unreadable(text, digits, locale)
    if dot and is_plain and len(fraction) == 3 and whole.strip("-0") and len(whole.strip("-")) <= 3:
        numbers = Decimal(whole + fraction), Decimal(f"{whole}.{fraction}")
        raise AmbiguousNumber(text.strip(), numbers, (whole + fraction, f"{digits}0"), locale)
    number = as_number(f"{whole.replace(group, '')}.{fraction or 0}")
    if number is None:
        raise _unreadable(text, digits, locale)
    return number


def _unreadable(text: str, digits: str, locale: Locale) -> UnreadableNumber:
    foreign = re.fullmatch(rf"(-?{_DIGITS})[.,](\d{{1,10}})", digits, re.ASCII)
    if foreign is None:
        return UnreadableNumber(_("Enter a number, such as %(example)s.") % {"example": write_number(EXAMPLE, locale)})
    whole, fraction = Decimal(foreign[1] + foreign[2]), Decimal(f"{foreign[1]}.{foreign[2]}")
    return ForeignNumber(text.strip(), (whole, fraction), (plain(whole), write_number(fraction, locale)), locale)


def marks_of(locale: Locale) -> tuple[str, str]:
    """Return the decimal mark, and the mark between thousands."""
    symbols: Mapping[str, Any] = locale.number_symbols
    symbols = symbols.get("latn", symbols)
    group = str(symbols.get("group", ","))
    return str(symbols.get("decimal", ".")), " " if group.isspace() else "" if group in "'’" else group


def write_number(value: Decimal, locale: Locale, least: int = 0) -> str:
    """Return the number in the form that `number_in` reads, with all its places, and at least `least`. Three places get
    a fourth, so that they do not look like thousands."""
    point, group = marks_of(locale)
    whole, _dot, fraction = f"{abs(value):f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    fraction = f"{fraction}0" if len(fraction) == 3 else fraction
    thousands = re.sub(r"(?<=\d)(?=(\d{3})+$)", group, whole)
    return f"{'-' if value < 0 else ''}{thousands}{point + fraction if fraction else ''}"


def plain(value: Decimal) -> str:
    """Return the number as programs write it, and conditions compare it: 10000, 12.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
