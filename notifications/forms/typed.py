"""Reads what somebody has typed into a form's fields on a page, in their language, and writes values as they would."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from babel import Locale

from notifications.forms import definition
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form
from notifications.types import Json

PREFIX = "value-"
"""Of the names of fields in a posted form."""
YES_NO = {"yes": True, "no": False}
SIGNS = "€$£¥"
_BLANKS = re.compile("[ \u00a0\u202f\u2009'’]")
EXAMPLE = Decimal("1200.5")


class Posted(Protocol):
    """What a posted form has."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass
class Typed:
    """`texts`: what was typed into each field, to show it again; `values`: what it means; `faults`: what has no
    meaning."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(form: Form, posted: Posted, locale: Locale) -> Typed:
    """The values in a posted form. What is empty is left out."""
    typed = Typed()
    for each in form:
        texts = [text.replace("\r\n", "\n").replace("\x00", "") for text in posted.getlist(PREFIX + each.name)]
        typed.texts[each.name] = texts
        said = [text for text in texts if text.strip()]
        if not said:
            continue
        try:
            typed.values[each.name] = _value(each, said, locale)
        except _Unreadable as unreadable:
            typed.faults.append(unreadable.fault)
    return typed


class _Unreadable(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def _value(of: Field, texts: list[str], locale: Locale) -> Any:
    """Raises _Unreadable."""
    text = texts[0]
    match of.kind:
        case "number" | "money":
            return _number(of, text, locale)
        case "yes_no":
            return YES_NO.get(text, text)
        case "date":
            return _day(text, locale)
        case "choice":
            return _chosen(of, text)
        case "choices":
            return [_chosen(of, each) for each in texts]
        case _:
            return text


def _chosen(of: Field, text: str) -> Any:
    """The choice that is written so; the text itself where there is none, which the check refuses."""
    return next((each.value for each in of.choices if str(each.value) == text), text)


def _day(text: str, locale: Locale) -> str:
    """Browsers send days in ISO 8601, whatever they show."""
    return definition.as_day(text.strip()) or text


# --- numbers ----------------------------------------------------------------------------------------------------------
def _number(of: Field, text: str, locale: Locale) -> int | float:
    """A number as the reader's language writes it. What could mean another one in another language is refused.

    Raises _Unreadable.
    """
    point, group = marks_of(locale)
    digits = text.strip().replace("−", "-").strip(SIGNS).removeprefix(of.currency).removesuffix(of.currency).strip()
    digits = _BLANKS.sub(group if group.isspace() else "", digits)
    whole, dot, fraction = digits.partition(point)
    plain = re.fullmatch(r"-?\d{1,15}", whole, re.ASCII)
    grouped = re.fullmatch(rf"-?\d{{1,3}}({re.escape(group)}\d{{3}}){{1,4}}", whole, re.ASCII)
    if not (plain or grouped) or (dot and not re.fullmatch(r"\d{1,10}", fraction, re.ASCII)):
        raise _Unreadable(Fault(of, "number", {"example": write_number(EXAMPLE, locale)}))
    if dot and plain and len(fraction) == 3 and whole.strip("-0") and len(whole.strip("-")) <= 3:
        one, other = whole + fraction, f"{whole}{point}{fraction}0"
        raise _Unreadable(Fault(of, "ambiguous", {"one": one, "other": other}))
    number = definition.as_number(f"{whole.replace(group, '')}.{fraction or 0}")
    if number is None:
        raise _Unreadable(Fault(of, "number", {"example": write_number(EXAMPLE, locale)}))
    return number


def marks_of(locale: Locale) -> tuple[str, str]:
    """The decimal point, and what stands between thousands."""
    symbols: Mapping[str, Any] = locale.number_symbols
    symbols = symbols.get("latn", symbols)
    group = str(symbols.get("group", ","))
    return str(symbols.get("decimal", ".")), " " if group.isspace() else "" if group in "'’" else group


def write_number(value: Decimal, locale: Locale, least: int = 0) -> str:
    """As `_number` reads it, with all its places, and at least so many. Three places get a fourth, lest they look like
    thousands."""
    point, group = marks_of(locale)
    whole, _dot, fraction = f"{abs(value):f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    fraction = f"{fraction}0" if len(fraction) == 3 else fraction
    thousands = re.sub(r"(?<=\d)(?=(\d{3})+$)", group, whole)
    return f"{'-' if value < 0 else ''}{thousands}{point + fraction if fraction else ''}"


# --- as somebody would type it ----------------------------------------------------------------------------------------
def texts_of(of: Field, value: Any, locale: Locale) -> list[str]:
    """What stands in the field for a value."""
    if value is None:
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list):
        return [str(each) for each in value]
    if of.kind in ("number", "money"):
        return [write_number(Decimal(str(value)), locale, 2 if of.kind == "money" else 0)]
    return [str(value)]


def told(form: Form, typed: Typed) -> str:
    """All that was typed, in lines, to be kept where it cannot be sent."""
    lines: Iterable[str] = (
        f"{each.label('')}: {', '.join(texts)}"
        for each in form
        if (texts := [text for text in typed.texts.get(each.name, []) if text.strip()])
    )
    return "\n".join(lines)
