"""Reads the pages of the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


FENCED = re.compile(r"```.*?```", re.S)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(name: str) -> str:
    """Return the text of a file, or of all pages of a folder such as `docs/api`."""
    path = ROOT / name
    files = sorted(path.glob("*.md")) if path.is_dir() else [path]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def section(page: str, heading: str) -> str:
    """Return the text below a heading, up to the next one of its level or above. `page`: a file or a folder."""
    text = read(page)
    found = re.search(rf"^(#+) {re.escape(heading)}$\n", text, re.M)
    assert found, f"{page} has no heading “{heading}”"
    rest = FENCED.sub(lambda block: re.sub(r"^#", " ", block[0], flags=re.M), text[found.end() :])
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.M)
    return text[found.end() :][: end.start()] if end else text[found.end() :]


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
