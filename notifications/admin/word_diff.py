"""The differences between two texts, word for word, in the order of reading."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

LINES, WORDS = re.compile(r"[^\n]*\n|[^\n]+"), re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
MOST_PAIRS = 50_000
"""Of equal words, or lines, of both texts: beyond, comparing would take minutes, and one text is shown as taken out and
the other as put in."""

CONTEXT = 80
"""Characters that are kept before and after a change."""

Change = Literal["same", "added", "removed"]


@dataclass(frozen=True)
class Piece:
    change: Change
    text: str


def words_between(old: str, new: str) -> list[Piece]:
    """The later text with the words that came, and those of the earlier that went, in their places: line by line, and
    word by word in lines that differ."""
    pieces: list[Piece] = []
    for gone, came in _blocks(LINES, old, new):
        for less, more in [(gone, came)] if gone == came else _blocks(WORDS, gone, came):
            for piece in [Piece("same", more)] if less == more else _changes(less, more):
                if piece.change == "same" and pieces and pieces[-1].change == "same":
                    piece = Piece("same", pieces.pop().text + piece.text)
                pieces.append(piece)
    return pieces


def _blocks(what: re.Pattern[str], old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of passages that stand in the same place of both texts, equal or not."""
    before, after = what.findall(old), what.findall(new)
    counts = Counter(after)
    if sum(counts[each] for each in before) > MOST_PAIRS:
        yield old, new
        return
    for _what, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield "".join(before[start:end]), "".join(after[first:last])


def around_changes(pieces: list[Piece]) -> list[Piece]:
    """Long stretches in which nothing changed are cut."""
    return [
        Piece("same", f"{each.text[:CONTEXT]} … {each.text[-CONTEXT:]}")
        if each.change == "same" and len(each.text) > 3 * CONTEXT
        else each
        for each in pieces
    ]


def _changes(gone: str, came: str) -> Iterator[Piece]:
    """Blanks after both stay."""
    blanks = came[len(came.rstrip()) :]
    if blanks and gone.endswith(blanks) and gone.strip() and came.strip():
        gone, came = gone.removesuffix(blanks), came.removesuffix(blanks)
    else:
        blanks = ""
    if gone:
        yield Piece("removed", gone)
    if came:
        yield Piece("added", came)
    if blanks:
        yield Piece("same", blanks)
