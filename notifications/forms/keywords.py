"""Checks of a form's keywords: each takes a value, its JSON pointer, and a function that reports a fault. Also readers
for numbers and days."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from notifications.forms import patterns
from notifications.wording import formats
from notifications.wording.plaintext import clean_line
from wfpush.web.pointers import pointer

MOST_CHOICES = 100
MOST_TITLE = 200
MOST_NAMES = 40
"""Entries of a list of names."""

Say = Callable[[str, str], None]
"""A function that reports a fault: it takes a JSON pointer and a sentence."""
Check = Callable[[Any, str, Say], None]

IGNORED = frozenset({"$schema", "$id", "$comment", "examples"})
"""Keywords without an effect, which are accepted."""


def nothing(value: Any, here: str, say: Say) -> None:
    """Accept any value: it is free, or checked elsewhere."""


def members(value: Any, checks: Mapping[str, Check], here: str, say: Say, *, what: str = "member") -> None:
    """Check the members of an object; unknown members are faults."""
    if not isinstance(value, dict):
        say(here, "Write an object.")
        return
    for name, member in value.items():
        if name in checks:
            if member is not None:
                checks[name](member, pointer(here, name), say)
        elif name not in IGNORED:
            say(pointer(here, name), f"There is no such {what} in forms. There are {', '.join(sorted(checks))}.")


def one_of(*words: str) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if value not in words:
            say(here, f"Write {' or '.join(words)}.")

    return checked


def text_of(most: int) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if not isinstance(value, str) or len(value) > most:
            say(here, f"Write text of at most {most} characters.")

    return checked


def words_of(most: int) -> Check:
    """Return a check for a text, or for texts by language."""

    def checked(value: Any, here: str, say: Say) -> None:
        texts = value.values() if isinstance(value, dict) and 0 < len(value) <= 20 else [value]
        if not all(isinstance(each, str) and len(each) <= most for each in texts):
            say(here, f"Write text of at most {most} characters, or an object with one for each language.")

    return checked


def flag(value: Any, here: str, say: Say) -> None:
    if not isinstance(value, bool):
        say(here, "Write true or false.")


def count_to(most: int) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            say(here, f"Write a whole number from 0 to {most:,}.")

    return checked


def pattern(value: Any, here: str, say: Say) -> None:
    if fault := patterns.fault_of(value):
        say(here, fault)


def enum(value: Any, here: str, say: Say, *, titles: bool = False) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_CHOICES:
        say(here, f"Name 1 to {MOST_CHOICES} values.")
        return
    seen: set[str] = set()
    for at, each in enumerate(value):
        where = pointer(here, at)
        if titles:
            members(each, {"const": nothing, "title": text_of(MOST_TITLE)}, where, say)
            each, where = each.get("const") if isinstance(each, dict) else None, f"{where}/const"
        _choice(each, where, say, seen)


titled = partial(enum, titles=True)


def _choice(value: Any, here: str, say: Say, seen: set[str]) -> None:
    """Check a choice. Its text must be unique, since pages identify choices by their texts."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not (isinstance(value, str) and 0 < len(value) <= MOST_TITLE and value == clean_line(value)):
        say(here, f"Write a number, or one line of text of 1 to {MOST_TITLE} characters.")
    elif str(value) in seen:
        say(here, "This value is named twice.")
    seen.add(str(value))


def names_in(value: Any, here: str, say: Say) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        say(here, f"Write a list of at most {MOST_NAMES} names.")
        return []
    return value


def number(value: Any, here: str, say: Say) -> None:
    if as_number(value) is None or isinstance(value, str):
        say(here, f"Write a number below {formats.LARGEST:,}.")


def step(value: Any, here: str, say: Say) -> None:
    if as_number(value) is None or isinstance(value, str) or value <= 0:
        say(here, "Write a number above 0.")


def day(value: Any, here: str, say: Say) -> None:
    if as_day(value) != value:
        say(here, "Write a day such as 2026-11-30.")


def as_number(value: Any, *, whole: bool = False) -> int | float | None:
    """Return a number, or a text that is one, as a JSON number without the noise of binary fractions. Return None for
    other values, and outside the limits."""
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 30 else None
        except ValueError:
            return None
    if not isinstance(value, int | float):
        return None
    number = formats.as_number(value)
    if number is None:
        return None
    value = float(number) if isinstance(value, float) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if whole and isinstance(value, float) else value


def as_day(value: Any) -> str | None:
    """Return the day of an ISO 8601 day or time; None for other values."""
    text = value[:10] if isinstance(value, str) else ""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None
