"""Names of variables that go to an engine with an answer: ours, and those that others may have."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from notifications.types import Json

OURS = "wfpush_"
"""How names begin that only we set: what is decided, and by whom, an engine learns from us alone."""

MAX_NAME = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def may_be_declared(name: Any) -> bool:
    """ASCII alone: no letter of what is declared can look like another."""
    return isinstance(name, str) and len(name) <= MAX_NAME and bool(_NAME.fullmatch(name)) and not is_ours(name)


def is_ours(name: str) -> bool:
    return plain(name).startswith(OURS)


def plain(name: str) -> str:
    """What a lenient engine may take the name for: without case, widths, and characters that are not seen."""
    seen = (each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each)[0] not in "CZ")
    return "".join(seen).casefold()


def without(names: Iterable[str], said: Mapping[str, Any]) -> Json:
    """What is said, but for what is called like ours or like one of the names."""
    taken = {plain(name) for name in names}
    return {name: value for name, value in said.items() if not is_ours(name) and plain(name) not in taken}
