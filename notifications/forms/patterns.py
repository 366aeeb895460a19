"""Patterns of text fields: regular expressions that are matched in a time that grows with the text alone.

RE2 follows all ways through a pattern at the same time. So do pages (static/wfpush/patterns.js), which read the same
language: characters, classes, groups, choices and repeats. tests/vectors/patterns.json holds them to each other. All
other syntax of RE2 is refused, and so is syntax that other libraries read otherwise.
"""

import re
from functools import lru_cache
from typing import Any

import re2

MOST_PATTERN = 200
"""Characters of a pattern."""
MOST_TEXT = 100
"""Characters of a text that has to fit a pattern."""
MAX_STEPS = 5_000
"""Instructions of a compiled pattern: repeats count as often as they may repeat."""

_LANGUAGE = re.compile(
    r"""(?:
      \(\?: | \((?!\?) | [)|.^$*+?]
    | \{(?!,)
    | \\[dDwWsSnrtfv] | \\[^0-9A-Za-z]                   # a letter that means something, or a sign as it is
    | \[\^?+(?!\]) (?: \\[dDwWsSnrtfv] | \\[^0-9A-Za-z] | \[(?!:) | [^\\\[\]] )++ \]
    | [^\\\[{()|.^$*+?]
    )*+""",
    re.VERBOSE,
)

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def fault_of(pattern: Any) -> str:
    """Return a sentence on why a pattern cannot be used; empty if it can."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MOST_PATTERN:
        return f"Write a pattern of 1 to {MOST_PATTERN} characters."
    if not _LANGUAGE.fullmatch(pattern):
        return (
            "Write a pattern of characters, classes, groups, choices and repeats only. After a backslash stand"
            " d, D, s, S, w, W, n, r, t, f, v, or a character that is neither a letter nor a digit."
        )
    try:
        compiled = _compiled(pattern)
    except re2.error as fault:
        message = fault.args[0]
        words = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
        return f"This is no regular expression that is read here: {words}."
    if compiled.programsize > MAX_STEPS:
        return "Write a pattern with fewer or smaller repeats."
    return ""


@lru_cache(maxsize=1_000)
def is_usable(pattern: str) -> bool:
    """Return whether a pattern has no fault: forms that earlier versions stored may have one that is now refused."""
    return not fault_of(pattern)


def fits(pattern: str, text: str) -> bool:
    """Return whether a usable pattern matches a part of the text, as in JSON Schema. `^` and `$` are the text's
    ends."""
    return _compiled(pattern).search(text) is not None


def _compiled(pattern: str) -> Any:
    """Compile a pattern, with RE2's cache. RE2 takes a backslash before ASCII punctuation only. Raises re2.error."""
    source = _ESCAPED.sub(lambda match: match[1] if match[1] in " _" or not match[1].isascii() else match[0], pattern)
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 1024 * 1024
    return re2.compile(source, options)
