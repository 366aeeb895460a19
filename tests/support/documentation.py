"""Reads the pages of the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


FENCED = re.compile(r"```.*?```", re.S)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level."""
    found = re.search(rf"^(#+) {re.escape(heading)}$\n(.*?)(?=^\1 |^#{{1,2}} |\Z)", read(page), re.M | re.S)
    assert found, f"{page} has no heading “{heading}”"
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings included."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells for line, cells in zip(lines, tables, strict=True) if not re.fullmatch(r"[|\s-]+", line)]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def first_words(text: str) -> dict[str, list[str]]:
    """The name in code that begins a row, and the row's other cells."""
    return {name: cells[1:] for cells in rows(text) for name in code(cells[0])}


def blocks(page: str, language: str, mark: str = "") -> list[str]:
    """Code blocks of a language; `mark`: those after the comment of that name."""
    before = rf"<!-- {mark} -->\n" if mark else ""
    return re.findall(rf"{before}```{language}\n(.*?)```", read(page), re.S)
