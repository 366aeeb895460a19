"""Patterns of text fields: a part of what Python and browsers read alike, which no text makes slow.

A pattern is matched in a time that grows with the fourth power of the text's length at most, and texts are short. What
may take longer is refused: repeats inside repeats, choices inside repeats, more than three repeats, references back,
and looking around.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from re import _constants as op  # type: ignore[attr-defined]  # isort: skip
from re import _parser as parser  # type: ignore[attr-defined]  # isort: skip

MOST_PATTERN = 200
"""Characters of a pattern."""
MOST_TEXT = 100
"""Characters of a text that has to fit a pattern."""
MOST_REPEATS, MOST_WAYS = 3, 64
"""Repeats of a pattern that may be longer or shorter, and the ways through its choices."""

_PLAIN = frozenset({op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY, op.AT})
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT})
_FOREIGN = re.compile(r"\(\?(?!:)|\\[AZzGQEbBNUxu]|\\[1-9]|\[\[|\{,")
"""What browsers read otherwise than Python, or not at all."""


def fault_of(pattern: Any) -> str:
    """Why a pattern cannot be used, in a sentence; empty for one that can."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MOST_PATTERN:
        return f"Write a pattern of 1 to {MOST_PATTERN} characters."
    if _FOREIGN.search(pattern):
        return "Write a pattern of characters, classes, groups, choices and repeats only."
    try:
        parsed = parser.parse(pattern, re.ASCII)
        re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as fault:
        return f"This is no regular expression: {fault}."
    try:
        repeats, ways = _cost(parsed)
    except _Slow as slow:
        return str(slow)
    if repeats > MOST_REPEATS or ways > MOST_WAYS:
        return f"Write a pattern with at most {MOST_REPEATS} repeats and {MOST_WAYS} ways through its choices."
    return ""


def fits(pattern: str, text: str) -> bool:
    """Whether a part of the text fits, as in JSON Schema; `^` and `$` stand for its ends."""
    return re.search(pattern, text, re.ASCII) is not None


class _Slow(Exception):
    """The message says what makes the pattern slow."""


def _cost(parsed: Iterable[tuple[Any, Any]]) -> tuple[int, int]:
    """The repeats that may be longer or shorter, and the ways through its choices. Raises _Slow."""
    repeats, ways = 0, 1
    for code, said in parsed:
        if code in _PLAIN:
            continue
        more, other_ways = _cost_of(code, said)
        repeats, ways = repeats + more, ways * other_ways
    return repeats, ways


def _cost_of(code: Any, said: Any) -> tuple[int, int]:
    if code is op.SUBPATTERN:
        return _cost(said[-1])
    if code is op.BRANCH:
        costs = [_cost(branch) for branch in said[1]]
        return sum(repeats for repeats, _ in costs), sum(ways for _, ways in costs)
    if code in _REPEATS:
        least, most, body = said
        if not _is_fixed(body):
            raise _Slow("Write a pattern without repeats or choices inside of repeats.")
        return (0 if least == most else 1), 1
    raise _Slow("Write a pattern of characters, classes, groups, choices and repeats only.")


def _is_fixed(body: Sequence[tuple[Any, Any]]) -> bool:
    """Whether it always has the same length, and one way through it."""
    return all(code in _PLAIN or (code is op.SUBPATTERN and _is_fixed(said[-1])) for code, said in body)
