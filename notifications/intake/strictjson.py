"""Strict JSON: refuses documents that two parsers could understand differently.

Uses the standard library's decoder with hooks, because it shows every member. msgspec 0.22 decodes an event in 1.4 µs
instead of 4.5, but silently keeps the last of two equal keys. It takes NUL, 300 digits and more, any depth up to
Python's own and any number of values. It refuses half a surrogate pair without its place: one such event would cost its
batch.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from itertools import islice
from typing import Any, NoReturn

from notifications.errors import Malformed, TooLarge
from wfpush.web.pointers import MAX_ERRORS, cut, pointer

MAX_DEPTH = 64
MAX_VALUES = 100_000
"""Values of a document: each takes up to 250 bytes of memory, and as few as two of the body."""
MAX_DIGITS = 300
"""Digits of a whole number. Longer ones fit no double, so no other program would read them as sent."""

_BOM = b"\xef\xbb\xbf"
_BAD_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes that may stand for NUL or half a surrogate pair: all other text is clean if it is valid UTF-8."""
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class BadText(Exception):
    """Valid JSON with text that databases and other programs cannot store. `pointers` are the first few places."""

    detail = "A text holds a NUL character or half of a surrogate pair. Send text without them."

    def __init__(self, pointers: list[str]) -> None:
        super().__init__(self.detail)
        self.pointers = pointers


def decode(raw: bytes) -> Any:
    """Return the value that `raw` spells.

    Raises Malformed for anything but UTF-8 JSON without a byte order mark, duplicate keys, NaN, infinities, numbers
    that no double holds and nesting over 64 levels; TooLarge for more than 100,000 values; BadText for NUL and lone
    surrogates in text.
    """
    value = _parsed(raw, MAX_VALUES)
    if _BAD_ESCAPE.search(raw) and (pointers := bad_texts(value)):
        raise BadText(pointers)
    return value


def elements(raw: bytes, max_elements: int, max_values: int) -> list[tuple[Any, list[str]]]:
    """Return the values of an array, each with the pointers of text in it that cannot be stored.

    Raises Malformed as `decode` does, TooLarge for more than `max_elements`, and ValueError when `raw` is no array.
    """
    values = _parsed(raw, max_values)
    if not isinstance(values, list):
        raise ValueError("This is no array.")
    if len(values) > max_elements:
        raise TooLarge(f"A batch may have {max_elements:,} events; this one has more.")
    is_suspect = _BAD_ESCAPE.search(raw) is not None
    return [(value, bad_texts(value) if is_suspect else []) for value in values]


def bad_texts(value: Any) -> list[str]:
    """Return the first few pointers of text that cannot be stored."""
    return list(islice(_bad_texts(value, []), MAX_ERRORS))


def deeper_than(value: Any, levels: int) -> bool:
    """Return whether arrays and objects are nested more than `levels` deep."""
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    members = value.values() if isinstance(value, dict) else value
    return any(deeper_than(member, levels - 1) for member in members if isinstance(member, dict | list))


def _parsed(raw: bytes, max_values: int) -> Any:
    """Return the value that `raw` spells, with any text. Raises Malformed, TooLarge."""
    if raw.startswith(_BOM):
        raise Malformed("The body begins with a byte order mark. Send UTF-8 without it.")
    if _marks(raw) > max_values and _marks(_TEXT.sub(b"", raw)) > max_values:
        raise TooLarge(f"The body has more than {max_values:,} values.")
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as fault:
        raise Malformed(f"The body is not UTF-8 (byte {fault.start}).") from None
    except json.JSONDecodeError as fault:
        raise Malformed(f"The body is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _marks(raw: bytes) -> int:
    """Return about the number of values, without decoding: each but the first follows one of these characters."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested in more than {MAX_DEPTH} levels.")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Malformed(f"An object has the key “{cut(twice, 100)}” twice.")
    return members


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Malformed(f"A number has more than {MAX_DIGITS} digits.")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise Malformed(f"The number {digits[:40]} is too large.")
    return value


def _constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON. Leave the member out, or send null.")


def _bad_texts(value: Any, path: list[str | int]) -> Iterator[str]:
    """Yield pointers of bad text only: building them for every member would be too slow."""
    if isinstance(value, str):
        if _BAD_TEXT.search(value):
            yield reduce(pointer, path, "")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _bad_texts(member, [*path, index])
    elif isinstance(value, dict):
        for name, member in value.items():
            there = [*path, name]
            if _BAD_TEXT.search(name):
                yield reduce(pointer, there, "")
            yield from _bad_texts(member, there)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)
