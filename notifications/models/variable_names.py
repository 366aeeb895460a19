"""Names of variables sent to an engine with an answer: which are ours, and which others may use."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from notifications.types import Json

OURS = "wfpush_"
"""Prefix of names that only we set: an engine learns the decision, and who made it, from us alone."""

MAX_NAME = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def may_be_declared(name: Any) -> bool:
    """ASCII only: no letter of a declared name may look like another."""
    return isinstance(name, str) and len(name) <= MAX_NAME and bool(_NAME.fullmatch(name)) and not is_ours(name)


def is_ours(name: str) -> bool:
    return normalized(name).startswith(OURS)


def normalized(name: str) -> str:
    """The name as a lenient engine may read it: without case, width variants, and invisible characters."""
    seen = (each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each)[0] not in "CZ")
    return "".join(seen).casefold()


def without_reserved(names: Iterable[str], said: Mapping[str, Any]) -> Json:
    """The variables without those that are named like ours, or like one of `names`."""
    taken = {normalized(name) for name in names}
    return {name: value for name, value in said.items() if not is_ours(name) and normalized(name) not in taken}
