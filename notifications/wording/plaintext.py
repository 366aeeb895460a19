"""Cleans text that is stored and sent: plain text without characters that forge lines, change the reading order, or are
invisible.

HTML is text like any other: the page that shows it escapes it.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"((?<=«)[\u00a0\u202f](?=\S)|(?<=\S)[\u00a0\u202f](?=[»:;?!]))|\s+")
"""The first group: spaces that keep French punctuation in the line of its word."""
_EMPTY_LINES = re.compile(r"\n{3,}")
_TRAILING_BLANKS = re.compile(r"(?<! ) ++$", re.MULTILINE)
"""Each run is matched once, from its beginning: a match from each of a million blanks would take an hour."""

# Control characters; zero-width and invisible ones; all of Unicode's Bidi_Control; tags; lone surrogates. Letters of
# right-to-left scripts need none of these for their order. The joiners U+200C and U+200D are checked one by one.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = re.compile("[\u200c\u200d]")
_JOINED = frozenset({"Lo", "Mn", "Mc", "Sk", "So"})
"""Categories between which a joiner is part of the spelling: Persian and Indic letters with marks, emoji with
modifiers."""

_PILE = re.compile(r"[^\w\s\x21-\x7e]{6,}")
"""Runs in which marks may follow each other: neither letters nor spaces."""

MOST_MARKS, MOST_PARTS = 5, 8
"""Marks that one letter keeps: pointed Hebrew has up to five. In the scripts of India, Tibet and Burma marks of other
kinds are parts of letters, up to eight of them."""

_THAI_AND_LAO = range(0x0E00, 0x0F00)

_ZWJ = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def clean(text: str) -> str:
    """Return text of several lines: LF as line ends, at most one empty line in a row, no tabs, nothing invisible."""
    text = _seen(_LINE_ENDS.sub("\n", text).replace("\t", " "))
    return _EMPTY_LINES.sub("\n\n", _TRAILING_BLANKS.sub("", text)).strip()


def clean_line(text: str) -> str:
    """Return text of one line: line ends, tabs and runs of spaces become one space, except those of French punctuation;
    nothing invisible."""
    return _BLANKS.sub(lambda match: match[1] or " ", _seen(_LINE_ENDS.sub("\n", text))).strip()


def unix_lines(text: str) -> str:
    """Return the text with each line end as one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def escape_hidden(text: str) -> str:
    """Return text in which people see what really came: characters that `clean` removes are written as `\\u202e`.

    Line ends and tabs stay. Of many marks on one letter the first few stay, and the others are removed.
    """
    return _seen(text, _escaped)


def escape_hidden_in_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON with the same value, in which invisible characters, and many marks on one letter, are escaped."""
    return _seen(json.dumps(value, indent=indent, ensure_ascii=False, default=str), _escaped, piled=_escaped)


def _escaped(unseen: str) -> str:
    return json.dumps(unseen)[1:-1] if unseen != "\x7f" else "\\u007f"


def _nothing(unseen: str) -> str:
    return ""


Instead = Callable[[str], str]


def _seen(text: str, instead: Instead = _nothing, *, piled: Instead = _nothing) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _UNSEEN.sub(lambda match: instead(match.group()), text)
    text = _PILE.sub(lambda match: _few_marks(match.group(), piled), text)
    return _JOINERS.sub(lambda match: match.group() if _is_spelling(match) else instead(match.group()), text)


def _is_spelling(joiner: re.Match[str]) -> bool:
    text, at = joiner.string, joiner.start()
    before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    return bool(before and after) and {unicodedata.category(before), unicodedata.category(after)} <= _JOINED


def _few_marks(pile: str, instead: Instead) -> str:
    """Limit the marks on one letter: hundreds of them would cover the lines around it. A joiner starts no new
    letter."""
    characters: list[str] = []
    marks = parts = 0
    for each in pile:
        category = unicodedata.category(each)
        if not category.startswith("M"):
            marks, parts = (marks, parts) if _JOINERS.match(each) else (0, 0)
        elif category == "Me" or unicodedata.combining(each) or ord(each) in _THAI_AND_LAO:
            marks += 1
        else:
            parts += 1
        characters.append(each if marks <= MOST_MARKS and parts <= MOST_PARTS else instead(each))
    return "".join(characters)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, with “…” at the end where text was cut. Letters keep their marks."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and not _may_end(text, end):
        end -= 1
    return text[: end or limit - 1].rstrip() + "…"


def _may_end(text: str, end: int) -> bool:
    """Return whether a reader sees two characters on either side of `end`."""
    before, after = text[end - 1], text[end]
    if before == _ZWJ or after == _ZWJ or unicodedata.combining(after) or unicodedata.category(after).startswith("M"):
        return False
    if ord(after) in _SKIN_TONES:
        return False
    return not (ord(after) in _REGIONAL and _flags_before(text, end) % 2)


def _flags_before(text: str, end: int) -> int:
    count = 0
    while end - count > 0 and ord(text[end - count - 1]) in _REGIONAL:
        count += 1
    return count


_VERBATIM = re.compile(r"(?is)(<textarea\b.*?</textarea>|<input\b[^>]*>|<script\b.*?</script>)")
"""Elements whose content must not change, since it is sent back or executed."""


def show_hidden_characters(html: str) -> str:
    """Return the page with control and zero-width characters written out (`\\u202e`), except inside form fields."""
    parts = _VERBATIM.split(html)
    return "".join(part if place % 2 else escape_hidden(part) for place, part in enumerate(parts))
