"""Text with two directions: Arabic in an English sentence, a number in a Hebrew one.

Unicode's isolates (UAX #9, 2.4) separate a value from the sentence around it, so that neither changes the order of the
other. Text with one direction gets none.
"""

import re

from babel import Locale
from django.template import Library
from django.utils import translation

from notifications.wording.formats import locale_of

FIRST_STRONG, END = "\u2068", "\u2069"
"""The isolate with the direction of its first letter, and the end of an isolate."""

HERE, THERE = "\ufdd0", "\ufdd1"
"""Placeholders of the isolates while a template is filled in. No text contains these characters, so cleaning a text
removes isolates from others only."""

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_MARKS = re.compile(f"[{HERE}{THERE}]")


def runs_right_to_left(locale: Locale) -> bool:
    return str(locale.text_direction) == "rtl"


def usual(language: str) -> str:
    """Return the HTML direction of texts in this language: “rtl”, or “auto” for the direction of each text."""
    return "rtl" if runs_right_to_left(locale_of(language)) else "auto"


def has_right_to_left(text: str) -> bool:
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def apart(value: object) -> str:
    """Return the value as a part of a sentence in the active language."""
    text = str(value)
    return f"{FIRST_STRONG}{text}{END}" if has_right_to_left(text) or translation.get_language_bidi() else text


def all_apart(**values: object) -> dict[str, str]:
    """Return the values of a sentence such as _("%(name)s replied"), each as a part of it."""
    return {name: apart(value) for name, value in values.items()}


def marked(text: str, *, right_to_left: bool) -> str:
    """Return a template's value, marked as a part of its text. `right_to_left`: the direction of the template's
    language. Values of several lines are not marked."""
    if not right_to_left and not has_right_to_left(text):
        return text
    text = _MARKS.sub("", text)
    return f"{HERE}{text}{THERE}" if text.strip() and "\n" not in text.strip() else text


def part_of(**values: str) -> dict[str, str]:
    """Return the values of a sentence that is cleaned before they are isolated in it."""
    right_to_left = translation.get_language_bidi()
    return {name: marked(value, right_to_left=right_to_left) for name, value in values.items()}


def set_apart(text: str) -> str:
    """Return a filled template with its marked values isolated. A text that is only one value needs no isolate."""
    if HERE not in text:
        return text
    if text.startswith(HERE) and text.endswith(THERE) and len(_MARKS.findall(text)) == 2:
        return text[1:-1]
    return text.replace(HERE, FIRST_STRONG).replace(THERE, END)


def direction_of(text: str, usual: str) -> str:
    """Return “ltr” or “rtl”, the direction of the first letter outside of isolates; `usual` if there is none."""
    depth = 0
    for each in text:
        depth += (each == FIRST_STRONG) - (each == END)
        if depth <= 0 and each.isalpha():
            return "rtl" if _RIGHT_TO_LEFT.match(each) else "ltr"
    return usual


register = Library()
register.filter("apart", apart)
register.filter("direction", usual)


@register.filter
def direction_within(text: str, language: str) -> str:
    """Return the direction of one text for mail programs, which do not know isolates."""
    return direction_of(text, "rtl" if runs_right_to_left(locale_of(language)) else "ltr")


@register.filter
def paragraphs(text: str) -> list[str]:
    return [part for part in text.split("\n\n") if part.strip()]
