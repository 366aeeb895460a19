"""What differs between two texts, word for word, in the order of reading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
MOST_WORDS = 6_000
"""Of both texts: beyond, one is shown as taken out and the other as put in."""

CONTEXT = 80
"""Characters that are kept before and after a change."""

Change = Literal["same", "added", "removed"]


@dataclass(frozen=True)
class Piece:
    change: Change
    text: str


def words_between(old: str, new: str) -> list[Piece]:
    """The later text with the words that came, and those of the earlier that went, in their places."""
    before, after = WORDS.findall(old), WORDS.findall(new)
    if len(before) + len(after) > MOST_WORDS:
        return list(_changes(old, new))
    pieces: list[Piece] = []
    for _what, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, came = "".join(before[start:end]), "".join(after[first:last])
        pieces += [Piece("same", came)] if gone == came else _changes(gone, came)
    return pieces


def around_changes(pieces: list[Piece]) -> list[Piece]:
    """Long stretches in which nothing changed are cut."""
    return [
        Piece("same", f"{each.text[:CONTEXT]} … {each.text[-CONTEXT:]}")
        if each.change == "same" and len(each.text) > 3 * CONTEXT
        else each
        for each in pieces
    ]


def _changes(gone: str, came: str) -> Iterator[Piece]:
    if gone:
        yield Piece("removed", gone)
    if came:
        yield Piece("added", came)
