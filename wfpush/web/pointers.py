"""JSON pointers to faults in a body (RFC 6901), and limits for the faults that an answer names.

A body within its limit can hold hundreds of thousands of faults, under names as long as itself. An answer, and the
objects that we build for it, must not be more than a screenful.
"""

import json
import re
from collections.abc import Iterable
from itertools import islice

MAX_ERRORS = 20
"""The most faults that an answer names."""
MAX_NAME = 100
"""The most characters of a member's name in a pointer."""
MAX_POINTER = 400
MAX_SENTENCE = 500
"""The most characters of the sentence about one fault."""
MAX_BYTES = 32 * 1024
"""The most bytes of all faults of an answer together, as ASCII-only JSON."""

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


def pointer(parent: str, name: str | int) -> str:
    """Return the JSON pointer of a member. Long names are cut, and deep paths end early: both then end in “…”."""
    if len(parent) >= MAX_POINTER - MAX_NAME:
        return parent if parent.endswith("/…") else f"{parent}/…"
    return f"{parent}/{cut(str(name), MAX_NAME).replace('~', '~0').replace('/', '~1')}"


def cut(text: str, most: int) -> str:
    """Return the printable text, cut to `most` characters."""
    return printable(text if len(text) <= most else text[: most - 1] + "…")


def printable(text: str) -> str:
    """Return the text without unprintable characters, for pointers and sentences that repeat a caller's text."""
    return _UNPRINTABLE.sub("\ufffd", text)


def bounded(errors: Iterable[dict[str, str]], most: int = MAX_ERRORS, size: int = MAX_BYTES) -> list[dict[str, str]]:
    """Return the first errors, cut. Stops reading `errors` when the answer is full."""
    faults: list[dict[str, str]] = []
    for error in islice(errors, most):
        fault = {"pointer": cut(error["pointer"], MAX_POINTER), "detail": cut(error["detail"], MAX_SENTENCE)}
        size -= len(json.dumps(fault))
        if size < 0 and faults:
            break
        faults.append(fault)
    return faults
