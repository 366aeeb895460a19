"""Checks the English of the documentation, and of texts on screen.

`python -m tools.prose [PAGE…]` prints figures and faults of each page. Paragraphs and items of lists are read as
sentences, cells of tables apart. Code and pictures are left out.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "SECURITY", "CONTRIBUTING")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

MEAN_WORDS, LONG_WORDS, LONG_SHARE, MAX_WORDS = 15, 25, 0.05, 40
"""The mean of a page, from when on a sentence is long, how many of a page may be long, and the longest."""
LINE_LENGTH = 120
PAGE_BYTES, SECTION_BYTES = 25_000, 6_000
BANNED = {
    r"\b(whoever|whom|whomever|whatever|anew|thereby|of which)\b": "turn the sentence round",
    r"\bstands\b(?! in\b| for\b)": "say “is shown” or “is”",
    r"\btold\b": "say “notified”, “informed” or “sent”",
}
FREE_RELATIVE = re.compile(r"^(What|Whoever|Whom|Whose|Of) .*[^?]$")
"""A sentence that begins with what should be its end."""

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
CODE = re.compile(r"```.*?```", re.S)
END = re.compile(r"(?<=[.!?:])[”\"*)]*\s+(?=[“\"*`(\[]*(?:[A-Z0-9`]|wfpush\b))")


@dataclass(frozen=True)
class Prose:
    """`sentences` of paragraphs and lists, `cells` of tables, `lines` with their numbers, for the length of a line."""

    sentences: list[str]
    cells: list[str]
    lines: list[tuple[int, str]]


def read(text: str) -> Prose:
    lines = CODE.sub(lambda block: "\n" * block[0].count("\n"), re.sub(r"<!--.*?-->", "", text)).splitlines()
    paragraphs: list[str] = [""]
    cells: list[str] = []
    for line in lines:
        if line.startswith("|"):
            cells += [plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1] if not re.fullmatch(r"[\s:-]*", cell)]
        item = re.match(r"\s*(?:[-*]|\d+\.) +", line)
        if not line.strip() or line.startswith(("#", "|")) or item:
            paragraphs.append("")
        if not line.startswith(("#", "|")):
            paragraphs[-1] += " " + (line[item.end() :] if item else line.removeprefix("> "))
    sentences = [
        sentence for each in paragraphs for sentence in END.split(plain(each)) if re.search(r"\w \w", sentence)
    ]
    return Prose(sentences, cells, list(enumerate(lines, 1)))


def plain(text: str) -> str:
    """Return the text as it is read: no pictures, links by their words, code as one word."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\*\*(.+?)\*\*", r"“\1”", re.sub(r"``?[^`]+``?", "`code`", text)).strip()


def words(sentence: str) -> int:
    return len(re.findall(r"[\w’'`./-]*\w[\w’'`./-]*", sentence))


@dataclass(frozen=True)
class Figures:
    sentences: int
    mean: float
    long: float
    """The share of long sentences."""
    longest: int

    def __str__(self) -> str:
        return f"{self.sentences} sentences, mean {self.mean:.1f} words, {self.long:.1%} long, longest {self.longest}"


def figures(*texts: str) -> Figures:
    lengths = [words(sentence) for text in texts for sentence in read(text).sentences] or [0]
    long = sum(length > LONG_WORDS for length in lengths)
    return Figures(len(lengths), sum(lengths) / len(lengths), long / len(lengths), max(lengths))


def faults(text: str) -> Iterator[str]:
    """Yield what is to be changed in a page."""
    prose, measured = read(text), figures(text)
    if measured.mean > MEAN_WORDS:
        yield f"sentences have {measured.mean:.1f} words at the mean, more than {MEAN_WORDS}"
    if measured.long > LONG_SHARE and measured.long * measured.sentences > 1:
        long = [sentence for sentence in prose.sentences if words(sentence) > LONG_WORDS]
        yield f"{measured.long:.1%} of the sentences have over {LONG_WORDS} words: " + " | ".join(long)
    for part in (*prose.sentences, *(sentence for cell in prose.cells for sentence in END.split(cell))):
        if words(part) > MAX_WORDS:
            yield f"{words(part)} words: {part}"
        if FREE_RELATIVE.match(part) and part.endswith("."):
            yield f"begins with its end: {part}"
        for pattern, instead in BANNED.items():
            if found := re.search(pattern, part, re.I):
                yield f"“{found[0]}”: {instead}: {part}"
    for number, line in prose.lines:
        if len(line) > LINE_LENGTH and not line.startswith(("|", "![")) and " " in line[LINE_LENGTH // 2 :]:
            yield f"line {number} has {len(line)} characters, more than {LINE_LENGTH}"
    if len(text.encode()) > PAGE_BYTES:
        yield f"{len(text.encode())} bytes, more than {PAGE_BYTES}"
    headings = re.finditer(r"^#+ (.*)$", CODE.sub(lambda block: " " * len(block[0]), text), re.M)
    starts = [*((each.start(), each[1]) for each in headings), (len(text), "")]
    for title, count in Counter(title.lower() for _, title in starts).items():
        if count > 1:
            yield f"heading “{title}” is there {count} times, so links to it are not clear"
    for (start, title), (end, _) in pairwise(starts):
        if len(text[start:end].encode()) > SECTION_BYTES:
            yield f"section “{title}” has {len(text[start:end].encode())} bytes, more than {SECTION_BYTES}"


def faults_of_label(text: str) -> Iterator[str]:
    """Yield what is to be changed in a text on screen, with placeholders as in msgids."""
    plain_text = PLACEHOLDER.sub("X", text)
    if words(plain_text) > LONG_WORDS:
        yield f"{words(plain_text)} words, more than {LONG_WORDS}"
    if FREE_RELATIVE.match(plain_text) and plain_text.endswith("."):
        yield "begins with its end"
    for pattern, instead in BANNED.items():
        if found := re.search(pattern, plain_text, re.I):
            yield f"“{found[0]}”: {instead}"


def main() -> int:
    """Print figures and faults of the pages that the command line names; of all without any. Return 1 for faults."""
    pages = [Path(name) for name in sys.argv[1:]] or PAGES
    wrong = 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        print(f"{page}: {figures(text)}")
        for fault in faults(text):
            wrong += 1
            print(f"  {fault}")
    print(f"All: {figures(*(page.read_text(encoding='utf-8') for page in pages))}; {wrong} faults")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
