"""Text as it is kept and sent: plain, without what could forge a line, turn the reading order round, or hide.

HTML is text like any other: escaping is the business of the page that shows it.
"""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"\s+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_TRAILING_BLANKS = re.compile(r" +$", re.MULTILINE)

# Control characters; zero-width and invisible ones; all of Unicode's Bidi_Control; tags; lone surrogates. Letters of
# right-to-left scripts order themselves without them. The joiners U+200C and U+200D are looked at one by one.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = re.compile("[\u200c\u200d]")
_JOINED = frozenset({"Lo", "Mn", "Mc", "Sk", "So"})
"""Between these categories a joiner is spelling: Persian and Indic letters with marks, emoji with modifiers."""

_ZWJ = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def clean(text: str) -> str:
    """Text of several lines: line ends are LF, at most one empty line in a row, tabs are spaces, nothing unseen."""
    text = _seen(_LINE_ENDS.sub("\n", text).replace("\t", " "))
    return _EMPTY_LINES.sub("\n\n", _TRAILING_BLANKS.sub("", text)).strip()


def clean_line(text: str) -> str:
    """Text of one line: line ends, tabs and runs of blanks are one space, nothing unseen."""
    return _BLANKS.sub(" ", _seen(_LINE_ENDS.sub("\n", text))).strip()


def _seen(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _UNSEEN.sub("", text)
    return _JOINERS.sub(_joiner_where_spelled, text)


def _joiner_where_spelled(found: re.Match[str]) -> str:
    text, at = found.string, found.start()
    before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    spelled = before and after and {unicodedata.category(before), unicodedata.category(after)} <= _JOINED
    return found.group() if spelled else ""


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them “…” where something was left out; no letter loses its marks."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and not _may_end(text, end):
        end -= 1
    return text[: end or limit - 1].rstrip() + "…"


def _may_end(text: str, end: int) -> bool:
    """Whether a person sees two characters on either side of `end`."""
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
